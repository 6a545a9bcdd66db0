"""Decaying swept sines, one to each row: forward, and backward in one loop that stores nothing.

The phase before frame `n` is ``f (n + s E[n])`` turns, with `E` the running sum of the pitch envelope. Its derivatives
are ``n + s E``, ``f E`` and ``f s G``, where `G` is the derivative of `E` by the logarithm of the decay's ratio. In the
decay both sums of a run follow from those of the first run (see `remapd.training.kernels.envelope`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.approximation import sin_turns
from remapd.dsp.kernel import compiled
from remapd.training.kernels.envelope import RUN_FRAMES, accumulate, fill, fill_age, powers, run_frames

_RADIANS = 2.0 * math.pi


@compiled
def _running_sums(table: Any) -> tuple[Any, Any]:
    """Sums of ``r^k`` and of ``k r^k`` over all `k` below `i`."""
    sums, moments = np.zeros(RUN_FRAMES + 1), np.zeros(RUN_FRAMES + 1)
    for i in range(RUN_FRAMES):
        sums[i + 1] = sums[i] + table[i]
        moments[i + 1] = moments[i] + i * table[i]
    return sums, moments


@compiled
def _fill_sums(
    start: int,
    n: int,
    attack: int,
    nepers: float,
    sums: Any,
    moments: Any,
    area: float,
    area_slope: float,
    out: Any,
    slope: Any,
) -> tuple[float, float]:
    """Write `E` and `G` of a run; give those of the next."""
    if start < attack:
        for i in range(n):
            out[i] = area
            slope[i] = 0.0
            area += (start + i + 1) / attack
        return area, 0.0
    age = float(start - attack)
    first = math.exp(age * nepers)
    for i in range(n):
        out[i] = area + first * sums[i]
        slope[i] = area_slope + first * (age * sums[i] + moments[i])
    return area + first * sums[n], area_slope + first * (age * sums[n] + moments[n])


@compiled
def _fill_phase(start: int, n: int, frequency: float, sweep: float, area: Any, ramp: Any, phase: Any) -> None:
    """Turn the sums of a run into ``n + s E`` and the phase in turns."""
    for i in range(n):
        ramp[i] = (start + i) + sweep * area[i]
        phase[i] = frequency * ramp[i]


@compiled
def forward(
    first: int,
    last: int,
    frequency: Any,
    sweep: Any,
    sweep_nepers: Any,
    nepers: Any,
    amplitude: Any,
    attack: int,
    out: Any,
) -> None:
    """Write ``amplitude e sin(phase)`` to the rows of `out`; frequencies are in turns a frame."""
    frames = out.shape[1]
    area, slope, level = np.empty(RUN_FRAMES), np.empty(RUN_FRAMES), np.empty(RUN_FRAMES)
    ramp, phase = np.empty(RUN_FRAMES), np.empty(RUN_FRAMES)
    for row in range(first, last):
        table, start, before, slope_before = powers(nepers[row]), 0, 0.0, 0.0
        sums, moments = _running_sums(powers(sweep_nepers[row]))
        while start < frames:
            n = run_frames(start, attack, frames)
            fill(start, n, attack, nepers[row], table, level)
            before, slope_before = _fill_sums(
                start, n, attack, sweep_nepers[row], sums, moments, before, slope_before, area, slope
            )
            _fill_phase(start, n, frequency[row], sweep[row], area, ramp, phase)
            _write_sine(amplitude[row], level, phase, out[row, start:], n)
            start += n


@compiled
def _write_sine(amplitude: float, level: Any, phase: Any, out: Any, n: int) -> None:
    for i in range(n):
        out[i] = amplitude * level[i] * sin_turns(phase[i])


@compiled
def backward(
    first: int,
    last: int,
    gradient: Any,
    frequency: Any,
    sweep: Any,
    sweep_nepers: Any,
    nepers: Any,
    amplitude: Any,
    attack: int,
    derivatives: Any,
) -> None:
    """Write the derivatives by each row's parameters, in the order of the arguments, to ``derivatives[:, row]``."""
    frames = gradient.shape[1]
    area, slope, level, age = np.empty(RUN_FRAMES), np.empty(RUN_FRAMES), np.empty(RUN_FRAMES), np.empty(RUN_FRAMES)
    ramp, phase = np.empty(RUN_FRAMES), np.empty(RUN_FRAMES)
    sine, cosine = np.empty(RUN_FRAMES), np.empty(RUN_FRAMES)
    for row in range(first, last):
        table, start, before, slope_before = powers(nepers[row]), 0, 0.0, 0.0
        sums, moments = _running_sums(powers(sweep_nepers[row]))
        by_ramp, by_area, by_slope = np.zeros(RUN_FRAMES), np.zeros(RUN_FRAMES), np.zeros(RUN_FRAMES)
        by_age, by_level = np.zeros(RUN_FRAMES), np.zeros(RUN_FRAMES)
        ones = np.ones(RUN_FRAMES)
        while start < frames:
            n = run_frames(start, attack, frames)
            fill(start, n, attack, nepers[row], table, level)
            fill_age(start, n, attack, age)
            before, slope_before = _fill_sums(
                start, n, attack, sweep_nepers[row], sums, moments, before, slope_before, area, slope
            )
            _fill_phase(start, n, frequency[row], sweep[row], area, ramp, phase)
            _write_both(level, gradient[row, start:], phase, sine, cosine, n)
            accumulate(by_ramp, cosine, ramp, n)
            accumulate(by_area, cosine, area, n)
            accumulate(by_slope, cosine, slope, n)
            accumulate(by_age, sine, age, n)
            accumulate(by_level, sine, ones, n)
            start += n
        swing = _RADIANS * amplitude[row]
        derivatives[0, row] = swing * np.sum(by_ramp)
        derivatives[1, row] = swing * frequency[row] * np.sum(by_area)
        derivatives[2, row] = swing * frequency[row] * sweep[row] * np.sum(by_slope)
        derivatives[3, row] = amplitude[row] * np.sum(by_age)
        derivatives[4, row] = np.sum(by_level)


@compiled
def _write_both(level: Any, gradient: Any, phase: Any, sine: Any, cosine: Any, n: int) -> None:
    for i in range(n):
        weight = level[i] * gradient[i]
        sine[i] = weight * sin_turns(phase[i])
        cosine[i] = weight * sin_turns(phase[i] + 0.25)
