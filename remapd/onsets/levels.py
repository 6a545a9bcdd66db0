"""Levels of the bands over 1 ms, and what they have to rise above: the mask of what sounded, and the noise floor.

All is kept for the last few steps, so that a candidate can be judged from what followed it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp.approximation import log10
from remapd.dsp.kernel import compiled
from remapd.onsets.bands import BAND_COUNT

#: Steps per second at which levels are taken; the detector's clock at every sample rate.
STEP_RATE = 3000.0
#: Steps that are kept; a power of two.
KEPT_STEPS = 16

# A level is taken over 1 ms; it enters the mask 2 ms later, which is the time a rise may take.
_LEVEL_STEPS = 3
_RISE_STEPS = 6
# The background is the mean energy of about the last 10 ms.
_BACKGROUND_STEPS = 30
# The quick mask remembers only the last few ms; a rise over it alone is one that the mask has hidden.
_QUICK_DECAY_DB_PER_MS = 2.0
_FLOOR_RISE_DB_PER_S = 3.0
_FLOOR_FALL = 0.05
# How soon the loudest hit is forgotten.
_LOUDEST_FALL_DB_PER_S = 1.0
# Energies below this are set to zero, so that silence does not run on denormal numbers.
_NOTHING = 1e-30

STATE = np.dtype(
    [
        ("silence", "f8"),
        ("least_silence", "f8"),
        ("reach", "f8"),
        ("loudest", "f8"),
        ("loudest_fall", "f8"),
        ("mask_fall_db", "f8"),
        ("quick_fall_db", "f8"),
        ("floor_rise_db", "f8"),
        ("margin_db", "f8"),
        ("steps", "i8"),
        ("energy", "f8", (KEPT_STEPS, BAND_COUNT)),
        ("background", "f8", (KEPT_STEPS, BAND_COUNT)),
        ("level_db", "f8", (KEPT_STEPS, BAND_COUNT)),
        ("mask_db", "f8", (KEPT_STEPS, BAND_COUNT)),
        ("quick_mask_db", "f8", (KEPT_STEPS, BAND_COUNT)),
        ("floor_db", "f8", (KEPT_STEPS, BAND_COUNT)),
    ],
    align=True,
)


@compiled
def slot(step: int) -> int:
    """Place of a step among those kept."""
    return step & (KEPT_STEPS - 1)


@compiled
def reset(state: Any) -> None:
    """Forget the signal."""
    state.steps = 0
    state.loudest = 0.0


@compiled
def configure(
    state: Any, silence_db: float, reach_db: float, mask_decay_db_per_ms: float, margin_db: float, step_s: float
) -> None:
    """Set the level of silence (dBFS) and how far it may lie under the loudest hits, the fall of the mask, the margin.

    `margin_db` is the margin over the floor, `step_s` the length of a step.
    """
    state.least_silence = 10.0 ** (0.1 * silence_db)
    state.reach = 10.0 ** (-0.1 * reach_db)
    state.loudest_fall = 10.0 ** (-0.1 * _LOUDEST_FALL_DB_PER_S * step_s)
    state.mask_fall_db = mask_decay_db_per_ms * 1000.0 * step_s
    state.quick_fall_db = max(state.mask_fall_db, _QUICK_DECAY_DB_PER_MS * 1000.0 * step_s)
    state.floor_rise_db = _FLOOR_RISE_DB_PER_S * step_s
    state.margin_db = margin_db


@compiled
def advance(state: Any) -> None:
    """Take the newest energies, in ``energy[slot(steps)]``, into levels, background, masks and floor."""
    step = state.steps
    _listen_for_loudest(state, slot(step))
    if step == 0:
        _start(state)
    now, before, old = slot(step), slot(step - 1), slot(step - _RISE_STEPS)
    share = 1.0 / min(_BACKGROUND_STEPS, step + 1)
    for band in range(BAND_COUNT):
        level = mean_db(state, band, step, _LEVEL_STEPS)
        state.level_db[now, band] = level
        background = state.background[before, band]
        background += share * (state.energy[now, band] - background)
        state.background[now, band] = background if background > _NOTHING else 0.0
        aged = state.level_db[old, band]
        state.mask_db[now, band] = max(aged, state.mask_db[before, band] - state.mask_fall_db)
        state.quick_mask_db[now, band] = max(aged, state.quick_mask_db[before, band] - state.quick_fall_db)
        floor = state.floor_db[before, band] + state.floor_rise_db
        steady = background_db(state, band, step)
        state.floor_db[now, band] = floor if steady > floor else floor + _FLOOR_FALL * (steady - floor)
    state.steps = step + 1


@compiled
def _listen_for_loudest(state: Any, now: int) -> None:
    """Let silence follow the loudest hits of the last while, so that the detector works alike at any gain."""
    power = 0.0
    for band in range(BAND_COUNT):
        power += state.energy[now, band]
    state.loudest = max(power, state.loudest * state.loudest_fall)
    state.silence = max(state.least_silence, state.loudest * state.reach)


@compiled
def mean_db(state: Any, band: int, last: int, count: int) -> float:
    """Level of a band over the `count` steps that end with step `last`, in dBFS."""
    total = 0.0
    for step in range(last - count + 1, last + 1):
        total += state.energy[slot(step), band]
    return 10.0 * log10(total / count + state.silence)


@compiled
def background_db(state: Any, band: int, step: int) -> float:
    """Level of the background of a band at a step, in dBFS."""
    return 10.0 * log10(state.background[slot(step), band] + state.silence)


@compiled
def _start(state: Any) -> None:
    """Take what sounds when the stream begins as the past; a hit at once is still louder than its first step."""
    for band in range(BAND_COUNT):
        first = state.energy[0, band]
        level = 10.0 * log10(first + state.silence)
        for k in range(KEPT_STEPS):
            state.energy[k, band] = first
            state.background[k, band] = first
            state.level_db[k, band] = level
            state.mask_db[k, band] = level
            state.quick_mask_db[k, band] = level
            state.floor_db[k, band] = level
