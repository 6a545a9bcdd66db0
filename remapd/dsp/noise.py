"""White noise by hashing a counter: reproducible, without recursion, and the same for every block size.

The hash is Chris Wellons' *lowbias32* (public domain), a bijection of 32-bit numbers; sample `k` of a stream is
``lowbias32((k + offset) mod 2^32)``, as a fraction in -1..1. The seed chooses the offset.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled

#: Sample rate whose noise the others match, where a voice asks for that (`density_gain`).
DENSITY_RATE_HZ = 44100.0

# 64-bit throughout: Numba would widen 32-bit products by itself, and the masks let LLVM multiply 32 bits by 32.
_MASK = np.uint64(0xFFFFFFFF)
_FIRST, _SECOND = np.uint64(0x7FEB352D), np.uint64(0x846CA68B)
_SHIFT_16, _SHIFT_15, _SHIFT_20 = np.uint64(16), np.uint64(15), np.uint64(20)
_ONE_BITS = np.uint64(0x3FF0000000000000)

STATE = np.dtype([("position", np.uint64)], align=True)


@compiled
def _hash(x: Any) -> Any:
    x ^= x >> _SHIFT_16
    x = (x * _FIRST) & _MASK
    x ^= x >> _SHIFT_15
    x = (x * _SECOND) & _MASK
    return x ^ (x >> _SHIFT_16)


@compiled
def sample(position: Any) -> float:
    """Noise sample at a position (uint64, its low 32 bits count), uniform in -1..1."""
    bits = _hash(position & _MASK)
    # The hash becomes the mantissa of a number in 1..2: no conversion from integer, which few machines vectorise.
    return np.uint64((bits << _SHIFT_20) | _ONE_BITS).view(np.float64) * 2.0 - 3.0  # type: ignore[no-any-return]


@compiled
def seed(noise: Any, number: int) -> None:
    """Start the stream that belongs to a seed."""
    noise.position = _hash(np.uint64(number) & _MASK)


@compiled
def render(noise: Any, level: Any, out: Any, n: int) -> None:
    """Write the next `n` samples times ``level[:n]`` to ``out[:n]``."""
    position = np.uint64(noise.position)
    for i in range(n):
        out[i] = level[i] * sample(position + np.uint64(i))
    noise.position = position + np.uint64(n)


@compiled
def density_gain(sample_rate: float) -> float:
    """Factor that gives the noise the same power in each Hz at every rate, namely that at `DENSITY_RATE_HZ`."""
    return math.sqrt(sample_rate / DENSITY_RATE_HZ)
