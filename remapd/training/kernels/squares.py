"""The squares of `remapd.dsp.squares`, one row to each tuning: their sum, and with it its derivative by the tuning.

With ``z = k sin(s + p)``, where `p` is proportional to the frequency and `k` to its inverse, the derivative of
``erf(z)`` by the logarithm of the frequency is ``2 / sqrt(pi) exp(-z^2) k (p cos(s + p) - sin(s + p))``.
"""

from __future__ import annotations

import math
from typing import Any

from remapd.dsp.approximation import erf, exp2, sin_turns
from remapd.dsp.kernel import compiled
from remapd.dsp.squares import COUNT, START_TURNS

_LOG2_E = 1.0 / math.log(2.0)
_TURN = 2.0 * math.pi
_SLOPE_OF_ERF = 2.0 / math.sqrt(math.pi)


@compiled
def forward(first: int, last: int, increment: Any, steepness: Any, out: Any) -> None:
    """Write the sums to the rows of `out`; increments, in turns a frame, and steepness are (rows, `COUNT`)."""
    for row in range(first, last):
        out[row, :] = 0.0
        for j in range(COUNT):
            _add(START_TURNS[j], increment[row, j], steepness[row, j], out[row])


@compiled
def _add(start: float, increment: float, steepness: float, out: Any) -> None:
    for i in range(len(out)):
        out[i] += erf(steepness * sin_turns(start + increment * i))


@compiled
def forward_with_slope(first: int, last: int, increment: Any, steepness: Any, out: Any, slope: Any) -> None:
    """Write the sums to the rows of `out`, and their derivatives by the logarithm of the tuning to those of `slope`."""
    for row in range(first, last):
        out[row, :] = 0.0
        slope[row, :] = 0.0
        for j in range(COUNT):
            _add_with_slope(START_TURNS[j], increment[row, j], steepness[row, j], out[row], slope[row])


@compiled
def _add_with_slope(start: float, increment: float, steepness: float, out: Any, slope: Any) -> None:
    weight = _SLOPE_OF_ERF * steepness
    for i in range(len(out)):
        moved = increment * i
        sine, cosine = sin_turns(start + moved), sin_turns(start + moved + 0.25)
        z = steepness * sine
        out[i] += erf(z)
        slope[i] += weight * exp2(-_LOG2_E * z * z) * (_TURN * moved * cosine - sine)
