"""Envelope times amplitude: how loud a part of a voice is, which no trigger makes jump.

A trigger starts it from 0 where the envelope rests, else from the present product, whatever the new amplitude.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp import envelope
from remapd.dsp.kernel import compiled

STATE = np.dtype([("env", envelope.STATE), ("amplitude", np.float64)], align=True)


@compiled
def reset(level: Any) -> None:
    """Come to rest at once."""
    envelope.reset(level.env)


@compiled
def is_active(level: Any) -> bool:
    """Whether samples are left."""
    return envelope.is_active(level.env)


@compiled
def rests(level: Any) -> bool:
    """Whether the envelope is below `envelope.REST`."""
    return envelope.rests(level.env)


@compiled
def trigger(level: Any, decay_ms: float, amplitude: float, sample_rate: float) -> None:
    """Start the attack towards `amplitude`."""
    scale = 0.0 if envelope.rests(level.env) else level.amplitude / amplitude
    level.amplitude = amplitude
    envelope.trigger(level.env, decay_ms, sample_rate, scale)


@compiled
def frames_left(level: Any, limit: int) -> int:
    """Frames left in the present stage, as `envelope.frames_left`."""
    return envelope.frames_left(level.env, limit)


@compiled
def render(level: Any, out: Any, n: int) -> None:
    """Write the next `n` samples to ``out[:n]``; `n` is at most `frames_left`."""
    envelope.render(level.env, out, n)
    amplitude = level.amplitude
    for i in range(n):
        out[i] *= amplitude
