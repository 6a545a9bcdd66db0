"""Levels of the bands over 1 ms, and what they have to rise above: the mask of what sounded, and the noise floor."""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp.approximation import log10
from remapd.dsp.kernel import compiled
from remapd.onsets.bands import BAND_COUNT

#: Steps per second at which levels are taken; the detector's clock at every sample rate.
STEP_RATE = 3000.0
#: Steps over which a level is taken (1 ms).
LEVEL_STEPS = 3
#: Age in steps of the level that enters the mask (2 ms), which is the time a rise may take.
RISE_STEPS = 6
#: Steps kept of energies and levels.
KEPT_STEPS = 16

_FLOOR_RISE_DB_PER_S = 6.0
_FLOOR_FALL = 0.05

STATE = np.dtype(
    [
        ("silence", "f8"),
        ("mask_fall_db", "f8"),
        ("floor_rise_db", "f8"),
        ("margin_db", "f8"),
        ("steps", "i8"),
        ("energy", "f8", (KEPT_STEPS, BAND_COUNT)),
        ("level_db", "f8", (KEPT_STEPS, BAND_COUNT)),
        ("mask_db", "f8", BAND_COUNT),
        ("floor_db", "f8", BAND_COUNT),
        ("rise_db", "f8", BAND_COUNT),
        ("signal_db", "f8"),
    ],
    align=True,
)


@compiled
def reset(state: Any) -> None:
    """Forget the signal."""
    state.steps = 0
    state.signal_db = 0.0
    for step in range(KEPT_STEPS):
        for band in range(BAND_COUNT):
            state.energy[step, band] = 0.0


@compiled
def configure(state: Any, silence_db: float, mask_decay_db_per_ms: float, margin_db: float, step_s: float) -> None:
    """Set the level of silence (dBFS), the fall of the mask, the margin over the floor, and the length of a step."""
    state.silence = 10.0 ** (0.1 * silence_db)
    state.mask_fall_db = mask_decay_db_per_ms * 1000.0 * step_s
    state.floor_rise_db = _FLOOR_RISE_DB_PER_S * step_s
    state.margin_db = margin_db


@compiled
def advance(state: Any) -> None:
    """Take the newest energies, in ``energy[steps % KEPT_STEPS]``, into levels, mask and floor."""
    step = state.steps
    if step == 0:
        _start(state)
    now = step & (KEPT_STEPS - 1)
    old = (step - RISE_STEPS) & (KEPT_STEPS - 1)
    for band in range(BAND_COUNT):
        total = 0.0
        for k in range(LEVEL_STEPS):
            total += state.energy[(step - k) & (KEPT_STEPS - 1), band]
        level = 10.0 * log10(total / LEVEL_STEPS + state.silence)
        state.level_db[now, band] = level
        state.mask_db[band] = max(state.level_db[old, band], state.mask_db[band] - state.mask_fall_db)
        floor = state.floor_db[band] + state.floor_rise_db
        state.floor_db[band] = floor if level > floor else floor + _FLOOR_FALL * (level - floor)
        state.rise_db[band] = level - state.mask_db[band]
    state.steps = step + 1


@compiled
def _start(state: Any) -> None:
    """What sounds when the stream begins is the background; a hit at once is still louder than its first step."""
    for band in range(BAND_COUNT):
        level = 10.0 * log10(state.energy[0, band] + state.silence)
        for k in range(LEVEL_STEPS):
            state.energy[-k & (KEPT_STEPS - 1), band] = state.energy[0, band]
        for k in range(KEPT_STEPS):
            state.level_db[k, band] = level
        state.mask_db[band] = level
        state.floor_db[band] = level
