"""Attributes of OSCQuery that a control has; what never changes of them is put into words once."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

from remapd.control.osc.addresses import address_of
from remapd.control.tree import Control, Kind, Value

#: What a client may ask of a node, and whether we ever have an answer.
ATTRIBUTES = {
    "FULL_PATH": True,
    "CONTENTS": True,
    "TYPE": True,
    "ACCESS": True,
    "VALUE": True,
    "RANGE": True,
    "DESCRIPTION": True,
    "TAGS": True,
    "UNIT": True,
    "CRITICAL": True,
    "CLIPMODE": True,
    "OVERLOADS": True,
    "EXTENDED_TYPE": False,
}
#: Bits of ACCESS.
NO_VALUE, READ, WRITE = 0, 1, 2

#: A switch has the type of its value.
_TYPES: dict[Kind, str] = {"number": "f", "whole": "i", "switch": "F", "text": "s", "action": "I"}
# Most controls are numbers, so how their JSON goes on is not asked each time.
_NUMBER = f'"TYPE": "{_TYPES["number"]}", "VALUE": ['
# Words of the proposal's list, where it has one.
_UNITS = {"dB": "gain.db", "Hz": "time.hz", "ms": "time.ms"}
# Buttons and switches of many surfaces send numbers.
_AS_NUMBER = [{"TYPE": "i", "RANGE": [{"MIN": 0, "MAX": 1}]}]


def attributes_of(control: Control, value: Value | None, choices: Sequence[str]) -> dict[str, Any]:
    """All attributes of a control.

    Parameters
    ----------
    control : Control
        What is described.
    value : float, int, bool, str or None
        Its value; None for an action.
    choices : sequence of str
        The values that a text may have; empty where it is free.
    """
    return {**_fixed(control), **_variable(control, value, choices)}


def attributes_json(control: Control, value: Value | None, choices: Sequence[str]) -> str:
    """`attributes_of` as a JSON object."""
    if control.kind == "number":
        return f"{_fixed_json(control)}, {_NUMBER}{value!r}]}}"
    variable = json.dumps(_variable(control, value, choices))
    return f"{_fixed_json(control)}, {variable[1:]}"


def _variable(control: Control, value: Value | None, choices: Sequence[str]) -> dict[str, Any]:
    """Give what may change without a new tree; never empty."""
    kind = "T" if value is True else _TYPES[control.kind]
    found: dict[str, Any] = {"TYPE": kind}
    if value is not None:
        found["VALUE"] = [value]
    if choices:
        found["RANGE"] = [{"VALS": list(choices)}]
    return found


def _fixed(control: Control) -> dict[str, Any]:
    found = {
        "FULL_PATH": address_of(control.path),
        "DESCRIPTION": control.description,
        "ACCESS": (NO_VALUE if control.kind == "action" else READ) | (WRITE if control.osc else NO_VALUE),
        "TAGS": _tags(control),
        "CRITICAL": control.kind == "action",
    }
    if control.kind in ("number", "whole"):
        found["RANGE"] = [{"MIN": _end(control, control.minimum), "MAX": _end(control, control.maximum)}]
        found["CLIPMODE"] = ["none"]  # What lies outside is refused, not clipped.
    if control.unit:
        found["UNIT"] = [_UNITS.get(control.unit, control.unit)]
    if control.osc and control.kind in ("switch", "action"):
        found["OVERLOADS"] = _AS_NUMBER
    return found


@functools.lru_cache(maxsize=8192)
def _fixed_json(control: Control) -> str:
    """`_fixed` as a JSON object without its end."""
    return json.dumps(_fixed(control))[:-1]


def _end(control: Control, number: float | None) -> float | int | None:
    return int(number) if control.kind == "whole" and number is not None else number


def _tags(control: Control) -> list[str]:
    """Words to search by: the containers it is in, and what matters to a fader."""
    tags = [name for name in control.path.split("/")[1:-1] if not name.isdecimal()]
    if control.curve == "log":
        tags.append("logarithmic")
    if control.restarts:
        tags.append("restarts audio")
    return tags
