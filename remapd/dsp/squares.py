"""Six square waves at the ratios of a cymbal, with edges that last a fixed time.

Oscillator `i` is ``erf(k_i sin(2 pi p_i))`` with ``k_i = EDGE_HZ / (2 f_i)``. Near its zeros that is a step with a
Gaussian edge, so harmonic `n` is that of a square times about ``exp(-(n f_i / EDGE_HZ)^2)``: the same low-pass for
every oscillator and rate, in closed form and smooth in the frequency. The harmonics of an edge like ``tanh`` fall only
exponentially; these fall fast enough to leave next to nothing above half of 44.1 kHz that would come back as a lower
frequency (-9 dB at 12 kHz, -29 dB at 22 kHz, -70 dB at 34 kHz).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.approximation import erf, sin_turns
from remapd.dsp.kernel import CHUNK_FRAMES, compiled

#: Frequencies of the oscillators that the hats and the cymbal of the TR-808 share; the last two are trimmed in each.
FREQUENCIES_HZ = (205.3, 304.4, 369.6, 522.7, 540.0, 800.0)
#: Phases at the start, in turns: spread, so that the edges do not fall together.
START_TURNS = (0.0, 0.382, 0.764, 0.146, 0.528, 0.910)
#: Frequency at which the edges take 8.7 dB off a harmonic.
EDGE_HZ = 12000.0
#: The edges are held below this part of the sample rate.
HIGHEST_EDGE = 0.28
COUNT = len(FREQUENCIES_HZ)

STATE = np.dtype(
    [
        ("phases", np.float64, (COUNT,)),  # at frame 0, in turns
        ("increments", np.float64, (COUNT,)),
        ("steepness", np.float64, (COUNT,)),
        ("frame", np.int64),  # since the last tuning
        ("frames", np.float64, (CHUNK_FRAMES,)),
    ],
    align=True,
)

_FREQUENCIES_HZ = np.array(FREQUENCIES_HZ)
_START_TURNS = np.array(START_TURNS)


@compiled
def restart(squares: Any) -> None:
    """Go to the phases of the start."""
    squares.frame = 0
    for j in range(COUNT):
        squares.phases[j] = _START_TURNS[j]


@compiled
def tune(squares: Any, ratio: float, sample_rate: float) -> None:
    """Multiply all frequencies by `ratio`; the phases run on."""
    edge_hz = min(EDGE_HZ, HIGHEST_EDGE * sample_rate)
    for j in range(COUNT):
        phase = squares.phases[j] + squares.increments[j] * float(squares.frame)
        squares.phases[j] = phase - math.floor(phase)
        frequency_hz = ratio * _FREQUENCIES_HZ[j]
        squares.increments[j] = frequency_hz / sample_rate
        squares.steepness[j] = 0.5 * edge_hz / frequency_hz
    squares.frame = 0


@compiled
def render(squares: Any, level: Any, out: Any, n: int) -> None:
    """Write the sum of the next `n` samples of all oscillators, times ``level[:n]``, to ``out[:n]``."""
    frames = squares.frames
    for i in range(n):
        frames[i] = float(squares.frame + i)
        out[i] = 0.0
    for j in range(COUNT):
        phase, increment, steepness = squares.phases[j], squares.increments[j], squares.steepness[j]
        for i in range(n):
            out[i] += erf(steepness * sin_turns(phase + increment * frames[i]))
    for i in range(n):
        out[i] *= level[i]
    squares.frame += n
