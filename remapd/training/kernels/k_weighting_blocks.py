"""Mean square of each K-weighted frame, each filtered from an empty state, and its gradient.

Frames overlap, blocks of a hop do not: only blocks are filtered, each from an empty state and all of them side by side.
A linear filter does to a frame what it does to its blocks, plus what still rings in a block from those before it in the
frame: ``y = z + R s`` with the block's own output `z`, the filter's state `s` where the block begins and its free
response `R` to each of four states. So a frame's energy is a sum of ``z.z + 2 s.(R' z) + s.(R' R) s`` over its blocks,
and its gradient returns the same way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.dsp.kernel import compiled
from remapd.training.kernels.k_weighting import k_weighting
from remapd.training.long_term import FRAME, FRAMES, HOP, SOUND_FRAMES, TRAINING_RATE_HZ

BLOCKS = SOUND_FRAMES // HOP
_BLOCKS_A_FRAME = FRAME // HOP
_STATES = 4
# Blocks side by side, filled up with silent ones to a whole number of vector registers.
_LANES = 72
# Samples and blocks that are transposed at a time: as many as lie in a line of the processor's cache.
_TILE = 8

#: Memory to work in: sample by sample, of each the blocks side by side.
WORK = (HOP * _LANES,)

#: What lies between the forward and the backward pass.
STATE = np.dtype(
    [
        # of each block: z.z, R'z and the state in which the filter leaves it
        ("energy", np.float64, (_LANES,)),
        ("moment", np.float64, (_STATES, _LANES)),
        ("end", np.float64, (_STATES, _LANES)),
        # gradients by these
        ("by_energy", np.float64, (_LANES,)),
        ("by_moment", np.float64, (_STATES, _LANES)),
        ("by_end", np.float64, (_STATES, _LANES)),
        # of a frame's blocks: the state in which the filter enters them
        ("start", np.float64, (_BLOCKS_A_FRAME, _STATES)),
    ],
    align=True,
)

#: Coefficients of both stages; the free response, its inner products and what is left of each state after a block.
FILTER = np.dtype(
    [
        ("shelf_b", np.float64, (3,)),
        ("shelf_a", np.float64, (3,)),
        ("high_pass_a", np.float64, (3,)),
        ("response", np.float64, (HOP, _STATES)),
        ("gram", np.float64, (_STATES, _STATES)),
        ("left", np.float64, (_STATES, _STATES)),
    ],
    align=True,
)


@lru_cache
def prepared_filter() -> Any:
    """Record of `FILTER` at the rate of training."""
    record = np.zeros(1, FILTER)[0]
    (record["shelf_b"], record["shelf_a"]), (_, record["high_pass_a"]) = k_weighting(TRAINING_RATE_HZ)
    for i, state in enumerate(np.eye(_STATES)):
        for n in range(HOP):
            record["response"][n, i] = state[0] + state[2]
            state = _free_step(record, state)
        record["left"][:, i] = state
    record["gram"] = record["response"].T @ record["response"]
    return record


def _free_step(record: Any, state: NDArray[np.float64]) -> NDArray[np.float64]:
    (_, a1, a2), (_, c1, c2) = record["shelf_a"], record["high_pass_a"]
    s1, s2, t1, t2 = state
    return np.array([s2 - a1 * s1, -a2 * s1, t2 - 2.0 * s1 - c1 * (s1 + t1), s1 - c2 * (s1 + t1)])


@compiled
def measure(state: Any, work: Any, filter_: Any, sound: Any, mean_square: Any) -> None:
    """Set ``mean_square[:FRAMES]`` from ``sound[:SOUND_FRAMES]``, and in `state` what `differentiate` reads."""
    _cut(sound, work)
    _measure_blocks(state, work, filter_)
    start = state.start
    for f in range(FRAMES):
        _enter_blocks(state, filter_, f)
        energy = 0.0
        for q in range(_BLOCKS_A_FRAME):
            energy += state.energy[f + q]
            for i in range(_STATES):
                energy += start[q, i] * (2.0 * state.moment[i, f + q] + _product(filter_.gram[i], start[q]))
        mean_square[f] = energy / FRAME


@compiled
def _cut(sound: Any, x: Any) -> None:
    for block in range(0, BLOCKS, _TILE):
        end = min(block + _TILE, BLOCKS)
        for start in range(0, HOP, _TILE):
            for n in range(start, start + _TILE):
                for b in range(block, end):
                    x[n * _LANES + b] = sound[b * HOP + n]
    for n in range(HOP):
        x[n * _LANES + BLOCKS : (n + 1) * _LANES] = 0.0


@compiled
def _measure_blocks(state: Any, work: Any, filter_: Any) -> None:
    """Filter `work` by both stages, transposed direct forms with states `s` and `t`, and measure what comes out."""
    state.energy[:] = 0.0
    state.moment[:] = 0.0
    state.end[:] = 0.0
    energy, (m1, m2, m3, m4), (s1, s2, t1, t2) = state.energy, _rows(state.moment), _rows(state.end)
    b0, b1, b2 = filter_.shelf_b[0], filter_.shelf_b[1], filter_.shelf_b[2]
    a1, a2, c1, c2 = filter_.shelf_a[1], filter_.shelf_a[2], filter_.high_pass_a[1], filter_.high_pass_a[2]
    for n in range(HOP):
        x = work[n * _LANES : (n + 1) * _LANES]
        r1, r2, r3, r4 = filter_.response[n, 0], filter_.response[n, 1], filter_.response[n, 2], filter_.response[n, 3]
        for b in range(_LANES):
            u = b0 * x[b] + s1[b]
            v = u + t1[b]
            s1[b] = (b1 * x[b] - a1 * u) + s2[b]
            s2[b] = b2 * x[b] - a2 * u
            t1[b] = (t2[b] - 2.0 * u) - c1 * v
            t2[b] = u - c2 * v
            x[b] = v
            energy[b] += v * v
            m1[b] += r1 * v
            m2[b] += r2 * v
            m3[b] += r3 * v
            m4[b] += r4 * v


@compiled
def _rows(matrix: Any) -> Any:
    return matrix[0], matrix[1], matrix[2], matrix[3]


@compiled
def _product(a: Any, b: Any) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]


@compiled
def _enter_blocks(state: Any, filter_: Any, frame: int) -> None:
    """Set the states in which the filter, empty where a frame begins, enters each of the frame's blocks."""
    start = state.start
    for i in range(_STATES):
        start[0, i] = 0.0
    for q in range(1, _BLOCKS_A_FRAME):
        for i in range(_STATES):
            start[q, i] = state.end[i, frame + q - 1] + _product(filter_.left[i], start[q - 1])


@compiled
def differentiate(state: Any, work: Any, filter_: Any, sound: Any, by_mean_square: Any, gradient: Any) -> None:
    """Set ``gradient[:SOUND_FRAMES]`` to that of ``sum by_mean_square[f] mean_square[f]`` by the sound.

    The sound is filtered again: that costs less than to keep what the filter made of it.
    """
    _cut(sound, work)
    _measure_blocks(state, work, filter_)
    state.by_energy[:] = 0.0
    state.by_moment[:] = 0.0
    state.by_end[:] = 0.0
    for f in range(FRAMES):
        _enter_blocks(state, filter_, f)
        _return_to_blocks(state, filter_, f, 2.0 * by_mean_square[f] / FRAME)
    _filter_back(state, work, filter_)
    _join(work, gradient)


@compiled
def _return_to_blocks(state: Any, filter_: Any, frame: int, factor: float) -> None:
    """Add a frame's share to the gradients by what was measured of its blocks."""
    start, by_end = state.start, state.by_end
    e1, e2, e3, e4 = 0.0, 0.0, 0.0, 0.0
    for q in range(_BLOCKS_A_FRAME - 1, -1, -1):
        b = frame + q
        state.by_energy[b] += factor
        for i in range(_STATES):
            state.by_moment[i, b] += factor * start[q, i]
        if q == 0:
            break
        by_left = (e1, e2, e3, e4)
        e1 = factor * (state.moment[0, b] + _product(filter_.gram[0], start[q])) + _product(filter_.left[:, 0], by_left)
        e2 = factor * (state.moment[1, b] + _product(filter_.gram[1], start[q])) + _product(filter_.left[:, 1], by_left)
        e3 = factor * (state.moment[2, b] + _product(filter_.gram[2], start[q])) + _product(filter_.left[:, 2], by_left)
        e4 = factor * (state.moment[3, b] + _product(filter_.gram[3], start[q])) + _product(filter_.left[:, 3], by_left)
        by_end[0, b - 1] += e1
        by_end[1, b - 1] += e2
        by_end[2, b - 1] += e3
        by_end[3, b - 1] += e4


@compiled
def _filter_back(state: Any, work: Any, filter_: Any) -> None:
    """The filter transposed and reversed in time: from gradients by output and last state to that by the input."""
    factor, (m1, m2, m3, m4), (s1, s2, t1, t2) = state.by_energy, _rows(state.by_moment), _rows(state.by_end)
    b0, b1, b2 = filter_.shelf_b[0], filter_.shelf_b[1], filter_.shelf_b[2]
    a1, a2, c1, c2 = filter_.shelf_a[1], filter_.shelf_a[2], filter_.high_pass_a[1], filter_.high_pass_a[2]
    for n in range(HOP - 1, -1, -1):
        x = work[n * _LANES : (n + 1) * _LANES]
        r1, r2, r3, r4 = filter_.response[n, 0], filter_.response[n, 1], filter_.response[n, 2], filter_.response[n, 3]
        for b in range(_LANES):  # by themselves: with the recursion in one loop, they would not be vectorised
            x[b] = factor[b] * x[b] + ((r1 * m1[b] + r2 * m2[b]) + (r3 * m3[b] + r4 * m4[b]))
        for b in range(_LANES):
            by_v = (x[b] - c1 * t1[b]) - c2 * t2[b]
            by_u = ((by_v - 2.0 * t1[b]) + t2[b]) - (a1 * s1[b] + a2 * s2[b])
            x[b] = b0 * by_u + (b1 * s1[b] + b2 * s2[b])
            s2[b] = s1[b]
            s1[b] = by_u
            t2[b] = t1[b]
            t1[b] = by_v


@compiled
def _join(x: Any, sound: Any) -> None:
    for block in range(0, BLOCKS, _TILE):
        end = min(block + _TILE, BLOCKS)
        for start in range(0, HOP, _TILE):
            for b in range(block, end):
                for n in range(start, start + _TILE):
                    sound[b * HOP + n] = x[n * _LANES + b]
