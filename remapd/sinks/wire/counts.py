"""What became of the packets of a destination."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Counts:
    """Since the destination is there; delays in us, from the hit's publication until its first packet was handed over.

    Parameters
    ----------
    hits : int
        Hits that were meant for it.
    sent : int
        Packets that the socket took.
    full, refused, failed, unconnected : int
        Packets that found no room, or no connection, or failed otherwise; and how often nobody listened, of which a
        datagram's sender hears at the next one.
    stale, lost : int
        Events that were too old to be sent, or overwritten before they could be, whichever tracks they were of.
    late_us_p50, late_us_p99, late_us_max : float
        Delays; a percentile is the upper edge of a bin of 1 us, or the greatest where it is beyond the bins.
    late_count : int
        Hits that they were measured on.
    fault : str
        Why a packet failed last.
    is_broken : bool
        Whether a stream has ended.
    """

    hits: int = 0
    sent: int = 0
    full: int = 0
    refused: int = 0
    failed: int = 0
    unconnected: int = 0
    stale: int = 0
    lost: int = 0
    late_us_p50: float = 0.0
    late_us_p99: float = 0.0
    late_us_max: float = 0.0
    late_count: int = 0
    fault: str = ""
    is_broken: bool = False

    @property
    def dropped(self) -> int:
        """Packets, or events, that were not sent."""
        return self.full + self.failed + self.unconnected + self.stale + self.lost


def read_counts(wire: Any, channel: Any) -> Counts:
    """A snapshot of a channel's counts."""
    histogram, greatest = np.array(channel["late_us"]), 1e-3 * int(channel["late_ns_max"])
    p50, p99 = (greatest if x >= len(histogram) else min(x, greatest) for x in percentiles(histogram, (0.5, 0.99)))
    code = int(channel["errno"])
    plain = ("hits", "sent", "full", "refused", "failed", "unconnected")
    return Counts(
        **{name: int(channel[name]) for name in plain},
        stale=int(wire["stale"]),
        lost=int(wire["lost"]),
        late_us_p50=p50,
        late_us_p99=p99,
        late_us_max=greatest,
        late_count=int(histogram.sum()),
        fault=os.strerror(code) if code in errno.errorcode else "",
        is_broken=bool(channel["broken"]),
    )


def percentiles(histogram: Any, fractions: tuple[float, ...]) -> tuple[float, ...]:
    """Upper edges, in bins, of those that hold the fractions; 0 of an empty histogram."""
    total = int(histogram.sum())
    if total == 0:
        return (0.0,) * len(fractions)
    return tuple(float(x) + 1.0 for x in np.searchsorted(np.cumsum(histogram), np.array(fractions) * total))
