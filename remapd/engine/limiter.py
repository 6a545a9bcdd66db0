"""Stereo-linked peak limiter without look-ahead: it adds no latency and no peak passes its ceiling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled

STATE = np.dtype([("gain", "f8"), ("ceiling", "f8"), ("release", "f8"), ("drive", "f8")], align=True)

#: Above this the gain is as good as 1, and is set to it so that an idle limiter passes samples untouched.
_RELEASED = 1.0 - 1e-6


@compiled
def reset(state: Any) -> None:
    """Let go at once."""
    state.gain = 1.0


@compiled
def configure(state: Any, drive_db: float, ceiling_db: float, release_ms: float, sample_rate: float) -> None:
    """Set the gain before the limiter, its ceiling and its release time (time constant)."""
    state.drive = math.pow(10.0, drive_db / 20.0)
    state.ceiling = math.pow(10.0, ceiling_db / 20.0)
    state.release = 1.0 - math.exp(-1000.0 / (release_ms * sample_rate))


@compiled
def limit(state: Any, left: Any, right: Any, n: int) -> float:
    """Limit the first `n` samples of a pair in place; returns the peak that leaves."""
    drive = state.drive
    peak = 0.0
    for i in range(n):
        left[i] *= drive
        right[i] *= drive
    for i in range(n):
        peak = max(peak, abs(left[i]), abs(right[i]))
    if state.gain == 1.0 and peak <= state.ceiling:
        return peak
    return _pull_down(state, left, right, n)


@compiled
def _pull_down(state: Any, left: Any, right: Any, n: int) -> float:
    gain, ceiling, release = state.gain, state.ceiling, state.release
    highest = 0.0
    for i in range(n):
        peak = max(abs(left[i]), abs(right[i]))
        gain += (1.0 - gain) * release
        if gain > _RELEASED:
            gain = 1.0
        if peak * gain > ceiling:
            gain = ceiling / peak
        left[i] *= gain
        right[i] *= gain
        highest = max(highest, peak * gain)
    state.gain = gain
    return highest
