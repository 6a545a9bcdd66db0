"""A track's way to the stereo bus: dry/wet, level, pan, mute, and the level of each hit. Changes are ramped."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.engine.controls import LEVEL_RAMP_MS, MIX_RAMP_MS, TRACK_PARAMETERS

#: Gains in this order: input to left, input to right, voice to left, voice to right.
DRY_LEFT, DRY_RIGHT, WET_LEFT, WET_RIGHT = range(4)

STATE = np.dtype(
    [
        ("gain", "f8", (4,)),
        ("target", "f8", (4,)),
        ("step", "f8", (4,)),
        ("ramp_left", "i8"),
        ("level", "f8"),
        ("level_target", "f8"),
        ("level_step", "f8"),
        ("level_left", "i8"),
    ],
    align=True,
)

_DRY_WET = TRACK_PARAMETERS.index("dry_wet")
_GAIN_DB = TRACK_PARAMETERS.index("gain_db")
_PAN = TRACK_PARAMETERS.index("pan")


@compiled
def reset(mix: Any) -> None:
    """Forget all ramps; the next `configure` takes effect at once."""
    mix.ramp_left = -1
    mix.level = 1.0
    mix.level_target = 1.0
    mix.level_left = 0


@compiled
def configure(mix: Any, parameters: Any, silent: bool, sample_rate: float) -> None:
    """Head for the gains that a track's parameters ask for, over `MIX_RAMP_MS`.

    Pan has constant power and is 0 dB in the middle, so that an unpanned track is as loud as its input.
    """
    level = 0.0 if silent else math.pow(10.0, parameters[_GAIN_DB] / 20.0)
    angle = (parameters[_PAN] + 1.0) * 0.25 * math.pi
    left = level * math.sqrt(2.0) * math.cos(angle)
    right = level * math.sqrt(2.0) * math.sin(angle)
    wet = parameters[_DRY_WET]
    _head_for(mix, DRY_LEFT, (1.0 - wet) * left)
    _head_for(mix, DRY_RIGHT, (1.0 - wet) * right)
    _head_for(mix, WET_LEFT, wet * left)
    _head_for(mix, WET_RIGHT, wet * right)
    _start_ramp(mix, max(1, round(MIX_RAMP_MS * sample_rate / 1000.0)))


@compiled
def _head_for(mix: Any, gain: int, target: float) -> None:
    mix.target[gain] = 0.0 if abs(target) < 1e-9 else target


@compiled
def _start_ramp(mix: Any, frames: int) -> None:
    changed = False
    for g in range(4):
        if mix.ramp_left < 0:
            mix.gain[g] = mix.target[g]
        mix.step[g] = (mix.target[g] - mix.gain[g]) / frames
        changed = changed or mix.gain[g] != mix.target[g]
    mix.ramp_left = frames if changed else 0


@compiled
def set_level(mix: Any, level: float, sounding: bool, sample_rate: float) -> None:
    """Level of the hit that is about to sound; ramped over the attack if the voice sounds already."""
    frames = max(1, round(LEVEL_RAMP_MS * sample_rate / 1000.0))
    mix.level_target = level
    if sounding and level != mix.level:
        mix.level_step = (level - mix.level) / frames
        mix.level_left = frames
    else:
        mix.level = level
        mix.level_left = 0


@compiled
def apply_level(mix: Any, voice: Any, start: int, stop: int) -> None:
    """Scale ``voice[start:stop]`` by the level of the hit."""
    if mix.level_left == 0 and mix.level == 1.0:
        return
    ramp_stop = min(stop, start + mix.level_left)
    level = mix.level
    for i in range(start, ramp_stop):
        level += mix.level_step
        voice[i] *= level
    mix.level_left -= ramp_stop - start
    mix.level = level if mix.level_left > 0 else mix.level_target
    level = mix.level
    for i in range(ramp_stop, stop):
        voice[i] *= level


@compiled
def add(mix: Any, dry: Any, voice: Any, sounding: bool, left: Any, right: Any, n: int) -> None:
    """Add the first `n` samples of a track to the bus."""
    if mix.ramp_left > 0:
        _add_ramped(mix, dry, voice, sounding, left, right, n)
        return
    _add_steady(dry, mix.gain[DRY_LEFT], mix.gain[DRY_RIGHT], left, right, n)
    if sounding:
        _add_steady(voice, mix.gain[WET_LEFT], mix.gain[WET_RIGHT], left, right, n)


@compiled
def _add_steady(source: Any, left_gain: float, right_gain: float, left: Any, right: Any, n: int) -> None:
    if left_gain == 0.0 and right_gain == 0.0:
        return
    for i in range(n):
        left[i] += left_gain * source[i]
        right[i] += right_gain * source[i]


@compiled
def _add_ramped(mix: Any, dry: Any, voice: Any, sounding: bool, left: Any, right: Any, n: int) -> None:
    gain = mix.gain
    for i in range(n):
        if mix.ramp_left > 0:
            mix.ramp_left -= 1
            for g in range(4):
                gain[g] = gain[g] + mix.step[g] if mix.ramp_left > 0 else mix.target[g]
        # Two sums rather than one, in the order of the steady case, so that both give the same bits.
        left[i] += gain[DRY_LEFT] * dry[i]
        right[i] += gain[DRY_RIGHT] * dry[i]
        if sounding:  # Otherwise `voice` holds what another track or an earlier chunk left there.
            left[i] += gain[WET_LEFT] * voice[i]
            right[i] += gain[WET_RIGHT] * voice[i]
