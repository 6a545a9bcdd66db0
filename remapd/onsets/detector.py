"""The onset detector: finds hits in one channel, soon and to the sample.

Levels are taken over 1 ms, every third of a millisecond, in five bands. An attack is a rise of the bands, on average
and within 2 ms, over a mask that starts at the loudest level there was and falls at a steady rate, and over the noise
floor. It is a hit if enough of it is left from 1 to 3 ms later (of a click there is not), measured over the background;
if, soon after another hit, all of the spectrum rises anew (when snare wires slap back, only the top does) by more than
a threshold that falls after that hit; and if it stands out from the other rises of the last seconds (in speech, crackle
or bowed strings there are many that are no hits). Just after the start only a strong rise counts, as little is known of
the background yet. Steps have a fixed length and are counted from frame 0 of the stream, so it does not matter how the
stream is cut into blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp.approximation import log10
from remapd.dsp.kernel import compiled
from remapd.onsets import bands, decision, levels, strength
from remapd.onsets.decision import REASONS
from remapd.onsets.locate import locate
from remapd.onsets.parameters import ONSET_PARAMETERS

__all__ = ["CANDIDATE", "MAX_CANDIDATES", "ONSET_PARAMETERS", "REASONS", "STATE", "configure", "detect", "reset"]

#: Most candidates decided in one chunk of 64 frames, which holds at most 32 steps.
MAX_CANDIDATES = 32
_SHORTEST_STEP_FRAMES = 2

CANDIDATE = np.dtype(
    [
        ("onset_frame", "i8"),
        ("decided_frame", "i8"),
        ("level_db", "f8"),
        ("floor_db", "f8"),
        ("strength_db", "f8"),
        ("reason", "u1"),
    ],
    align=True,
)
STATE = np.dtype(
    [
        ("sample_rate", "f8"),
        ("step_frames", "i8"),
        ("signal_db", "f8"),
        ("bands", bands.STATE),
        ("levels", levels.STATE),
        ("decision", decision.STATE),
        ("candidates", CANDIDATE, MAX_CANDIDATES),
    ],
    align=True,
)

# Where each parameter stands in the table; compiled code takes them as constants.
_ON = ONSET_PARAMETERS.index("on_threshold_db")
_ATTACK = ONSET_PARAMETERS.index("attack_threshold_db")
_OFF = ONSET_PARAMETERS.index("off_threshold_db")
_SUSTAIN = ONSET_PARAMETERS.index("sustain_db")
_HOLD = ONSET_PARAMETERS.index("hold_ms")
_RING = ONSET_PARAMETERS.index("ring_ms")
_RING_DB = ONSET_PARAMETERS.index("ring_db")
_DECAY = ONSET_PARAMETERS.index("mask_decay_db_per_ms")
_MARGIN = ONSET_PARAMETERS.index("floor_margin_db")
_LIMIT = ONSET_PARAMETERS.index("restless_limit_db")
_WEIGHT = ONSET_PARAMETERS.index("restless_weight")
_SETTLE = ONSET_PARAMETERS.index("settle_ms")
_SETTLE_DB = ONSET_PARAMETERS.index("settle_db")
_SILENCE = ONSET_PARAMETERS.index("silence_db")
_REACH = ONSET_PARAMETERS.index("reach_db")


@compiled
def step_frames(sample_rate: float) -> int:
    """Frames in a step of the detector."""
    return max(_SHORTEST_STEP_FRAMES, int(sample_rate / levels.STEP_RATE + 0.5))


@compiled
def reset(state: Any, sample_rate: float) -> None:
    """Forget the signal; the parameters are kept."""
    state.sample_rate = sample_rate
    state.step_frames = step_frames(sample_rate)
    state.signal_db = 0.0
    bands.reset(state.bands)
    levels.reset(state.levels)
    decision.reset(state.decision)


@compiled
def configure(state: Any, values: Any, sample_rate: float) -> None:
    """Set the parameters, `values` in the order and units of `ONSET_PARAMETERS`; what was heard is kept."""
    bands.configure(state.bands, sample_rate)
    step_s = step_frames(sample_rate) / sample_rate
    levels.configure(state.levels, values[_SILENCE], values[_REACH], values[_DECAY], values[_MARGIN], step_s)
    chosen = state.decision
    chosen.on_db = values[_ON]
    chosen.threshold_db = values[_ON]
    chosen.attack_db = values[_ATTACK]
    chosen.off_db = min(values[_OFF], values[_ATTACK])
    chosen.sustain_db = values[_SUSTAIN]
    chosen.hold_steps = 0.001 * values[_HOLD] / step_s
    chosen.ring_steps = 0.001 * values[_RING] / step_s
    chosen.ring_db = values[_RING_DB]
    chosen.hit_fall_db = values[_DECAY] * 1000.0 * step_s
    chosen.restless_limit_db = values[_LIMIT]
    chosen.restless_weight = values[_WEIGHT]
    chosen.settle_steps = 0.001 * values[_SETTLE] / step_s
    chosen.settle_db = values[_SETTLE_DB]


@compiled
def detect(state: Any, x: Any, n: int, frame: int) -> int:
    """Take `n` samples, of which ``x[0]`` is absolute frame `frame`.

    Returns the number of candidates decided, which are in ``state.candidates``. `n` is at most `CHUNK_FRAMES`.
    """
    found, done, length = 0, 0, state.step_frames
    while done < n:
        to_border = length - (frame + done) % length
        run = min(n - done, to_border)
        bands.accumulate(state.bands, x, done, done + run, frame + done)
        done += run
        if run == to_border:
            bands.take(state.bands, length, state.levels.energy[levels.slot(state.levels.steps)])
            levels.advance(state.levels)
            if decision.advance(state.decision, state.levels):
                _report(state, state.candidates[found], frame + done)
                found += 1
    state.signal_db = state.decision.attacked_db
    return found


@compiled
def _report(state: Any, candidate: Any, frame: int) -> None:
    """Fill in a candidate decided at the end of the step before absolute frame `frame`."""
    age = strength.FOLLOWING_STEPS
    candidate.onset_frame = locate(state.bands.recent, frame, frame - age * state.step_frames, state.sample_rate)
    candidate.decided_frame = frame
    candidate.reason = state.decision.reason
    step = state.levels.steps - 1 - age
    candidate.level_db = 10.0 * log10(strength.loudest_power(state.levels, step) + state.levels.silence)
    candidate.strength_db = decision.strength_db(state.decision)
    power = 0.0
    for band in range(bands.BAND_COUNT):
        power += 10.0 ** (0.1 * state.levels.floor_db[levels.slot(step), band])
    candidate.floor_db = 10.0 * log10(power)
