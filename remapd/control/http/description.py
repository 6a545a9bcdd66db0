"""What the tree's controls are, as JSON; what never changes of a control is put into words once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from remapd.control.tree import Control, Kind, Value
from remapd.parameters import Curve

_EXAMPLE: JsonDict = {
    "path": "/track/1/pan",
    "kind": "number",
    "description": "Place between left and right.",
    "unit": "",
    "minimum": -1.0,
    "maximum": 1.0,
    "curve": "linear",
    "default": 0.0,
    "choices_of": "",
    "osc": True,
    "midi": True,
    "restarts": False,
    "track": 1,
    "choices": [],
    "value": 0.25,
}


class ControlDescription(BaseModel):
    """A control with all its attributes and its value."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})
    path: str = Field(description="Its name in the tree; its OSC address is `/remapd` and this.")
    kind: Kind
    description: str
    unit: str
    minimum: float | None = Field(description="Least value, in `unit`; null for texts and actions.")
    maximum: float | None = Field(description="Greatest value, in `unit`; null for texts and actions.")
    curve: Curve | None = Field(description="How a 0..1 control runs through the range.")
    default: Value | None
    choices_of: str = Field(description="`models` or `presets` where the values are names of these.")
    osc: bool = Field(description="Whether it may be changed over OSC.")
    midi: bool = Field(description="Whether it may be changed over MIDI.")
    restarts: bool = Field(description="Whether a change may open the audio device anew.")
    track: int = Field(description="Number of its track from 1; 0 for what there is once.")
    choices: list[str] = Field(description="The values that a text may have; empty where it is free.")
    value: Value | None = Field(description="What it is now; null for an action.")


async def descriptions_json(
    controls: Sequence[Control], values: Mapping[str, Value], choices: Mapping[str, list[str]]
) -> str:
    """JSON list of the descriptions of controls, made in pieces so that the loop can do other work between them.

    Parameters
    ----------
    controls : sequence of Control
        What is described.
    values : mapping
        Values by path.
    choices : mapping
        Choices by path, where they are not fixed.
    """
    pieces = []
    for start in range(0, len(controls), _BATCH):
        pieces += [_description(control, values, choices) for control in controls[start : start + _BATCH]]
        await asyncio.sleep(0)
    return f"[{', '.join(pieces)}]"


#: Controls that are described at a time, in about a millisecond.
_BATCH = 300
_encode = json.JSONEncoder().encode


def _description(control: Control, values: Mapping[str, Value], choices: Mapping[str, list[str]]) -> str:
    chosen = choices.get(control.path, control.choices)
    return f'{_fixed(control)}, "choices": {_encode(chosen) if chosen else "[]"}, "value": {_value(control, values)}}}'


def _value(control: Control, values: Mapping[str, Value]) -> str:
    return "null" if control.kind == "action" else _encode(values[control.path])


def _fixed(control: Control) -> str:
    """Give what never changes of a control, as the beginning of a JSON object."""
    known = _known.get(control.path)
    if known is None or known[0] is not control:
        attributes: dict[str, Any] = {name: getattr(control, name) for name in _FIXED}
        known = _known[control.path] = control, _encode(attributes)[:-1]
    return known[1]


_FIXED = tuple(name for name in ControlDescription.model_fields if name not in ("choices", "value"))
#: By path, of which there are as many as the largest tree has; used in the loop's thread alone.
_known: dict[str, tuple[Control, str]] = {}
