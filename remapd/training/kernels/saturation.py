"""The soft clipper over the sum of several paths, row by row: forward, and backward from its own output."""

from __future__ import annotations

from typing import Any

from remapd.dsp.approximation import tanh
from remapd.dsp.kernel import compiled


@compiled
def forward(first: int, last: int, out: Any, *paths: Any) -> None:
    """Write ``tanh(sum of paths)`` to the rows of `out`."""
    for row in range(first, last):
        out[row, :] = 0.0
        for path in paths:
            add(path[row], out[row])
        clip(out[row])


@compiled
def add(x: Any, out: Any) -> None:
    """Add a row."""
    for i in range(len(out)):
        out[i] += x[i]


@compiled
def clip(out: Any) -> None:
    """Replace a row by its hyperbolic tangent."""
    for i in range(len(out)):
        out[i] = tanh(out[i])


@compiled
def backward(first: int, last: int, gradient: Any, y: Any, by_x: Any) -> None:
    """Write the derivatives by the sum, of which `forward` made `y`."""
    for row in range(first, last):
        backward_row(gradient[row], y[row], by_x[row])


@compiled
def backward_row(gradient: Any, y: Any, by_x: Any) -> None:
    """Write the derivative by what `clip` made `y` of."""
    for i in range(len(y)):
        by_x[i] = gradient[i] * (1.0 - y[i] * y[i])
