"""A profile from the content of its file, checked by field."""

from __future__ import annotations

from collections.abc import Mapping as Members
from typing import Any, get_args

from remapd.errors import FieldError, Told
from remapd.fields import checked_choice, checked_members, checked_name, checked_text
from remapd.sinks.midi.document import SETTINGS, Wire, parse_midi_sink
from remapd.sinks.profiles.device_control import parse_device_control
from remapd.sinks.profiles.mapping import MAPPING_MEMBERS, parse_mapping, synth_names
from remapd.sinks.profiles.profile import DeviceControl, Instrument, Profile
from remapd.sinks.profiles.sinks import sinks_from_profile

FORMAT = 1
MAX_INSTRUMENTS, MAX_CONTROLS, MAX_MAPPINGS = 64, 2048, 256
MAX_SOURCES, LONGEST_LINE, LONGEST_NOTES = 16, 200, 8000

_REQUIRED = ("format", "manufacturer", "device", "sources", "licence", "instrument")
_OPTIONAL = ("attribution", "channel", "wire", "notes", "control", "mapping")
_NAMED = ("manufacturer", "device", "licence")
_INSTRUMENT = ("title", "channel", "note_length_ms", "synths", "control")


def parse_profile(document: object, name: str) -> Profile:
    """Check what a file holds.

    Parameters
    ----------
    document : object
        The file's tables.
    name : str
        Name of the profile, that of its file.

    Raises
    ------
    FieldError
        If a field is unknown, missing or does not fit; sections count from 1 (``mapping.2.source``).
    """
    members = _members(document, "profile", _REQUIRED, _OPTIONAL)
    if members["format"] != FORMAT or isinstance(members["format"], bool):
        raise FieldError("format", f"{FORMAT}", members["format"])
    shared = _controls(members.get("control", []), "control")
    instruments = _instruments(members, shared)
    mappings = tuple(
        parse_mapping(_members(one, field, ("control", "source"), MAPPING_MEMBERS), field, instruments)
        for field, one in _sections(members.get("mapping", []), "mapping", MAX_MAPPINGS)
    )
    profile = Profile(
        name=checked_name(name),
        **_texts(members),
        sources=_source_titles(members["sources"]),
        wire=checked_choice(members.get("wire", "usb"), "wire", get_args(Wire)),
        notes=_lines(members.get("notes", ""), "notes"),
        instruments=instruments,
        mappings=mappings,
    )
    _check_whole(profile)
    return profile


def _texts(members: Members[str, Any]) -> dict[str, str]:
    needed = {
        name: checked_text(members[name], name, LONGEST_LINE, 1) for name in ("manufacturer", "device", "licence")
    }
    return needed | {"attribution": checked_text(members.get("attribution", ""), "attribution", LONGEST_LINE)}


def _source_titles(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_SOURCES:
        raise FieldError("sources", f"1 to {MAX_SOURCES} titles of documents", value)
    return tuple(checked_text(one, f"sources.{at}", LONGEST_LINE, 1) for at, one in enumerate(value, 1))


def _lines(value: object, field: str) -> str:
    """Text of several lines."""
    if not isinstance(value, str) or len(value) > LONGEST_NOTES:
        raise FieldError(field, f"text of at most {LONGEST_NOTES} characters", value)
    for line in value.splitlines():
        checked_text(line, field, LONGEST_NOTES)
    return value.strip()


def _instruments(members: Members[str, Any], shared: tuple[DeviceControl, ...]) -> tuple[Instrument, ...]:
    channel = members.get("channel", int(SETTINGS["channel"].default))
    _whole(channel, "channel", "channel")
    found: dict[str, Instrument] = {}
    for field, one in _sections(members["instrument"], "instrument", MAX_INSTRUMENTS, 1):
        instrument = _instrument(_members(one, field, ("name", "note"), _INSTRUMENT), field, channel, shared)
        if instrument.name.casefold() in found:
            raise FieldError(f"{field}.name", "a name that no other instrument has", instrument.name)
        found[instrument.name.casefold()] = instrument
    return tuple(found.values())


def _instrument(members: Members[str, Any], field: str, channel: int, shared: tuple[DeviceControl, ...]) -> Instrument:
    own = _controls(members.get("control", []), f"{field}.control")
    names = {control.name for control in own}
    length = members.get("note_length_ms")
    return Instrument(
        name=checked_name(members["name"], f"{field}.name"),
        title=checked_text(members.get("title", ""), f"{field}.title", LONGEST_LINE),
        channel=_whole(members.get("channel", channel), f"{field}.channel", "channel"),
        note=_whole(members["note"], f"{field}.note", "note"),
        note_length_ms=None if length is None else SETTINGS["note_length_ms"].check(length, f"{field}.note_length_ms"),
        synths=synth_names(members.get("synths", []), f"{field}.synths"),
        controls=own + tuple(control for control in shared if control.name not in names),
    )


def _whole(value: object, field: str, setting: str) -> int:
    return int(SETTINGS[setting].check(value, field))


def _controls(value: object, field: str) -> tuple[DeviceControl, ...]:
    found: dict[str, DeviceControl] = {}
    for place, one in _sections(value, field, MAX_CONTROLS):
        control = parse_device_control(one, place)
        if control.name in found:
            raise FieldError(f"{place}.name", "a name that no other control here has", control.name)
        found[control.name] = control
    return tuple(found.values())


def _sections(value: object, field: str, most: int, least: int = 0) -> list[tuple[str, object]]:
    """Tables of a list with the name of each as a field."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise FieldError(field, f"{least} to {most} tables, each begun by [[{_header(field)}]]", _briefly(value))
    return [(f"{field}.{number}", one) for number, one in enumerate(value, 1)]


def _header(field: str) -> str:
    return ".".join(part for part in field.split(".") if not part.isdecimal())


def _briefly(value: object) -> object:
    return Told(f"{len(value)}") if isinstance(value, list) else value


def _members(value: object, field: str, required: tuple[str, ...], optional: tuple[str, ...]) -> Members[str, Any]:
    if not isinstance(value, dict):
        raise FieldError(field, "a table", value)
    return checked_members(value, field, required, optional)


def _check_whole(profile: Profile) -> None:
    """Hold the lines against each other, as a sink would."""
    for number, instrument in enumerate(profile.instruments, 1):
        _check_lines(profile, instrument)
        parse_midi_sink(sinks_from_profile(profile, instrument.name), f"instrument.{number}")


def _check_lines(profile: Profile, instrument: Instrument) -> None:
    """Refuse two lines that would move one control at the same time."""
    first: dict[tuple[str, str], int] = {}
    for number, line in enumerate(profile.mappings, 1):
        for synth in line.synths or ("",) if line.holds_for(instrument) else ():
            other = first.setdefault((line.control, synth), number)
            if other != number:
                expected = f"other synths or instruments than mapping.{other}, which moves it too"
                raise FieldError(f"mapping.{number}.control", expected, f"{line.control} of {instrument.name}")
