"""A profile as the text of its file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from remapd.sinks.midi.control import REACH
from remapd.sinks.profiles.parsing import FORMAT
from remapd.sinks.profiles.profile import DeviceControl, Instrument, Mapping, Profile

_DELETE = "\x7f"


def profile_text(profile: Profile, comments: Iterable[str] = ()) -> str:
    """TOML that `profile_from` takes; `comments` are lines that come after it as remarks."""
    shared = _shared(profile.instruments)
    parts = [_head(profile, shared), *(_instrument(one, shared) for one in profile.instruments)]
    parts += [_mapping(one) for one in profile.mappings]
    remarks = "\n".join(f"# {line}".rstrip() for line in comments)
    return "\n\n".join([*parts, remarks] if remarks else parts) + "\n"


def _shared(instruments: tuple[Instrument, ...]) -> list[DeviceControl]:
    """Controls that every instrument has."""
    return [control for control in instruments[0].controls if all(control in one.controls for one in instruments)]


def _head(profile: Profile, shared: list[DeviceControl]) -> str:
    rows: dict[str, Any] = {
        "format": FORMAT,
        "manufacturer": profile.manufacturer,
        "device": profile.device,
        "sources": list(profile.sources),
        "licence": profile.licence,
        "attribution": profile.attribution,
        "wire": profile.wire,
        "notes": profile.notes,
    }
    return _rows(rows) + _listed(shared)


def _instrument(instrument: Instrument, shared: list[DeviceControl]) -> str:
    rows: dict[str, Any] = {
        "name": instrument.name,
        "title": instrument.title,
        "note": instrument.note,
        "channel": instrument.channel,
        "note_length_ms": instrument.note_length_ms,
        "synths": list(instrument.synths),
    }
    own = [control for control in instrument.controls if control not in shared]
    return f"[[instrument]]\n{_rows(rows)}{_listed(own)}"


def _listed(controls: list[DeviceControl]) -> str:
    lines = [f"    {{ {', '.join(_pairs(_control(control)))} }}," for control in controls]
    return "\n".join(["", "control = [", *lines, "]"]) if lines else ""


def _control(control: DeviceControl) -> dict[str, Any]:
    reach = REACH[control.kind]
    is_numbered = control.kind in ("nrpn", "nrpn7")
    rows: dict[str, Any] = {"name": control.name}
    if is_numbered:
        rows["nrpn"] = list(divmod(control.number, 128))
    elif reach.largest_number:
        rows[control.kind] = control.number
    else:
        rows["kind"] = control.kind
    rows["minimum"] = control.minimum if control.minimum != reach.minimum else None
    rows["maximum"] = control.maximum if is_numbered or control.maximum != reach.maximum else None
    return rows | {"centre": control.centre, "default": control.default, "sounds": control.sounds}


def _mapping(mapping: Mapping) -> str:
    rows: dict[str, Any] = {
        "control": mapping.control,
        "instruments": list(mapping.instruments),
        "synths": list(mapping.synths),
        "source": mapping.source,
    }
    return f"[[mapping]]\n{_rows(rows | dict(mapping.settings))}"


def _rows(members: dict[str, Any]) -> str:
    return "\n".join(_pairs(members))


def _pairs(members: dict[str, Any]) -> Iterator[str]:
    """``name = value`` of all that says something."""
    for name, value in members.items():
        if value is not None and value != "" and value != []:
            yield f"{name} = {toml_value(value)}"


def toml_value(value: str | bool | float | list[Any]) -> str:
    """Value as TOML has it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    return repr(value)
