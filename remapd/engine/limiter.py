"""Stereo-linked peak limiter without look-ahead: it adds no latency and no peak passes its ceiling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.engine.controls import MIX_RAMP_MS

STATE = np.dtype(
    [
        ("gain", "f8"),
        ("release", "f8"),
        ("drive", "f8"),
        ("drive_target", "f8"),
        ("drive_step", "f8"),
        ("ceiling", "f8"),
        ("ceiling_target", "f8"),
        ("ceiling_step", "f8"),
        ("ramp_left", "i8"),
    ],
    align=True,
)

#: Above this the gain is as good as 1, and is set to it so that an idle limiter passes samples untouched.
_RELEASED = 1.0 - 1e-6


@compiled
def reset(state: Any) -> None:
    """Let go at once; the next `configure` takes effect at once, too."""
    state.gain = 1.0
    state.ramp_left = -1


@compiled
def configure(state: Any, drive_db: float, ceiling_db: float, release_ms: float, sample_rate: float) -> None:
    """Set the gain before the limiter, its ceiling and its release time (time constant).

    Gain and ceiling get there over `MIX_RAMP_MS`.
    """
    state.drive_target = math.pow(10.0, drive_db / 20.0)
    state.ceiling_target = math.pow(10.0, ceiling_db / 20.0)
    if state.ramp_left < 0:
        state.drive = state.drive_target
        state.ceiling = state.ceiling_target
    frames = max(1, round(MIX_RAMP_MS * sample_rate / 1000.0))
    state.drive_step = (state.drive_target - state.drive) / frames
    state.ceiling_step = (state.ceiling_target - state.ceiling) / frames
    changed = state.drive != state.drive_target or state.ceiling != state.ceiling_target
    state.ramp_left = frames if changed else 0
    state.release = 1.0 - math.exp(-1000.0 / (release_ms * sample_rate))


@compiled
def limit(state: Any, left: Any, right: Any, n: int) -> float:
    """Limit the first `n` samples of a pair in place; returns the peak that leaves."""
    ramp = min(n, state.ramp_left)
    _drive(state, left, right, ramp, n)
    peak = 0.0
    for i in range(n):
        peak = max(peak, abs(left[i]), abs(right[i]))
    if ramp > 0 or state.gain < 1.0 or peak > state.ceiling:
        peak = _pull_down(state, left, right, ramp, n)
    state.ramp_left -= ramp
    return peak


@compiled
def _drive(state: Any, left: Any, right: Any, ramp: int, n: int) -> None:
    drive = state.drive
    for i in range(ramp):
        drive += state.drive_step
        left[i] *= drive
        right[i] *= drive
    drive = state.drive_target if state.ramp_left == ramp else drive
    for i in range(ramp, n):
        left[i] *= drive
        right[i] *= drive
    state.drive = drive


@compiled
def _pull_down(state: Any, left: Any, right: Any, ramp: int, n: int) -> float:
    gain, ceiling, release = state.gain, state.ceiling, state.release
    highest = 0.0
    for i in range(n):
        if i < ramp:
            ceiling = ceiling + state.ceiling_step if state.ramp_left > i + 1 else state.ceiling_target
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
    state.ceiling = ceiling
    return highest
