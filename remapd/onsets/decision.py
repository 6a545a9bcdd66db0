"""From rises to onsets: a rise over the threshold becomes a candidate and is accepted or rejected with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp.approximation import log10
from remapd.dsp.kernel import compiled
from remapd.onsets.bands import BAND_COUNT
from remapd.onsets.levels import KEPT_STEPS, RISE_STEPS

#: Why a candidate was accepted (0) or rejected, by its code.
REASONS = ("accepted", "below floor", "masked", "within hold", "wire slap", "click")
ACCEPTED, BELOW_FLOOR, MASKED, WITHIN_HOLD, WIRE_SLAP, CLICK = range(len(REASONS))

#: A candidate is decided this many steps (3 ms) after its rise was seen ...
DECIDE_STEPS = 9
# ... from what sounds in the steps after the first millisecond.
_LATE_STEPS = 6
_BODY_BANDS = 2
_BODY_STEPS = 4
_GREATEST_RISE_DB = 30.0
_LONG_AGO = -(1 << 40)

STATE = np.dtype(
    [
        ("on_db", "f8"),
        ("off_db", "f8"),
        ("hold_steps", "i8"),
        ("ring_steps", "i8"),
        ("ring_body_db", "f8"),
        ("sustain_db", "f8"),
        ("armed", "u1"),
        ("pending", "u1"),
        ("candidate_armed", "u1"),
        ("reason", "u1"),
        ("since", "i8"),
        ("last", "i8"),
        ("body_db", "f8"),
        ("strength_db", "f8"),
        ("peak_db", "f8"),
        ("before_db", "f8", BAND_COUNT),
    ],
    align=True,
)


@compiled
def reset(state: Any) -> None:
    """Forget the signal."""
    state.armed = 1
    state.candidate_armed = 1
    state.pending = 0
    state.reason = ACCEPTED
    state.last = _LONG_AGO


@compiled
def strength(levels: Any, step: int, over_mask: bool, over_floor: bool) -> float:
    """Mean over the bands of the rise at `step`: over the level just before, the mask, the floor's margin."""
    now, old = step & (KEPT_STEPS - 1), (step - RISE_STEPS) & (KEPT_STEPS - 1)
    total = 0.0
    for band in range(BAND_COUNT):
        reference = levels.mask_db[band] if over_mask else levels.level_db[old, band]
        if over_floor:
            reference = max(reference, levels.floor_db[band] + levels.margin_db)
        total += min(_GREATEST_RISE_DB, max(0.0, levels.level_db[now, band] - reference))
    return total / BAND_COUNT


@compiled
def advance(state: Any, levels: Any) -> int:
    """Look at the newest step; return 1 if a candidate was decided in it (its reason is in `state.reason`)."""
    step = levels.steps - 1
    signal = strength(levels, step, True, True)
    levels.signal_db = signal
    if state.pending:
        return _follow(state, levels, step, signal)
    if signal < state.off_db:
        state.armed = 1
    if state.armed and signal >= state.on_db:
        _open(state, levels, step, signal)
        return 0
    return _explain(state, levels, step)


@compiled
def _open(state: Any, levels: Any, step: int, signal: float) -> None:
    """Start a candidate, which is decided later."""
    state.armed = 0
    state.candidate_armed = 0
    state.pending = 1
    state.since = step
    state.strength_db = signal
    state.body_db = -1000.0
    state.peak_db = -1000.0
    for band in range(BAND_COUNT):
        state.before_db[band] = levels.mask_db[band]
    _watch(state, levels, step, signal)


@compiled
def _watch(state: Any, levels: Any, step: int, signal: float) -> None:
    now = step & (KEPT_STEPS - 1)
    power = 0.0
    for band in range(BAND_COUNT):
        power += levels.energy[now, band]
    state.peak_db = max(state.peak_db, 10.0 * log10(power + levels.silence))
    state.strength_db = max(state.strength_db, signal)
    if step - state.since <= _BODY_STEPS:
        for band in range(_BODY_BANDS):
            state.body_db = max(state.body_db, levels.rise_db[band])


@compiled
def _follow(state: Any, levels: Any, step: int, signal: float) -> int:
    """Watch a pending candidate, and decide it when its time has come."""
    _watch(state, levels, step, signal)
    if step - state.since < DECIDE_STEPS:
        return 0
    state.pending = 0
    state.reason = _judge(state, levels, step)
    if state.reason == ACCEPTED:
        state.last = state.since
    return 1


@compiled
def _judge(state: Any, levels: Any, step: int) -> int:
    since_last = state.since - state.last
    if since_last < state.hold_steps:
        return WITHIN_HOLD
    if since_last < state.ring_steps and state.body_db < state.ring_body_db:
        return WIRE_SLAP
    if _sustained_db(state, levels, step) < state.sustain_db:
        return CLICK
    return ACCEPTED


@compiled
def _sustained_db(state: Any, levels: Any, step: int) -> float:
    """Mean over the bands of the rise that is left in the late steps."""
    total = 0.0
    for band in range(BAND_COUNT):
        late = 0.0
        for k in range(_LATE_STEPS):
            late += levels.energy[(step - k) & (KEPT_STEPS - 1), band]
        level = 10.0 * log10(late / _LATE_STEPS + levels.silence)
        total += min(_GREATEST_RISE_DB, max(0.0, level - state.before_db[band]))
    return total / BAND_COUNT


@compiled
def _explain(state: Any, levels: Any, step: int) -> int:
    """Report, once, a rise that would have been an onset without the mask or without the floor's margin."""
    rise = strength(levels, step, False, False)
    if rise < state.off_db:
        state.candidate_armed = 1
    if not state.candidate_armed or rise < state.on_db:
        return 0
    state.candidate_armed = 0
    _open(state, levels, step, strength(levels, step, True, True))
    state.pending = 0
    state.armed = 1
    state.reason = BELOW_FLOOR if strength(levels, step, True, False) >= state.on_db else MASKED
    return 1
