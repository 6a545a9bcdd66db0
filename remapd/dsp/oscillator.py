"""Sine oscillator whose frequency follows an envelope.

The phase, in turns, is the sum of the frequencies of all samples *before* this one, so that a sound from rest starts at
phase 0 whatever its frequency.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.approximation import sin_turns
from remapd.dsp.kernel import CHUNK_FRAMES, compiled

STATE = np.dtype(
    [
        ("phase", np.float64),
        ("increment", np.float64),
        ("sweep", np.float64),
        ("amplitude", np.float64),
        ("phases", np.float64, (CHUNK_FRAMES,)),
    ],
    align=True,
)


@compiled
def tune(oscillator: Any, frequency_hz: float, sweep: float, sample_rate: float) -> None:
    """Set the frequency ``frequency_hz (1 + sweep e)`` for an envelope `e`; the phase runs on."""
    oscillator.increment = frequency_hz / sample_rate
    oscillator.sweep = sweep
    # Whole turns are dropped here, so that a roll that never falls silent keeps its precision.
    oscillator.phase -= math.floor(oscillator.phase)


@compiled
def add(oscillator: Any, envelope: Any, level: Any, mix: Any, n: int) -> None:
    """Add ``amplitude level sin(phase)`` to ``mix[:n]``; `envelope` moves the frequency."""
    _advance(oscillator, envelope, n)
    amplitude, phases = oscillator.amplitude, oscillator.phases
    for i in range(n):
        mix[i] += amplitude * level[i] * sin_turns(phases[i])


@compiled
def _advance(oscillator: Any, envelope: Any, n: int) -> None:
    phase, increment, sweep, phases = oscillator.phase, oscillator.increment, oscillator.sweep, oscillator.phases
    for i in range(n):
        phases[i] = phase
        phase += increment * (1.0 + sweep * envelope[i])
    oscillator.phase = phase
