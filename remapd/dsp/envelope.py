"""Percussive envelope: a linear attack of 1 ms, then an exponential decay that reaches -60 dB after its time.

From rest the samples are ``1/N, 2/N .. N/N`` with ``N = floor(sr / 1000)``, then ``1, r, r^2 ..`` with
``r = 1 - 6.91 / (decay_ms sr / 1000)``: the attack's last sample and the decay's first are both 1. The envelope ends
with the last power of ``r`` that is not below `SILENCE`.

Two levels end a sound. Below `REST` it cannot be heard under the next: what is triggered then starts anew, as out of
silence. Measurements reach further down (a spectrum's flatness knows no level), so it goes on to `SILENCE`.

The two stages have known lengths, so a block is cut at their borders (`frames_left`) and no loop has a branch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled

#: Level (-80 dB) below which an envelope rests: the next trigger starts from there as out of silence.
REST = 1e-4
#: Level (-140 dB) below which an envelope ends. The highest, in steps of 20 dB, at which the long-term features of the
#: presets and of the range's corners are those of a sound without end to 2e-3 of their units; at -80 dB, 4 dB were off.
SILENCE = 1e-7
#: Natural logarithm of 1000, that is of 60 dB, as rounded in the published formula.
DECAY_NEPERS = 6.91

STATE = np.dtype(
    [
        ("level", np.float64),  # the sample given last; 0 at rest
        ("start", np.float64),  # level from which the attack rises
        ("ratio", np.float64),  # r
        ("power", np.float64),  # the decay's next sample
        ("attack_frames", np.int64),
        ("attack_left", np.int64),
        ("decay_left", np.int64),
    ],
    align=True,
)


@compiled
def reset(envelope: Any) -> None:
    """Come to rest at once."""
    envelope.level = 0.0
    envelope.attack_left = 0
    envelope.decay_left = 0


@compiled
def is_active(envelope: Any) -> bool:
    """Whether samples are left."""
    return bool(envelope.attack_left + envelope.decay_left > 0)


@compiled
def rests(envelope: Any) -> bool:
    """Whether the level is below `REST`; samples may be left."""
    return bool(envelope.level < REST)


@compiled
def trigger(envelope: Any, decay_ms: float, sample_rate: float, scale: float) -> None:
    """Start the attack from the present level times `scale` (1 where the unit of the level has not changed, 0 anew)."""
    frames = max(1, math.floor(sample_rate / 1000.0))
    ratio = 1.0 - DECAY_NEPERS / (decay_ms * sample_rate / 1000.0)
    envelope.level *= scale
    envelope.start = envelope.level
    envelope.ratio = ratio
    envelope.power = 1.0
    envelope.attack_frames = frames
    envelope.attack_left = frames
    envelope.decay_left = 1 + math.floor(math.log(SILENCE) / math.log(ratio))


@compiled
def frames_left(envelope: Any, limit: int) -> int:
    """Frames left in the present stage, at most `limit`; an envelope at rest stays there."""
    left = envelope.attack_left if envelope.attack_left > 0 else envelope.decay_left
    return min(limit, left) if left > 0 else limit


@compiled
def render(envelope: Any, out: Any, n: int) -> None:
    """Write the next `n` samples to ``out[:n]``; `n` is at most `frames_left`."""
    if envelope.attack_left > 0:
        _render_attack(envelope, out, n)
    elif envelope.decay_left > 0:
        _render_decay(envelope, out, n)
    else:
        for i in range(n):
            out[i] = 0.0


@compiled
def _render_attack(envelope: Any, out: Any, n: int) -> None:
    start, frames = envelope.start, float(envelope.attack_frames)
    given = envelope.attack_frames - envelope.attack_left
    for i in range(n):
        out[i] = start + (1.0 - start) * (float(given + i + 1) / frames)
    envelope.attack_left -= n
    envelope.level = out[n - 1]


@compiled
def _render_decay(envelope: Any, out: Any, n: int) -> None:
    power, ratio = envelope.power, envelope.ratio
    for i in range(n):
        out[i] = power
        power *= ratio
    envelope.power = power
    envelope.decay_left -= n
    envelope.level = out[n - 1] if envelope.decay_left > 0 else 0.0
