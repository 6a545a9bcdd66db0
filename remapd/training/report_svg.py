"""Small charts as SVG inside a page: they take their colours from its style sheet, and shrink with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

#: A point in the units of the axes.
Point = tuple[float, float]

_RIGHT, _TOP, _BOTTOM = 10.0, 10.0, 34.0
# Room for the label of the vertical axis, and for each character of its numbers.
_LABEL, _CHARACTER = 20.0, 6.5
_MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class Range:
    """Values that an axis shows; `is_log` for equal ratios rather than equal differences, where both are positive."""

    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Give a value's place, 0 at the low end and 1 at the high end."""
        low, high, at = (math.log(v) if self.is_log else v for v in (self.low, self.high, value))
        return (at - low) / (high - low)

    def ticks(self) -> list[float]:
        """Give round values within the range, at most about five."""
        return _log_ticks(self) if self.is_log else _linear_ticks(self)


def spanning(values: Iterable[float], is_log: bool = False, margin: float = 0.05) -> Range:
    """Range of finite values, with a margin (a part of its length) on either side; never empty.

    Values that hardly differ have an octave on either side where equal ratios are shown.
    """
    known = [value for value in values if math.isfinite(value) and (value > 0.0 or not is_log)]
    if not known:
        return Range(1.0, 10.0, is_log) if is_log else Range(0.0, 1.0)
    low, high = min(known), max(known)
    if is_log:
        ratio = (high / low) ** margin if high / low > 2.0 else 2.0
        return Range(low / ratio, high * ratio, True)
    room = max(margin * (high - low), 1e-3 * abs(high), 1e-6)
    return Range(low - room, high + room)


class Chart:
    """One pair of axes.

    Parameters
    ----------
    x, y : Range
        Of the axes.
    width, height : float
        Size in the chart's own units, about pixels.
    """

    def __init__(self, x: Range, y: Range, width: float, height: float) -> None:
        self._x, self._y = x, y
        self._width, self._height = width, height
        self._left = _LABEL + _CHARACTER * max((len(_number(value)) for value in y.ticks()), default=0)
        self._parts: list[str] = []

    def line(self, points: Sequence[Point], kind: str) -> None:
        """Join points that are finite."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self._at, filter(self._is_shown, points)))
        self._parts.append(f'<polyline class="{kind}" points="{places}"/>')

    def dots(self, points: Iterable[Point], kind: str, radius: float) -> None:
        """Mark points that are finite."""
        for x, y in map(self._at, filter(self._is_shown, points)):
            self._parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>')

    def svg(self, x_label: str, y_label: str, description: str) -> str:
        """Give the whole chart; the description is for those who cannot see it."""
        size = f"0 0 {self._width:g} {self._height:g}"
        middle_x, middle_y = (self._left + self._width - _RIGHT) / 2.0, (_TOP + self._height - _BOTTOM) / 2.0
        return "".join(
            [
                f'<svg class="chart" viewBox="{size}" role="img" aria-label="{escape(description)}">',
                *self._x_ticks(),
                *self._y_ticks(),
                *self._parts,
                f'<text class="label" x="{middle_x:.1f}" y="{self._height - 4:.1f}" text-anchor="middle">',
                f"{escape(x_label)}</text>",
                f'<text class="label" transform="translate(11 {middle_y:.1f}) rotate(-90)" text-anchor="middle">',
                f"{escape(y_label)}</text></svg>",
            ]
        )

    def _x_ticks(self) -> Iterable[str]:
        bottom = self._height - _BOTTOM
        for value in self._x.ticks():
            x, _ = self._at((value, self._y.low))
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP:g}" y2="{bottom:g}"/>'
            yield f'<text class="tick" x="{x:.1f}" y="{bottom + 13:g}" text-anchor="middle">{_number(value)}</text>'

    def _y_ticks(self) -> Iterable[str]:
        left, right = self._left, self._width - _RIGHT
        for value in self._y.ticks():
            _, y = self._at((self._x.low, value))
            yield f'<line class="grid" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="tick" x="{left - 4.0:.1f}" y="{y + 3.5:.1f}" text-anchor="end">{_number(value)}</text>'

    def _is_shown(self, point: Point) -> bool:
        return all(
            math.isfinite(value) and (value > 0.0 or not axis.is_log)
            for value, axis in zip(point, (self._x, self._y), strict=True)
        )

    def _at(self, point: Point) -> Point:
        x, y = self._x.place(point[0]), self._y.place(point[1])
        return (
            self._left + x * (self._width - self._left - _RIGHT),
            self._height - _BOTTOM - y * (self._height - _TOP - _BOTTOM),
        )


def _linear_ticks(shown: Range) -> list[float]:
    rough = (shown.high - shown.low) / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1.0, 2.0, 5.0, 10.0) if power * k >= rough * 0.999)
    first, last = math.ceil(shown.low / step), math.floor(shown.high / step)
    return [k * step for k in range(first, last + 1)]


def _log_ticks(shown: Range) -> list[float]:
    decades = range(math.floor(math.log10(shown.low)), math.ceil(math.log10(shown.high)) + 1)
    for factors in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)):
        ticks = [k * 10.0**decade for decade in decades for k in factors]
        ticks = [tick for tick in ticks if shown.low <= tick <= shown.high]
        if len(ticks) >= 3:
            break
    return ticks if len(ticks) >= 2 else _linear_ticks(Range(shown.low, shown.high))


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
