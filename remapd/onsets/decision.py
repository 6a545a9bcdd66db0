"""From rises to hits: each attack becomes a candidate, and is accepted or rejected with a reason.

The decision runs `FOLLOWING_STEPS` behind the signal, so that it knows what became of an attack.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.approximation import log10
from remapd.dsp.kernel import compiled
from remapd.onsets import strength
from remapd.onsets.bands import BAND_COUNT
from remapd.onsets.levels import STEP_RATE
from remapd.onsets.strength import FOLLOWING_STEPS

#: Why a candidate was accepted (0) or rejected, by its code.
REASONS = (
    "accepted",
    "below floor",
    "masked",
    "within hold",
    "ringing",
    "not sustained",
    "too weak",
    "restless",
    "settling",
)
ACCEPTED, BELOW_FLOOR, MASKED, WITHIN_HOLD, RINGING, NOT_SUSTAINED, TOO_WEAK, RESTLESS, SETTLING = range(len(REASONS))

# Restlessness is the sum of the rises that were no hits, over about two seconds.
_RESTLESS_STEPS = 2.0 * STEP_RATE
_FIRST_RESTLESS_STEPS = 0.3 * STEP_RATE
# Of a rise that was no hit counts what exceeds the flutter of a steady noise; one loud click does not count for all.
_CALM_ATTACK_DB, _MOST_RESTLESS_DB = 2.0, 4.0
# A loud hit is heard in any restless sound: the threshold rises by this at most.
_GREATEST_EXTRA_DB = 16.0
# Of a loud click, too, something stays; of a hit, at least this part of the attack.
_SUSTAINED_PART = 0.52
# After a rejected attack, one this much greater is looked at anew before the first has ended.
_GREATER_ATTACK = 1.5
_REJECTED_STEPS = 5
# A rise is said to be masked if it is this many times the threshold over the last few ms; smaller ones are flutter.
_PLAIN_RISE = 2.0
# With what was loudest since the last hit a new one is compared up to this long before it; later it may have begun.
_RISE_STEPS = 4
# Of a rise that is louder than all since the last hit this much less has to be common to all of the spectrum.
_LOUDER_ALLOWANCE_DB = 1.0
_LONG_AGO = -(1 << 40)

STATE = np.dtype(
    [
        ("on_db", "f8"),
        ("attack_db", "f8"),
        ("off_db", "f8"),
        ("sustain_db", "f8"),
        ("hold_steps", "f8"),
        ("ring_steps", "f8"),
        ("ring_db", "f8"),
        ("hit_fall_db", "f8"),
        ("restless_limit_db", "f8"),
        ("restless_weight", "f8"),
        ("settle_steps", "f8"),
        ("settle_db", "f8"),
        ("armed", "u1"),
        ("told", "u1"),
        ("reason", "u1"),
        ("resume", "i8"),
        ("retry_until", "i8"),
        ("retry_db", "f8"),
        ("last_hit", "i8"),
        ("hit_power", "f8"),
        ("hit_mask_db", "f8", BAND_COUNT),
        ("restless_sum_db", "f8"),
        ("restless_step", "i8"),
        ("attacked_db", "f8"),
        ("sustained_db", "f8"),
        ("threshold_db", "f8"),
    ],
    align=True,
)


@compiled
def reset(state: Any) -> None:
    """Forget the signal."""
    state.armed = 1
    state.told = 0
    state.reason = ACCEPTED
    state.resume = 0
    state.retry_until = 0
    state.last_hit = _LONG_AGO
    state.hit_power = 0.0
    state.restless_sum_db = 0.0
    state.restless_step = 0
    state.attacked_db = 0.0
    state.sustained_db = 0.0
    for band in range(BAND_COUNT):
        state.hit_mask_db[band] = -1000.0


@compiled
def advance(state: Any, levels: Any) -> int:
    """Look at the step that is now old enough; return 1 if it held a candidate (its reason is in `state.reason`)."""
    step = levels.steps - 1 - FOLLOWING_STEPS
    if step < 0:
        return 0
    state.hit_power = max(state.hit_power, strength.power(levels, max(0, step - _RISE_STEPS)))
    attack = strength.attack_db(levels, step)
    state.attacked_db = attack
    if not _waits_for_attack(state, step, attack):
        return 0
    if attack < state.attack_db:
        return _explain(state, levels, step)
    _judge(state, levels, step)
    return 1


@compiled
def _waits_for_attack(state: Any, step: int, attack: float) -> bool:
    if step < state.resume:
        return False
    if step < state.retry_until:
        if attack < state.retry_db:
            return False
        state.retry_until = 0
        state.armed = 1
    if attack < state.off_db:
        state.armed = 1
    return bool(state.armed != 0)


@compiled
def _judge(state: Any, levels: Any, step: int) -> None:
    """Accept or reject the attack at `step`, and set when the next is looked for."""
    state.armed = 0
    state.attacked_db = strength.greatest_attack_db(levels, step)
    fall = state.hit_fall_db * min(step - state.last_hit, 1 << 20)
    state.sustained_db = strength.sustained_db(levels, step, state.hit_mask_db, fall)
    extra = state.restless_weight * max(0.0, _restless_db(state, step) - state.restless_limit_db)
    state.threshold_db = state.on_db + min(_GREATEST_EXTRA_DB, extra)
    state.reason = _reason(state, levels, step)
    if state.reason == ACCEPTED:
        _remember_hit(state, levels, step)
    elif state.reason == WITHIN_HOLD or state.reason == RINGING:
        state.resume = step + _REJECTED_STEPS
    else:
        state.retry_until = step + FOLLOWING_STEPS + 1
        state.retry_db = _GREATER_ATTACK * state.attacked_db
        _count_restless(state)


@compiled
def _count_restless(state: Any) -> None:
    """Count a rise that was no hit; what was only too weak for a restless sound does not count, lest it feed itself."""
    if state.reason == NOT_SUSTAINED or state.reason == TOO_WEAK:
        state.restless_sum_db += min(_MOST_RESTLESS_DB, max(0.0, state.attacked_db - _CALM_ATTACK_DB))


@compiled
def strength_db(state: Any) -> float:
    """Strength of the candidate just judged: the mean of its attack and of the rise that stayed."""
    return float(0.5 * (state.attacked_db + state.sustained_db))


@compiled
def _reason(state: Any, levels: Any, step: int) -> int:
    since_hit = step - state.last_hit
    if step < state.settle_steps and strength_db(state) < state.settle_db:
        return SETTLING
    if since_hit < state.hold_steps:
        return WITHIN_HOLD
    if since_hit < state.ring_steps and _is_ring(state, levels, step):
        return RINGING
    if state.sustained_db < max(state.sustain_db, _SUSTAINED_PART * state.attacked_db):
        return NOT_SUSTAINED
    if strength_db(state) < state.on_db:
        return TOO_WEAK
    return RESTLESS if strength_db(state) < state.threshold_db else ACCEPTED


@compiled
def _is_ring(state: Any, levels: Any, step: int) -> bool:
    """Tell a drum's own ring, such as the wires slapping back, from a new hit.

    A new hit raises all of the spectrum alike, by more than a threshold that falls from the last hit on; somewhat less
    will do if it is also, by that threshold, louder than all there was since that hit.
    """
    needed = state.ring_db * (1.0 - (step - state.last_hit) / state.ring_steps)
    common = strength.common_rise_db(levels, step)
    if common >= needed:
        return False
    before, now = state.hit_power + levels.silence, strength.loudest_power(levels, step) + levels.silence
    return bool(common + _LOUDER_ALLOWANCE_DB < needed or 10.0 * log10(now / before) < needed)


@compiled
def _remember_hit(state: Any, levels: Any, step: int) -> None:
    state.last_hit = step
    state.hit_power = 0.0
    state.resume = step + FOLLOWING_STEPS + 1
    for band in range(BAND_COUNT):
        state.hit_mask_db[band] = strength.late_db(levels, band, step)


@compiled
def _restless_db(state: Any, step: int) -> float:
    """Rises a second, in dB, that were no hits; while little has been heard, over the time since the start."""
    state.restless_sum_db *= math.exp((state.restless_step - step) / _RESTLESS_STEPS)
    state.restless_step = step
    return float(state.restless_sum_db * STEP_RATE / min(_RESTLESS_STEPS, step + _FIRST_RESTLESS_STEPS))


@compiled
def _explain(state: Any, levels: Any, step: int) -> int:
    """Report, once, an attack that only the floor's margin or the mask kept from being looked at."""
    rise = strength.attack_without_db(levels, step, False)
    if rise < state.off_db:
        state.told = 0
    if state.told or rise < _PLAIN_RISE * state.on_db:
        return 0
    state.told = 1
    state.attacked_db = rise
    state.sustained_db = 0.0
    over_mask = strength.attack_without_db(levels, step, True)
    state.reason = BELOW_FLOOR if over_mask >= state.attack_db else MASKED
    return 1
