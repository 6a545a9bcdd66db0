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

#: No frequency passes this part of the sample rate; above one half it would come back as a lower one.
HIGHEST_FREQUENCY = 0.49

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
    """Set the frequency ``frequency_hz (1 + sweep e)`` for an envelope `e` of 0..1; the phase runs on.

    Both the frequency at rest and that at the top of the envelope are held at `HIGHEST_FREQUENCY` of the rate.
    """
    increment = min(frequency_hz / sample_rate, HIGHEST_FREQUENCY)
    oscillator.increment = increment
    oscillator.sweep = min(sweep, HIGHEST_FREQUENCY / increment - 1.0)
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
def add_modulated(oscillator: Any, envelope: Any, modulation: Any, level: Any, mix: Any, n: int) -> None:
    """Add ``amplitude level sin(phase + modulation)`` to ``mix[:n]``; the modulation is in turns."""
    _advance(oscillator, envelope, n)
    amplitude, phases = oscillator.amplitude, oscillator.phases
    for i in range(n):
        mix[i] += amplitude * level[i] * sin_turns(phases[i] + modulation[i])


@compiled
def _advance(oscillator: Any, envelope: Any, n: int) -> None:
    phase, increment, sweep, phases = oscillator.phase, oscillator.increment, oscillator.sweep, oscillator.phases
    for i in range(n):
        phases[i] = phase
        phase += increment * (1.0 + sweep * envelope[i])
    oscillator.phase = phase
