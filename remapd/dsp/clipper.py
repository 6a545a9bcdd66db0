"""Soft clipper with a gain behind it: ``g tanh(x)``.

A new gain while it sounds is reached in a straight line over 1 ms, the attack of an envelope.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.approximation import tanh
from remapd.dsp.kernel import compiled

STATE = np.dtype(
    [
        ("start", np.float64),
        ("target", np.float64),
        ("ramp_frames", np.int64),
        ("given", np.int64),  # frames since the gain was set, at most those of the ramp
    ],
    align=True,
)


@compiled
def set_gain(clipper: Any, gain: float, sounds: bool, sample_rate: float) -> None:
    """Head for a gain from the next frame on; where nothing sounds it is there at once."""
    clipper.start = clipper.start + (clipper.target - clipper.start) * _way(clipper, 0) if sounds else gain
    clipper.target = gain
    clipper.ramp_frames = max(1, math.floor(sample_rate / 1000.0))
    clipper.given = 0


@compiled
def _way(clipper: Any, i: int) -> float:
    """How far the ramp is behind its start, 0..1, after `i` more frames."""
    return min(1.0, float(clipper.given + i) / float(clipper.ramp_frames))


@compiled
def add(clipper: Any, x: Any, out: Any, start: int, n: int) -> None:
    """Add the clipped ``x[:n]`` to ``out[start : start + n]``."""
    first, change = clipper.start, clipper.target - clipper.start
    for i in range(n):
        out[start + i] += (first + change * _way(clipper, i + 1)) * tanh(x[i])
    clipper.given = min(clipper.given + n, clipper.ramp_frames)
