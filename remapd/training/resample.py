"""Pieces of a recording at the rate of training."""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from remapd.training.long_term import TRAINING_RATE_HZ

Samples = NDArray[np.float32]

#: Zero crossings of the low-pass on either side; with this window it passes all below 20 kHz and stops 90 dB.
_CROSSINGS = 32
_KAISER_BETA = 9.0


def resampled_piece(samples: Samples, sample_rate: int, first: int, frames: int) -> Samples:
    """Take a piece of a recording at `TRAINING_RATE_HZ`.

    Frame `i` of it is the sound at the time of frame `first` plus `i` periods of that rate, exactly; what lies outside
    of the recording is silence.

    Parameters
    ----------
    samples : ndarray of float32, shape (any,)
        One channel.
    sample_rate : int
        Of the recording, in Hz.
    first : int
        Frame of the recording at which the piece begins; may be negative.
    frames : int
        Length of the piece, at `TRAINING_RATE_HZ`.

    Returns
    -------
    ndarray of float32, shape (frames,)
    """
    if sample_rate == TRAINING_RATE_HZ:
        return _piece(samples, first, frames)
    from scipy.signal import resample_poly

    divisor = gcd(TRAINING_RATE_HZ, sample_rate)
    up, down = TRAINING_RATE_HZ // divisor, sample_rate // divisor
    reach = -(-(_CROSSINGS * max(up, down)) // up)  # Frames of the recording that the filter sees on either side.
    periods = -(-reach // down)
    lead = periods * down  # This many frames are a whole number of frames of the piece.
    length = lead + -(-frames * down // up) + reach
    piece = _piece(samples, first - lead, length).astype(np.float64)
    moved = resample_poly(piece, up, down, window=_low_pass(max(up, down)))
    return np.ascontiguousarray(moved[periods * up :][:frames], dtype=np.float32)


@lru_cache(maxsize=4)
def _low_pass(factor: int) -> NDArray[np.float64]:
    """Filter at the common multiple of both rates, which cuts at half of the lower one."""
    from scipy.signal import firwin

    taps: NDArray[np.float64] = firwin(2 * _CROSSINGS * factor + 1, 1.0 / factor, window=("kaiser", _KAISER_BETA))
    return taps


def _piece(samples: Samples, first: int, frames: int) -> Samples:
    """Give ``samples[first : first + frames]`` with silence where there are none."""
    piece = np.zeros(frames, np.float32)
    start, stop = max(0, first), min(len(samples), first + frames)
    if start < stop:
        piece[start - first : stop - first] = samples[start:stop]
    return piece
