"""Values of the tree as OSC arguments, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from remapd.control.tree import Control, Kind, Value
from remapd.errors import FieldError, Told
from remapd.fields import checked_name
from remapd.osc.arguments import IMPULSE, Argument

_SINGLE_MAX = float(np.finfo(np.float32).max)


def arguments_of(control: Control, value: Value) -> list[Argument]:
    """A value as it is sent: a number as float, a whole one as int, a switch as ``T`` or ``F``, a text as string."""
    return [argument_of(control.kind, value)]


def argument_of(kind: Kind, value: Value) -> Argument:
    """A value of a kind as it is sent."""
    return float(value) if kind == "number" else value


def value_of(control: Control, arguments: Sequence[Argument]) -> Value:
    """Value that the arguments of a message mean for a control; its range is checked by whoever sets it.

    Numbers of 32 bits are taken as the shortest decimals they may have been, so 0.1 is 0.1, and the end of a range is
    itself however it was rounded.

    Raises
    ------
    FieldError
        If it may not be changed over OSC, or if they are not one argument of a fitting type.
    """
    if not control.osc:
        allowed = "; osc.load_models allows it" if control.choices_of == "models" else ""
        raise FieldError(control.path, f"to be left alone over OSC{allowed}", Told("a value"))
    if len(arguments) != 1:
        raise FieldError(control.path, "one argument", Told(f"{len(arguments)}"))
    argument = arguments[0]
    if control.kind == "text":
        return _text(control, argument)
    if control.kind == "switch":
        return _switch(control, argument)
    if isinstance(argument, bool) or not isinstance(argument, int | float):
        raise FieldError(control.path, "a number", argument)
    return _number(control, argument)


def is_pressed(control: Control, arguments: Sequence[Argument]) -> bool:
    """Whether a message triggers an action: without arguments, or by a button that goes down rather than up.

    Raises
    ------
    FieldError
        If the arguments are something else.
    """
    if not control.osc:
        raise FieldError(control.path, "to be left alone over OSC", Told("a trigger"))
    if not arguments or tuple(arguments) == (IMPULSE,):
        return True
    if len(arguments) != 1 or not isinstance(arguments[0], int | float):
        raise FieldError(control.path, "no argument, or one number", Told(f"{len(arguments)} others"))
    return arguments[0] != 0


def _text(control: Control, argument: Argument) -> str:
    if not isinstance(argument, str):
        raise FieldError(control.path, "a string", argument)
    if control.choices_of and argument:
        checked_name(argument, control.path)  # What is in a library has a name; paths do not come over a network.
    return str(argument)


def _switch(control: Control, argument: Argument) -> bool:
    if isinstance(argument, int | float) and argument in (0, 1):
        return bool(argument)
    raise FieldError(control.path, "true, false, 0 or 1", argument)


def _number(control: Control, number: float) -> float | int:
    if isinstance(number, int):
        return number
    if abs(number) < _SINGLE_MAX and (single := np.float32(number)) == number:
        number = _shortest(control, single)
    return int(number) if control.kind == "whole" and number.is_integer() else number


def _shortest(control: Control, single: np.float32) -> float:
    for end in (control.minimum, control.maximum):
        if end is not None and single == np.float32(end):
            return end
    return float(str(single))
