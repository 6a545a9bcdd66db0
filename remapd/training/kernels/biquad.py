"""Second-order filters of rows, each with its own coefficients: forward, and backward to signal and coefficients.

With ``a0 y[n] + a1 y[n-1] + a2 y[n-2] = b0 x[n] + b1 x[n-1] + b2 x[n-2]``, let `w` be the gradient filtered backward in
time by ``1/a``. Then the derivative by ``b[k]`` is the sum of ``w[n] x[n-k]``, that by ``a[k]`` is minus the sum of
``w[n] y[n-k]``, and that by ``x[n]`` is the sum of ``b[k] w[n+k]``. The coefficients are not normalised: with a low
cutoff they are nearly equal, and what sets them apart would be lost.
"""

from __future__ import annotations

from typing import Any

from remapd.dsp.kernel import compiled


@compiled
def forward(first: int, last: int, x: Any, b: Any, a: Any, out: Any) -> None:
    """Filter ``x[row]`` into ``out[row]`` from an empty state; coefficients (3, rows)."""
    for row in range(first, last):
        a0 = a[0, row]
        b0, b1, b2, a1, a2 = b[0, row] / a0, b[1, row] / a0, b[2, row] / a0, a[1, row] / a0, a[2, row] / a0
        x1 = x2 = y1 = y2 = 0.0
        signal, filtered = x[row], out[row]
        for i in range(len(signal)):
            x0 = signal[i]
            y0 = (b0 * x0 + b1 * x1 + b2 * x2 - a2 * y2) - a1 * y1
            filtered[i] = y0
            x1, x2, y1, y2 = x0, x1, y0, y1


@compiled
def backward(
    first: int, last: int, gradient: Any, x: Any, y: Any, b: Any, a: Any, by_x: Any, by_b: Any, by_a: Any
) -> None:
    """Write the derivatives by the signals and by the coefficients."""
    for row in range(first, last):
        _backward_row(gradient[row], x[row], y[row], b[:, row], a[:, row], by_x[row], by_b[:, row], by_a[:, row])


@compiled
def _backward_row(gradient: Any, x: Any, y: Any, b: Any, a: Any, by_x: Any, by_b: Any, by_a: Any) -> None:
    a0 = a[0]
    b0, b1, b2, a1, a2 = b[0], b[1], b[2], a[1] / a0, a[2] / a0
    w1 = w2 = 0.0
    sx0 = sx1 = sx2 = sy0 = sy1 = sy2 = 0.0
    for i in range(len(x) - 1, -1, -1):
        w0 = (gradient[i] / a0 - a2 * w2) - a1 * w1
        by_x[i] = b0 * w0 + b1 * w1 + b2 * w2
        sx0 += w0 * x[i]
        sx1 += w1 * x[i]
        sx2 += w2 * x[i]
        sy0 += w0 * y[i]
        sy1 += w1 * y[i]
        sy2 += w2 * y[i]
        w1, w2 = w0, w1
    by_b[0], by_b[1], by_b[2] = sx0, sx1, sx2
    by_a[0], by_a[1], by_a[2] = -sy0, -sy1, -sy2
