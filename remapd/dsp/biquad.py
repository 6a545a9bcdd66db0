"""Second-order filter in transposed direct form II, in double precision.

The bilinear transform with ``K = tan(pi fc / sr)`` and ``D = 1 + K/Q + K^2``: ``a1 = 2 (K^2 - 1) / D``,
``a2 = (1 - K/Q + K^2) / D``, and for the high-pass ``b = (1, -2, 1) / D``, for the band-pass ``(K/Q, 0, -K/Q) / D``
(gain 1 at its centre), for the low-pass ``K^2 (1, 2, 1) / D``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled

#: A cutoff is held below this part of the sample rate; at one half ``K`` is infinite.
HIGHEST_CUTOFF = 0.49

# Below this the two poles count as one: what they would then give, ``r^n n``, stays within the bound of `ring_frames`.
_LEAST_POLE_PART = 1e-6

STATE = np.dtype([(name, np.float64) for name in ("b0", "b1", "b2", "a1", "a2", "s1", "s2")], align=True)


@compiled
def reset(filter_: Any) -> None:
    """Forget the signal, keep the coefficients."""
    filter_.s1 = 0.0
    filter_.s2 = 0.0


@compiled
def rescale(filter_: Any, factor: float) -> None:
    """Change the unit of the signal: go on as if all input so far had been `factor` times what it was."""
    filter_.s1 *= factor
    filter_.s2 *= factor


@compiled
def set_high_pass(filter_: Any, cutoff_hz: float, q: float, sample_rate: float) -> None:
    """Make it a high-pass; the state stays, and a cutoff above `HIGHEST_CUTOFF` of the rate is held there."""
    norm, _ = _set_poles(filter_, cutoff_hz, q, sample_rate)
    filter_.b0 = norm
    filter_.b1 = -2.0 * norm
    filter_.b2 = norm


@compiled
def set_band_pass(filter_: Any, centre_hz: float, q: float, sample_rate: float) -> None:
    """Make it a band-pass of gain 1 at its centre, under the terms of `set_high_pass`."""
    norm, k = _set_poles(filter_, centre_hz, q, sample_rate)
    filter_.b0 = k / q * norm
    filter_.b1 = 0.0
    filter_.b2 = -k / q * norm


@compiled
def set_low_pass(filter_: Any, cutoff_hz: float, q: float, sample_rate: float) -> None:
    """Make it a low-pass, under the terms of `set_high_pass`."""
    norm, k = _set_poles(filter_, cutoff_hz, q, sample_rate)
    filter_.b0 = k * k * norm
    filter_.b1 = 2.0 * k * k * norm
    filter_.b2 = k * k * norm


@compiled
def _set_poles(filter_: Any, frequency_hz: float, q: float, sample_rate: float) -> Any:
    """Set the denominator, which all kinds share; returns ``1 / D`` and ``K``."""
    k = math.tan(math.pi * min(frequency_hz / sample_rate, HIGHEST_CUTOFF))
    norm = 1.0 / (1.0 + k / q + k * k)
    filter_.a1 = 2.0 * (k * k - 1.0) * norm
    filter_.a2 = (1.0 - k / q + k * k) * norm
    return norm, k


@compiled
def ring_level(filter_: Any) -> float:
    """Level that the output cannot pass from here on without further input.

    From its state the filter gives ``r^n (A cos(n w) + B sin(n w))`` with poles at ``r exp(+-j w)``, which is within
    ``r^n sqrt(A^2 + B^2)``. For a Q of one half or more, where the poles are not real.
    """
    half = 0.5 * filter_.a1
    pole_part = math.sqrt(max(filter_.a2 - half * half, _LEAST_POLE_PART**2))
    other = (filter_.s2 - half * filter_.s1) / pole_part
    return math.sqrt(filter_.s1 * filter_.s1 + other * other)


@compiled
def ring_frames(filter_: Any, level: float) -> int:
    """Frames, without further input, after which the output stays within ``-level..level`` (see `ring_level`)."""
    bound = ring_level(filter_)
    if not bound > level:
        return 0
    radius = math.sqrt(max(filter_.a2, _LEAST_POLE_PART**2))
    return 1 + math.floor(math.log(level / bound) / math.log(radius))


@compiled
def process(filter_: Any, x: Any, y: Any, n: int) -> None:
    """Filter ``x[:n]`` into ``y[:n]``, which may be the same array."""
    b0, b1, b2, a1, a2 = filter_.b0, filter_.b1, filter_.b2, filter_.a1, filter_.a2
    s1, s2 = filter_.s1, filter_.s2
    for i in range(n):
        value = x[i]
        result = b0 * value + s1
        s1 = (b1 * value + s2) - a1 * result
        s2 = b2 * value - a2 * result
        y[i] = result
    filter_.s1 = s1
    filter_.s2 = s2
