"""How late hits were handed over: a histogram that costs next to nothing."""

from __future__ import annotations

import math

#: Bins per octave, and octaves above one microsecond; what is longer goes into the last bin.
_PER_OCTAVE, _OCTAVES = 16, 20


class Lateness:
    """Times of hits in us, to within 5 %.

    Attributes
    ----------
    count : int
        Hits so far.
    """

    def __init__(self) -> None:
        self._bins = [0] * (_PER_OCTAVE * _OCTAVES)
        self._most_us = 0.0
        self.count = 0

    def add(self, time_us: float) -> None:
        """Note one hit."""
        place = int(_PER_OCTAVE * math.log2(max(1.0, time_us)))
        self._bins[min(place, len(self._bins) - 1)] += 1
        self._most_us = max(self._most_us, time_us)
        self.count += 1

    def as_dict(self) -> dict[str, float]:
        """Median, 99th percentile and most, in us, and how many there were."""
        return {
            "p50": round(self._quantile_us(0.5), 1),
            "p99": round(self._quantile_us(0.99), 1),
            "max": round(self._most_us, 1),
            "count": self.count,
        }

    def _quantile_us(self, share: float) -> float:
        """Upper end of the bin that holds it."""
        below = 0
        for place, hits in enumerate(self._bins):
            below += hits
            if below and below >= share * self.count:
                return min(self._most_us, float(2.0 ** ((place + 1) / _PER_OCTAVE)))
        return 0.0
