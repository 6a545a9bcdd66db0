"""The published amplitude-based detector at its own default, as the baseline; all its times are in samples."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

HIGH_PASS_HZ, HIGH_PASS_Q = 600.0, 0.707
FLOOR_DB, ON_DB, OFF_DB = -55.0, 16.0, 4.66
FAST_UP, FAST_DOWN, SLOW, WAIT = 3.0, 383.0, 2205.0, 1000


def published_onsets(samples: NDArray[np.float64], sample_rate: float) -> NDArray[np.float64]:
    """Times in seconds at which the published detector triggers."""
    k = math.tan(math.pi * HIGH_PASS_HZ / sample_rate)
    norm = 1.0 / (1.0 + k / HIGH_PASS_Q + k * k)
    frames = np.zeros(len(samples), dtype=np.int64)
    count = _detect(samples, norm, 2.0 * (k * k - 1.0) * norm, (1.0 - k / HIGH_PASS_Q + k * k) * norm, frames)
    return frames[:count] / sample_rate


@numba.njit(cache=True)
def _detect(samples, norm, a1, a2, frames):  # type: ignore[no-untyped-def]
    s1 = s2 = 0.0
    fast = slow = FLOOR_DB
    previous, count, since, armed = 0.0, 0, WAIT, True
    for i in range(len(samples)):
        x = samples[i] * norm
        y = x + s1
        s1 = s2 - 2.0 * x - a1 * y
        s2 = x - a2 * y
        level = max(FLOOR_DB, 20.0 * math.log10(abs(y) + 1e-30))
        fast += (level - fast) / (FAST_UP if level > fast else FAST_DOWN)
        slow += (level - slow) / SLOW
        difference = fast - slow
        since += 1
        if not armed and since > WAIT and difference < OFF_DB:
            armed = True
        if armed and previous < ON_DB <= difference:
            frames[count], count, since, armed = i, count + 1, 0, False
        previous = difference
    return count
