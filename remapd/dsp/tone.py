"""Decaying sine: an oscillator and the envelope of its level.

It sounds until the envelope is over. A trigger while it is at rest starts it as out of silence, at phase 0; otherwise
the phase runs on, and the level rises from the present *amplitude*, so that a new amplitude makes no click.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp import envelope, oscillator
from remapd.dsp.kernel import CHUNK_FRAMES, compiled

STATE = np.dtype(
    [("env", envelope.STATE), ("osc", oscillator.STATE), ("level", np.float64, (CHUNK_FRAMES,))],
    align=True,
)


@compiled
def silence(tone: Any) -> None:
    """Stop at once."""
    envelope.reset(tone.env)


@compiled
def is_active(tone: Any) -> bool:
    """Whether it sounds."""
    return envelope.is_active(tone.env)


@compiled
def rests(tone: Any) -> bool:
    """Whether a trigger now would start it as out of silence."""
    return envelope.rests(tone.env)


@compiled
def trigger(
    tone: Any, frequency_hz: float, sweep: float, decay_ms: float, amplitude: float, sample_rate: float
) -> None:
    """Start it with an amplitude above 0; see `oscillator.tune` for the frequency and the sweep."""
    osc, scale = tone.osc, tone.osc.amplitude / amplitude
    if rests(tone):
        osc.phase = scale = 0.0
    osc.amplitude = amplitude
    oscillator.tune(osc, frequency_hz, sweep, sample_rate)
    envelope.trigger(tone.env, decay_ms, sample_rate, scale)


@compiled
def frames_left(tone: Any, limit: int) -> int:
    """Most frames, up to `limit`, that can be rendered at once."""
    return envelope.frames_left(tone.env, limit)


@compiled
def add(tone: Any, sweep: Any, mix: Any, n: int) -> None:
    """Add the next `n` frames to ``mix[:n]``; ``sweep[:n]`` moves the frequency."""
    if is_active(tone):
        envelope.render(tone.env, tone.level, n)
        oscillator.add(tone.osc, sweep, tone.level, mix, n)


@compiled
def add_modulated(tone: Any, sweep: Any, modulation: Any, mix: Any, n: int) -> None:
    """Add the next `n` frames with ``modulation[:n]``, in turns, added to the phase."""
    if is_active(tone):
        envelope.render(tone.env, tone.level, n)
        oscillator.add_modulated(tone.osc, sweep, modulation, tone.level, mix, n)
