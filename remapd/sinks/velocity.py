"""Velocity of a hit: its loudness through a curve that people can draw."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from remapd.engine.events import HitEvent
from remapd.errors import FieldError
from remapd.parameters import Parameter
from remapd.sinks.sources import SCALED_NAMES

#: Points that a curve may have.
MAX_POINTS = 32
#: Entries of a curve as a table, evenly spaced over the loudness.
TABLE_SIZE = 129

_LOUDNESS = SCALED_NAMES.index("loudness")
_COORDINATE = Parameter("point", "", 0.0, 1.0, 0.0, "Loudness or velocity of a point.")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class VelocityCurve:
    """Straight lines between points.

    Parameters
    ----------
    points : tuple of (float, float)
        Loudness and velocity, each 0..1; the loudness rises from 0 to 1.
    """

    points: tuple[Point, ...] = ((0.0, 0.0), (1.0, 1.0))

    def at(self, loudness: float) -> float:
        """Velocity 0..1 at a loudness 0..1; beyond the ends that of the end, and 0 for what is no number."""
        x = min(1.0, loudness) if loudness > 0.0 else 0.0
        after = min(bisect_right(self.points, x, key=_first), len(self.points) - 1)
        (x0, y0), (x1, y1) = self.points[after - 1 : after + 1]
        return y0 + (x - x0) / (x1 - x0) * (y1 - y0)

    def of(self, hit: HitEvent) -> float:
        """Velocity 0..1 of a hit."""
        return self.at(hit.scaled[_LOUDNESS])

    def table(self) -> NDArray[np.float64]:
        """The curve at `TABLE_SIZE` loudnesses from 0 to 1."""
        return np.array([self.at(x) for x in np.linspace(0.0, 1.0, TABLE_SIZE)])

    def document(self) -> list[list[float]]:
        """Give it as JSON has it: a list of points."""
        return [list(point) for point in self.points]


#: The velocity is the loudness.
STRAIGHT = VelocityCurve()


def parse_velocity(value: object, field: str = "velocity") -> VelocityCurve:
    """Curve of a list of points ``[loudness, velocity]``.

    Raises
    ------
    FieldError
        If there are too few or too many, or they do not run from a loudness of 0 to one of 1.
    """
    if not isinstance(value, list | tuple) or not 2 <= len(value) <= MAX_POINTS:
        raise FieldError(field, f"a list of 2 to {MAX_POINTS} points [loudness, velocity]", value)
    points = tuple(_point(point, f"{field}[{at}]") for at, point in enumerate(value))
    for at, (before, after) in enumerate(pairwise(points), 1):
        if after[0] <= before[0]:
            raise FieldError(f"{field}[{at}][0]", f"a loudness above {before[0]:g}, that of the point before", after[0])
    for at, end in ((0, 0.0), (len(points) - 1, 1.0)):
        if points[at][0] != end:
            raise FieldError(f"{field}[{at}][0]", f"{end:g}, as the curve runs from 0 to 1", points[at][0])
    return VelocityCurve(points)


def _point(value: object, field: str) -> Point:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise FieldError(field, "two numbers from 0 to 1: loudness and velocity", value)
    return _COORDINATE.check(value[0], f"{field}[0]"), _COORDINATE.check(value[1], f"{field}[1]")


def _first(point: Point) -> float:
    return point[0]
