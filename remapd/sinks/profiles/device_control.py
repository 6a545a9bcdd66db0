"""One control of a device from its table in a profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remapd.errors import FieldError, Told
from remapd.fields import checked_choice, checked_members, checked_text
from remapd.parameters import Parameter
from remapd.sinks.midi.control import REACH, RESERVED, Kind
from remapd.sinks.profiles.profile import DeviceControl

LONGEST_NAME, LONGEST_SOUNDS = 64, 400
#: The largest value of a numbered parameter that fits one data byte.
_ONE_BYTE = 127
#: Kinds that need no number.
_NUMBERLESS = tuple(kind for kind, reach in REACH.items() if reach.largest_number == 0)
_ADDRESSES = ("cc", "cc14", "nrpn", "kind")
_RANGE = ("minimum", "maximum", "centre", "default")


def parse_device_control(value: object, field: str) -> DeviceControl:
    """Check one control.

    Raises
    ------
    FieldError
        If a field is unknown, missing or does not fit.
    """
    if not isinstance(value, dict):
        raise FieldError(field, "a table", value)
    members = checked_members(value, field, ("name",), (*_ADDRESSES, *_RANGE, "sounds"))
    name = checked_text(members["name"], f"{field}.name", LONGEST_NAME, 1)
    kind, number = _address(members, field)
    minimum = _in_range(members, "minimum", field, REACH[kind].minimum, REACH[kind].maximum, REACH[kind].minimum)
    maximum = _in_range(members, "maximum", field, REACH[kind].minimum, REACH[kind].maximum, REACH[kind].maximum)
    if minimum >= maximum:
        raise FieldError(f"{field}.maximum", f"more than the minimum {minimum}", maximum)
    return DeviceControl(
        name=name,
        kind=kind,
        number=number,
        minimum=minimum,
        maximum=maximum,
        centre=_place(members, "centre", field, minimum, maximum),
        default=_place(members, "default", field, minimum, maximum),
        sounds=checked_text(members.get("sounds", ""), f"{field}.sounds", LONGEST_SOUNDS),
    )


def _address(members: Mapping[str, Any], field: str) -> tuple[Kind, int]:
    given = [name for name in _ADDRESSES if name in members]
    if len(given) != 1:
        raise FieldError(field, f"one of {', '.join(_ADDRESSES)}", Told(" and ".join(given) or "none"))
    way = given[0]
    if way == "kind":
        return checked_choice(members["kind"], f"{field}.kind", _NUMBERLESS), 0
    if way == "nrpn":
        return _numbered(members, field)
    kind: Kind = "cc14" if way == "cc14" else "cc"
    number = int(_whole(0, REACH[kind].largest_number).check(members[way], f"{field}.{way}"))
    if number in RESERVED:
        raise FieldError(f"{field}.{way}", "a controller that does not select or set a numbered parameter", number)
    return kind, number


def _numbered(members: Mapping[str, Any], field: str) -> tuple[Kind, int]:
    halves = members["nrpn"]
    if not isinstance(halves, list) or len(halves) != 2:
        raise FieldError(f"{field}.nrpn", "[coarse, fine], each from 0 to 127", halves)
    coarse, fine = (int(_whole(0, 127).check(half, f"{field}.nrpn")) for half in halves)
    maximum = members.get("maximum", _ONE_BYTE)
    is_long = isinstance(maximum, int | float) and maximum > _ONE_BYTE
    return ("nrpn" if is_long else "nrpn7"), coarse * 128 + fine


def _in_range(members: Mapping[str, Any], name: str, field: str, least: int, most: int, otherwise: int) -> int:
    return int(_whole(least, most).check(members.get(name, otherwise), f"{field}.{name}"))


def _place(members: Mapping[str, Any], name: str, field: str, minimum: int, maximum: int) -> int | None:
    return None if name not in members else _in_range(members, name, field, minimum, maximum, minimum)


def _whole(minimum: int, maximum: int) -> Parameter:
    return Parameter("number", "", minimum, maximum, minimum, "", "whole")
