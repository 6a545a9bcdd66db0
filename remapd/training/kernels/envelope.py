"""A source under percussive envelopes, one to each row: forward, and backward to the envelope's parameters.

An envelope is computed in runs of at most `RUN_FRAMES` within one stage. In the decay the powers of a run are those of
the first run times one number, so that no loop depends on its last step and all of them are vectorised.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled

#: Longest run of frames that is computed at once.
RUN_FRAMES = 64


@compiled
def run_frames(start: int, attack: int, frames: int) -> int:
    """Length of the run from a frame on; it lies in one stage."""
    end = attack if start < attack else frames
    return min(RUN_FRAMES, min(end, frames) - start)


@compiled
def powers(nepers: float) -> Any:
    """Return ``r^i`` for a run, with the natural logarithm of `r`."""
    table = np.empty(RUN_FRAMES)
    for i in range(RUN_FRAMES):
        table[i] = math.exp(i * nepers)
    return table


@compiled
def fill(start: int, n: int, attack: int, nepers: float, table: Any, level: Any) -> None:
    """Write a run of the envelope to ``level[:n]``; `table` is that of `powers`."""
    if start < attack:
        for i in range(n):
            level[i] = (start + i + 1) / attack
    else:
        first = math.exp((start - attack) * nepers)
        for i in range(n):
            level[i] = first * table[i]


@compiled
def accumulate(sums: Any, u: Any, v: Any, n: int) -> None:
    """Add ``u v`` to the sums, each frame of a run to its own: in a fixed order, and vectorised."""
    for i in range(n):
        sums[i] += u[i] * v[i]


@compiled
def forward(first: int, last: int, source: Any, nepers: Any, amplitude: Any, attack: int, out: Any) -> None:
    """Write ``amplitude e source`` to the rows of `out`."""
    frames, level = len(source), np.empty(RUN_FRAMES)
    for row in range(first, last):
        table, gain, start = powers(nepers[row]), amplitude[row], 0
        while start < frames:
            n = run_frames(start, attack, frames)
            fill(start, n, attack, nepers[row], table, level)
            _scale(gain, level, source[start:], out[row, start:], n)
            start += n


@compiled
def _scale(gain: float, level: Any, source: Any, out: Any, n: int) -> None:
    for i in range(n):
        out[i] = gain * level[i] * source[i]


@compiled
def backward(
    first: int,
    last: int,
    gradient: Any,
    source: Any,
    nepers: Any,
    amplitude: Any,
    attack: int,
    by_nepers: Any,
    by_amplitude: Any,
) -> None:
    """Write the derivatives by each row's parameters."""
    frames = len(source)
    level, weighted, age = np.empty(RUN_FRAMES), np.empty(RUN_FRAMES), np.empty(RUN_FRAMES)
    for row in range(first, last):
        table, start = powers(nepers[row]), 0
        sums, moments = np.zeros(RUN_FRAMES), np.zeros(RUN_FRAMES)
        while start < frames:
            n = run_frames(start, attack, frames)
            fill(start, n, attack, nepers[row], table, level)
            fill_age(start, n, attack, age)
            _scale(1.0, source[start:], gradient[row, start:], weighted, n)
            accumulate(sums, weighted, level, n)
            for i in range(n):
                age[i] *= level[i]
            accumulate(moments, weighted, age, n)
            start += n
        by_amplitude[row] = np.sum(sums)
        by_nepers[row] = amplitude[row] * np.sum(moments)


@compiled
def fill_age(start: int, n: int, attack: int, age: Any) -> None:
    """Write the frames that the decay is old to ``age[:n]``: what a level's logarithm is proportional to."""
    for i in range(n):
        age[i] = max(0, start + i - attack)
