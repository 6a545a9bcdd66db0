"""From a number of a hit to a number on the device: range, curve, inversion, centre."""

from __future__ import annotations

import math
from collections.abc import Callable

from remapd.parameters import Parameter, ParameterTable
from remapd.sinks.midi.control import Control
from remapd.sinks.wire.packet import Source

Placing = Callable[[float], float]


class Scale:
    """A control's way, while its track plays a synthesiser with a table.

    Attributes
    ----------
    span : float
        Part of the parameter's way, 0..1, that the control runs through.
    """

    def __init__(self, control: Control, table: ParameterTable) -> None:
        self._control = control
        low, high = control.source.range(table)
        low = low if control.source_minimum is None else control.source_minimum
        high = high if control.source_maximum is None else control.source_maximum
        self._unit = _along(control.source.parameter(table)) if control.source.as_position else None
        self._place = _placing(control, table)
        self._begin, self._end = (self._place(low), self._place(high)) if low < high else (0.0, 0.0)
        self.span = _span(control, table, low, high)

    def position(self, number: float) -> float:
        """Place 0..1 on the way of a source's number; of a parameter it is the value, in its unit."""
        if not self._begin < self._end:
            return 0.0
        if self._unit is not None:
            number = self._unit(number)
        position = (self._place(number) - self._begin) / (self._end - self._begin)
        position = min(1.0, max(0.0, position))
        if self._control.curve == "slow":
            position *= position
        elif self._control.curve == "fast":
            position *= 2.0 - position
        return 1.0 - position if self._control.invert else position

    def number(self, position: float) -> int:
        """The device's number at a place."""
        low, centre, high = self._control.minimum, self._control.centre, self._control.maximum
        if centre is None:
            return round(low + position * (high - low))
        if position < 0.5:
            return round(low + 2.0 * position * (centre - low))
        return round(centre + (2.0 * position - 1.0) * (high - centre))


def _placing(control: Control, table: ParameterTable) -> Placing:
    """What makes equal steps of a source."""
    source = control.source
    if control.curve == "log":
        return _logarithm
    if control.curve == "linear" or source.as_position or source.kind != Source.VALUE:
        return float
    return _along(source.parameter(table))


def _along(parameter: Parameter) -> Placing:
    """`Parameter.to_position`, for any number."""
    low, way = parameter.minimum, parameter.maximum - parameter.minimum
    if parameter.curve != "log":
        return lambda number: (number - low) / way
    ratios = math.log(parameter.maximum / low)
    return lambda number: math.log(number / low) / ratios if number > 0.0 else 0.0


def _logarithm(number: float) -> float:
    # A range that begins at 0 was refused, unless it is that of another synthesiser.
    return math.log(number) if number > 0.0 else -1e9


def _span(control: Control, table: ParameterTable, low: float, high: float) -> float:
    source = control.source
    if source.kind == Source.MODULATION or source.as_position:
        return min(1.0, high - low)
    if source.kind != Source.VALUE:
        return 1.0
    parameter = source.parameter(table)
    held = [min(parameter.maximum, max(parameter.minimum, end)) for end in (low, high)]
    return parameter.to_position(held[1]) - parameter.to_position(held[0])
