"""Envelope of a hand clap: a few bursts a little apart, each with a smooth attack and an exponential decay.

Burst `k` starts at ``t_k = spacing (k + spread k (k - 1) / 2)``, so that each gap is longer than the one before by
`spread` of the first, and weighs ``w_k = clip(count - k, 0, 1)``. The envelope is ``sum w_k b(t - t_k)`` with
``b(t) = s(t / 1 ms)``, ``s(x) = x^2 (3 - 2 x)`` in 0..1, times ``10^(-3 (t - 1 ms) / decay)`` after the attack. All
is a function of continuous time, at which the samples look: a burst does not begin on a frame, and so its start can be
differentiated. The envelope ends when the last burst has fallen below `envelope.SILENCE`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.approximation import exp2
from remapd.dsp.envelope import REST, SILENCE
from remapd.dsp.kernel import CHUNK_FRAMES, compiled

#: The most bursts there can be.
MOST_BURSTS = 5
ATTACK_MS = 1.0
#: Octaves of amplitude in 60 dB.
DECAY_OCTAVES = 3.0 * math.log2(10.0)

STATE = np.dtype(
    [
        ("starts", np.float64, (MOST_BURSTS,)),  # in frames since the trigger
        ("weights", np.float64, (MOST_BURSTS,)),  # with the amplitude
        ("amplitude", np.float64),
        ("last_start", np.float64),
        ("fall", np.float64),  # octaves of amplitude a frame
        ("attack", np.float64),  # in frames
        ("level", np.float64),  # the sample given last; 0 at rest
        ("before", np.float64),  # level at the trigger
        ("frame", np.int64),  # since the trigger
        ("left", np.int64),
        ("frames", np.float64, (CHUNK_FRAMES,)),
    ],
    align=True,
)


@compiled
def reset(bursts: Any) -> None:
    """Come to rest at once."""
    bursts.level = 0.0
    bursts.left = 0


@compiled
def is_active(bursts: Any) -> bool:
    """Whether samples are left."""
    return bool(bursts.left > 0)


@compiled
def rests(bursts: Any) -> bool:
    """Whether the last burst has fallen below `envelope.REST` of the amplitude."""
    is_falling = float(bursts.frame) > bursts.last_start + bursts.attack
    return bool(bursts.left == 0 or (is_falling and bursts.level < REST * bursts.amplitude))


@compiled
def trigger(
    bursts: Any, count: float, spacing_ms: float, spread: float, decay_ms: float, amplitude: float, sample_rate: float
) -> None:
    """Start from the present level, or from 0 at rest; what was to come of the hit before is dropped."""
    bursts.level = 0.0 if rests(bursts) else bursts.level
    bursts.before = bursts.level
    bursts.amplitude = amplitude
    bursts.attack = ATTACK_MS * sample_rate / 1000.0
    bursts.fall = DECAY_OCTAVES / (decay_ms * sample_rate / 1000.0)
    _place(bursts, count, spacing_ms * sample_rate / 1000.0, spread)
    bursts.frame = 0
    bursts.left = math.ceil(bursts.last_start + bursts.attack - math.log2(SILENCE) / bursts.fall)


@compiled
def _place(bursts: Any, count: float, spacing: float, spread: float) -> None:
    for k in range(MOST_BURSTS):
        weight = min(max(count - float(k), 0.0), 1.0)
        bursts.starts[k] = spacing * (float(k) + spread * float(k * (k - 1)) / 2.0)
        bursts.weights[k] = weight * bursts.amplitude
        if weight > 0.0:
            bursts.last_start = bursts.starts[k]


@compiled
def frames_left(bursts: Any, limit: int) -> int:
    """Frames left, at most `limit`; an envelope at rest stays there."""
    return min(limit, bursts.left) if bursts.left > 0 else limit


@compiled
def render(bursts: Any, out: Any, n: int) -> None:
    """Write the next `n` samples to ``out[:n]``; `n` is at most `frames_left`."""
    if bursts.left == 0:
        for i in range(n):
            out[i] = 0.0
        return
    frames = bursts.frames
    for i in range(n):
        frames[i] = float(bursts.frame + i)
        out[i] = bursts.before * (1.0 - _rise(frames[i] / bursts.attack))
    for k in range(MOST_BURSTS):
        if bursts.weights[k] > 0.0 and float(bursts.frame + n) > bursts.starts[k]:
            _add_burst(bursts, k, out, n)
    bursts.frame += n
    bursts.left -= n
    bursts.level = out[n - 1] if bursts.left > 0 else 0.0


@compiled
def _rise(x: float) -> float:
    inside = min(max(x, 0.0), 1.0)
    return inside * inside * (3.0 - 2.0 * inside)


@compiled
def _add_burst(bursts: Any, k: int, out: Any, n: int) -> None:
    frames, start, weight, attack, fall = bursts.frames, bursts.starts[k], bursts.weights[k], bursts.attack, bursts.fall
    for i in range(n):
        since = frames[i] - start
        out[i] += weight * _rise(since / attack) * exp2(-fall * max(since - attack, 0.0))
