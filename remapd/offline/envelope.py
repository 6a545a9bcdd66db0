"""A long signal as the lowest and highest value of a few thousand stretches of time, gathered block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]

#: More than a picture has columns of pixels.
BINS = 4000


@dataclass(frozen=True, slots=True)
class Envelope:
    """Extremes of a signal over time.

    Parameters
    ----------
    time_s : ndarray, shape (bins,)
        Middle of each stretch in seconds.
    low, high : ndarray, shape (bins,)
        Lowest and highest value in it.
    """

    time_s: Values
    low: Values
    high: Values


class EnvelopeBuilder:
    """Gathers the envelope of a signal of known rate.

    Stretches all have the same length, a power of two of samples that doubles as the signal grows; the result does not
    depend on how the signal is cut into blocks.

    Parameters
    ----------
    sample_rate : float
        Samples per second.
    bins : int
        Most stretches that are kept; an even number.
    """

    def __init__(self, sample_rate: float, bins: int = BINS) -> None:
        self._rate = sample_rate
        self._length = 1
        self._count = 0
        self._low = np.full(bins, np.inf)
        self._high = np.full(bins, -np.inf)

    def add(self, block: ArrayLike) -> None:
        """Append values of shape ``(frames,)`` or ``(frames, channels)``; what is no finite number counts as 0."""
        values = np.asarray(block)
        if len(values) == 0:
            return
        values = np.where(np.isfinite(values), values, 0.0).reshape(len(values), -1)
        while self._count + len(values) > self._length * len(self._low):
            self._double()
        self._fold(values.min(axis=1), values.max(axis=1))

    def _double(self) -> None:
        half = len(self._low) // 2
        self._low[:half] = np.minimum(self._low[0::2], self._low[1::2])
        self._high[:half] = np.maximum(self._high[0::2], self._high[1::2])
        self._low[half:] = np.inf
        self._high[half:] = -np.inf
        self._length *= 2

    def _fold(self, low: Values, high: Values) -> None:
        places = (self._count + np.arange(len(low))) // self._length
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        bins = places[starts]
        self._low[bins] = np.minimum(self._low[bins], np.minimum.reduceat(low, starts))
        self._high[bins] = np.maximum(self._high[bins], np.maximum.reduceat(high, starts))
        self._count += len(low)

    def envelope(self) -> Envelope:
        """The extremes of all that was added."""
        used = -(-self._count // self._length)
        time_s: Values = (np.arange(used, dtype=np.float64) + 0.5) * (self._length / self._rate)
        return Envelope(time_s, self._low[:used].copy(), self._high[:used].copy())


def envelope_of(values: ArrayLike, sample_rate: float) -> Envelope:
    """Envelope of a signal that is in memory, of shape ``(frames,)`` or ``(frames, channels)``."""
    builder = EnvelopeBuilder(sample_rate)
    builder.add(values)
    return builder.envelope()
