"""Burst of filtered noise: white noise, the envelope of its level, and a second-order filter behind it.

It sounds on after its envelope until the filter has rung out below `envelope.SILENCE` relative to its amplitude. A
trigger while it is at rest starts it as out of silence, the filter with an empty state; otherwise envelope and filter
go on from their present *amplitude*, so that a new amplitude makes no click. The noise runs on from burst to burst, and
stands while the envelope is over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp import biquad, envelope, noise
from remapd.dsp.kernel import CHUNK_FRAMES, compiled

STATE = np.dtype(
    [
        ("noise", noise.STATE),
        ("env", envelope.STATE),
        ("filter", biquad.STATE),
        ("amplitude", np.float64),
        ("ring_left", np.int64),  # frames that the filter still rings after the envelope
        ("level", np.float64, (CHUNK_FRAMES,)),
        ("burst", np.float64, (CHUNK_FRAMES,)),
    ],
    align=True,
)


@compiled
def reset(hiss: Any, seed: int) -> None:
    """Make it silent; `seed` chooses the noise."""
    noise.seed(hiss.noise, seed)
    silence(hiss)


@compiled
def silence(hiss: Any) -> None:
    """Stop at once."""
    envelope.reset(hiss.env)
    biquad.reset(hiss.filter)
    hiss.ring_left = 0


@compiled
def is_active(hiss: Any) -> bool:
    """Whether it sounds."""
    return envelope.is_active(hiss.env) or bool(hiss.ring_left > 0)


@compiled
def rests(hiss: Any) -> bool:
    """Whether a trigger now would start it as out of silence."""
    return envelope.rests(hiss.env) and bool(biquad.ring_level(hiss.filter) < envelope.REST)


@compiled
def trigger(hiss: Any, decay_ms: float, amplitude: float, sample_rate: float) -> None:
    """Start it with an amplitude above 0; the caller then sets the coefficients of `filter`."""
    scale = 0.0 if rests(hiss) else hiss.amplitude / amplitude
    biquad.rescale(hiss.filter, scale)
    hiss.amplitude = amplitude
    envelope.trigger(hiss.env, decay_ms, sample_rate, scale)
    hiss.ring_left = 0


@compiled
def frames_left(hiss: Any, limit: int) -> int:
    """Most frames, up to `limit`, that can be rendered at once."""
    return min(limit, hiss.ring_left) if hiss.ring_left > 0 else envelope.frames_left(hiss.env, limit)


@compiled
def add(hiss: Any, mix: Any, n: int) -> None:
    """Add the next `n` frames to ``mix[:n]``."""
    if is_active(hiss):
        _render_burst(hiss, n)
        biquad.process(hiss.filter, hiss.burst, hiss.burst, n)
        amplitude, burst = hiss.amplitude, hiss.burst
        for i in range(n):
            mix[i] += amplitude * burst[i]
        _count_ring(hiss, n)


@compiled
def _render_burst(hiss: Any, n: int) -> None:
    """Set ``burst[:n]`` to what goes into the filter."""
    if hiss.ring_left == 0:
        envelope.render(hiss.env, hiss.level, n)
        noise.render(hiss.noise, hiss.level, hiss.burst, n)
        return
    burst = hiss.burst
    for i in range(n):
        burst[i] = 0.0


@compiled
def _count_ring(hiss: Any, n: int) -> None:
    """Find how long the filter rings as the envelope ends, and count it down from then on."""
    if hiss.ring_left > 0:
        hiss.ring_left -= n
    elif not envelope.is_active(hiss.env):
        hiss.ring_left = biquad.ring_frames(hiss.filter, envelope.SILENCE)
