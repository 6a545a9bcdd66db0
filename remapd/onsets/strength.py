"""How much a step looks like the beginning of a hit: the rise of the attack, and the rise that stays."""

from __future__ import annotations

from typing import Any

from remapd.dsp.kernel import compiled
from remapd.onsets.bands import BAND_COUNT
from remapd.onsets.levels import background_db, mean_db, slot

#: Steps (3 ms) that have to follow a step before it can be judged.
FOLLOWING_STEPS = 9

#: Shares of the bands in a rise, each row with sum 1. The greater of the two counts: a drum rises with its body, while
#: of a cymbal that is struck as it rings only the top does; the lowest bands flutter too much to decide that.
DRUM_SHARES = (0.2, 0.25, 0.25, 0.2, 0.1)
CYMBAL_SHARES = (0.05, 0.1, 0.2, 0.3, 0.35)

#: How much each band flutters in a steady noise, next to the top ones: it needs as much more margin over the floor.
FLUTTER = (4.0, 3.0, 1.5, 1.0, 1.0)

#: Rises of more than this count no more, so that one band alone makes no hit.
GREATEST_RISE_DB = 25.0
#: In a new hit all of the spectrum rises, and by this no band counts for the others.
COMMON_RISE_DB = 6.0
_ATTACK_STEPS = 4
_NEW_HIT_STEPS = 5
_LATE_STEPS = 7
_BACKGROUND_AGE_STEPS = 3


@compiled
def _counted(rise_db: float) -> float:
    return min(GREATEST_RISE_DB, max(0.0, rise_db))


@compiled
def attack_db(levels: Any, step: int) -> float:
    """Mean rise of the level at a step over mask and noise floor."""
    at, drum, cymbal = slot(step), 0.0, 0.0
    for band in range(BAND_COUNT):
        reference = max(levels.mask_db[at, band], levels.floor_db[at, band] + FLUTTER[band] * levels.margin_db)
        rise = _counted(levels.level_db[at, band] - reference)
        drum += DRUM_SHARES[band] * rise
        cymbal += CYMBAL_SHARES[band] * rise
    return max(drum, cymbal)


@compiled
def attack_without_db(levels: Any, step: int, masked: bool) -> float:
    """Mean rise as it would be without the floor's margin and, if not `masked`, with the quick mask only."""
    at, drum, cymbal = slot(step), 0.0, 0.0
    for band in range(BAND_COUNT):
        reference = levels.mask_db[at, band] if masked else levels.quick_mask_db[at, band]
        rise = _counted(levels.level_db[at, band] - reference)
        drum += DRUM_SHARES[band] * rise
        cymbal += CYMBAL_SHARES[band] * rise
    return max(drum, cymbal)


@compiled
def greatest_attack_db(levels: Any, step: int) -> float:
    """Greatest attack from a step on, within 1 ms."""
    greatest = 0.0
    for k in range(_ATTACK_STEPS):
        greatest = max(greatest, attack_db(levels, step + k))
    return greatest


@compiled
def late_db(levels: Any, band: int, step: int) -> float:
    """Level of a band from 1 to 3 ms after a step, in dBFS."""
    return mean_db(levels, band, step + FOLLOWING_STEPS, _LATE_STEPS)


@compiled
def sustained_db(levels: Any, step: int, hit_mask_db: Any, hit_fall_db: float) -> float:
    """Mean rise from 1 to 3 ms after a step over the background before it, the floor and what the last hit left."""
    drum, cymbal = 0.0, 0.0
    for band in range(BAND_COUNT):
        reference = max(
            background_db(levels, band, step - _BACKGROUND_AGE_STEPS),
            levels.floor_db[slot(step), band] + FLUTTER[band] * levels.margin_db,
            hit_mask_db[band] - hit_fall_db,
        )
        rise = _counted(late_db(levels, band, step) - reference)
        drum += DRUM_SHARES[band] * rise
        cymbal += CYMBAL_SHARES[band] * rise
    return max(drum, cymbal)


@compiled
def common_rise_db(levels: Any, step: int) -> float:
    """Mean rise of the bands over the mask, none counted for more than `COMMON_RISE_DB`, up or down."""
    total = 0.0
    for band in range(BAND_COUNT):
        rise = -COMMON_RISE_DB
        for k in range(_NEW_HIT_STEPS):
            at = slot(step + k)
            rise = max(rise, levels.level_db[at, band] - levels.mask_db[at, band])
        total += min(COMMON_RISE_DB, rise)
    return total / BAND_COUNT


@compiled
def power(levels: Any, step: int) -> float:
    """Power of all bands in a step."""
    total = 0.0
    for band in range(BAND_COUNT):
        total += levels.energy[slot(step), band]
    return total


@compiled
def loudest_power(levels: Any, step: int) -> float:
    """Greatest power of all bands in the steps from `step` on."""
    greatest = 0.0
    for k in range(FOLLOWING_STEPS + 1):
        greatest = max(greatest, power(levels, step + k))
    return greatest
