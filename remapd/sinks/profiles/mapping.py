"""One line of a profile from a number of a hit to a control, and the sink's controls that it stands for."""

from __future__ import annotations

from collections.abc import Mapping as Members
from typing import Any

from remapd.errors import FieldError
from remapd.fields import near
from remapd.parameters import Parameter
from remapd.sinks.midi.control import parse_control
from remapd.sinks.profiles.profile import DeviceControl, Instrument, Mapping
from remapd.sinks.sources import parse_source
from remapd.synth.registry import SYNTHS, get_synth

#: Fields of a line that are those of a sink's control.
SETTINGS = (
    "minimum", "maximum", "centre", "curve", "invert", "source_minimum", "source_maximum", "smoothing", "threshold",
    "weight",
)  # fmt: skip
MAPPING_MEMBERS = ("instruments", "synths", *SETTINGS)


def parse_mapping(members: Members[str, Any], field: str, instruments: tuple[Instrument, ...]) -> Mapping:
    """Check one line against the instruments of the device.

    Raises
    ------
    FieldError
        If it names what there is not, or does not fit the control or the source.
    """
    mapping = Mapping(
        control=_control_name(members["control"], f"{field}.control", instruments),
        source=parse_source(members["source"], f"{field}.source").text,
        instruments=_instrument_names(members.get("instruments", []), f"{field}.instruments", instruments),
        synths=synth_names(members.get("synths", []), f"{field}.synths"),
        settings=tuple((name, members[name]) for name in SETTINGS if name in members),
    )
    _check(mapping, field, instruments)
    return mapping


def control_document(mapping: Mapping, control: DeviceControl, synth: str) -> dict[str, Any]:
    """Control of a sink that moves a device's control while the track plays `synth`; empty for any."""
    document: dict[str, Any] = {
        "source": mapping.source,
        "kind": control.kind,
        "number": control.number,
        "minimum": control.minimum,
        "maximum": control.maximum,
        "synth": synth,
    } | dict(mapping.settings)
    least, most = document["minimum"], document["maximum"]
    if control.centre is not None and least <= control.centre <= most:
        document.setdefault("centre", control.centre)
    return document


def fits(mapping: Mapping, synth: str) -> bool:
    """Whether a synthesiser has the parameter that a line takes; one that takes none fits all."""
    return parse_source(mapping.source).resolve(SYNTHS[synth].table) is not None


def _check(mapping: Mapping, field: str, instruments: tuple[Instrument, ...]) -> None:
    held = [one for one in instruments if mapping.holds_for(one)]
    for name in mapping.instruments:
        if not any(one.name == name for one in held):
            raise FieldError(f"{field}.control", f"a control of the instrument {name}", mapping.control)
    for control in {one.control(mapping.control) for one in held}:
        if control is not None:
            _check_range(mapping, field, control)
            for synth in mapping.synths or ("",):
                parse_control(control_document(mapping, control, synth), field)


def _check_range(mapping: Mapping, field: str, control: DeviceControl) -> None:
    for name, value in mapping.settings:
        if name in ("minimum", "maximum", "centre"):
            reach = Parameter(name, "", control.minimum, control.maximum, control.minimum, "", "whole")
            reach.check(value, f"{field}.{name}")


def _control_name(value: object, field: str, instruments: tuple[Instrument, ...]) -> str:
    known = list(dict.fromkeys(control.name for one in instruments for control in one.controls))
    if not isinstance(value, str) or value not in known:
        raise FieldError(field, f"the name of a control{near(value, known)}", value)
    return value


def _instrument_names(value: object, field: str, instruments: tuple[Instrument, ...]) -> tuple[str, ...]:
    known = {one.name.casefold(): one.name for one in instruments}
    names = []
    for name in _names(value, field, len(instruments)):
        if name.casefold() not in known:
            raise FieldError(field, f"names of instruments{near(name, known.values())}", name)
        names.append(known[name.casefold()])
    return tuple(dict.fromkeys(names))


def synth_names(value: object, field: str) -> tuple[str, ...]:
    """Names of synthesisers, each once."""
    return tuple(dict.fromkeys(get_synth(name, field).name for name in _names(value, field, len(SYNTHS))))


def _names(value: object, field: str, most: int) -> list[str]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(name, str) for name in value):
        raise FieldError(field, f"a list of at most {most} names", value)
    return value
