"""A ring of samples addressed by their absolute frame: frame `k` lies at ``k mod size``, the size a power of two."""

from __future__ import annotations

from typing import Any

from remapd.dsp.kernel import compiled


@compiled
def write(ring: Any, frame: int, x: Any, n: int) -> None:
    """Store ``x[:n]`` as the frames from `frame` on; `n` is at most the size of the ring."""
    mask = ring.size - 1
    for i in range(n):
        ring[(frame + i) & mask] = x[i]


@compiled
def read(ring: Any, frame: int, out: Any, n: int) -> None:
    """Copy the `n` frames from `frame` on to ``out[:n]``."""
    mask = ring.size - 1
    for i in range(n):
        out[i] = ring[(frame + i) & mask]
