"""The bands in which the detector looks for a rise: high-passes in a row, and the differences between them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled

#: Lower edges of the bands in Hz; each band ends where the next begins.
BAND_EDGES_HZ = (30.0, 150.0, 600.0, 2000.0, 6000.0)
BAND_COUNT = len(BAND_EDGES_HZ)
#: Frames of the past in which an onset is looked for; a power of two that holds 8 ms at 384 kHz.
RECENT_FRAMES = 4096

_BUTTERWORTH_Q = math.sqrt(0.5)
_HIGHEST_EDGE = 0.4
_SMALLEST = 1e-30

STATE = np.dtype(
    [
        ("norm", "f8", BAND_COUNT),
        ("a1", "f8", BAND_COUNT),
        ("a2", "f8", BAND_COUNT),
        ("s1", "f8", BAND_COUNT),
        ("s2", "f8", BAND_COUNT),
        ("energy", "f8", BAND_COUNT),
        ("recent", "f8", RECENT_FRAMES),
    ],
    align=True,
)


@compiled
def reset(state: Any) -> None:
    """Forget the signal."""
    for band in range(BAND_COUNT):
        state.s1[band] = 0.0
        state.s2[band] = 0.0
        state.energy[band] = 0.0
    for i in range(RECENT_FRAMES):
        state.recent[i] = 0.0


@compiled
def configure(state: Any, sample_rate: float) -> None:
    """Second-order Butterworth high-passes (bilinear transform); an edge too near Nyquist is lowered."""
    for band in range(BAND_COUNT):
        k = math.tan(math.pi * min(BAND_EDGES_HZ[band] / sample_rate, _HIGHEST_EDGE))
        norm = 1.0 / (1.0 + k / _BUTTERWORTH_Q + k * k)
        state.norm[band] = norm
        state.a1[band] = 2.0 * (k * k - 1.0) * norm
        state.a2[band] = (1.0 - k / _BUTTERWORTH_Q + k * k) * norm


@compiled
def _high_pass(x: float, s1: float, s2: float, norm: float, a1: float, a2: float) -> Any:
    scaled = x * norm
    y = scaled + s1
    return y, s2 - 2.0 * scaled - a1 * y, scaled - a2 * y


@compiled
def accumulate(state: Any, x: Any, start: int, stop: int, frame: int) -> None:
    """Add the energies of ``x[start:stop]`` in each band; ``x[start]`` is absolute frame `frame`.

    The five filters run in one loop so that the processor overlaps them; each alone would wait for its own feedback.
    """
    norm, a1, a2, s1, s2, energy, recent = (
        state.norm, state.a1, state.a2, state.s1, state.s2, state.energy, state.recent,
    )  # fmt: skip
    n0, n1, n2, n3, n4 = norm[0], norm[1], norm[2], norm[3], norm[4]
    p0, p1, p2, p3, p4 = a1[0], a1[1], a1[2], a1[3], a1[4]
    q0, q1, q2, q3, q4 = a2[0], a2[1], a2[2], a2[3], a2[4]
    s10, s11, s12, s13, s14 = s1[0], s1[1], s1[2], s1[3], s1[4]
    s20, s21, s22, s23, s24 = s2[0], s2[1], s2[2], s2[3], s2[4]
    e0, e1, e2, e3, e4 = energy[0], energy[1], energy[2], energy[3], energy[4]
    for i in range(start, stop):
        y0, s10, s20 = _high_pass(x[i], s10, s20, n0, p0, q0)
        y1, s11, s21 = _high_pass(y0, s11, s21, n1, p1, q1)
        y2, s12, s22 = _high_pass(y1, s12, s22, n2, p2, q2)
        y3, s13, s23 = _high_pass(y2, s13, s23, n3, p3, q3)
        y4, s14, s24 = _high_pass(y3, s14, s24, n4, p4, q4)
        e0 += (y0 - y1) * (y0 - y1)
        e1 += (y1 - y2) * (y1 - y2)
        e2 += (y2 - y3) * (y2 - y3)
        e3 += (y3 - y4) * (y3 - y4)
        e4 += y4 * y4
        recent[(frame + i - start) & (RECENT_FRAMES - 1)] = y1
    s1[0], s1[1], s1[2], s1[3], s1[4] = s10, s11, s12, s13, s14
    s2[0], s2[1], s2[2], s2[3], s2[4] = s20, s21, s22, s23, s24
    energy[0], energy[1], energy[2], energy[3], energy[4] = e0, e1, e2, e3, e4


@compiled
def take(state: Any, hop_frames: int, out: Any) -> None:
    """Write each band's mean square since the last call to `out`, and start anew.

    States that have decayed to nothing are set to zero, so that silence does not run on denormal numbers.
    """
    for band in range(BAND_COUNT):
        out[band] = state.energy[band] / hop_frames
        state.energy[band] = 0.0
        if abs(state.s1[band]) < _SMALLEST and abs(state.s2[band]) < _SMALLEST:
            state.s1[band] = 0.0
            state.s2[band] = 0.0
