"""Where a sound that was played comes in again, by correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Longest way round that is looked for.
LONGEST_S = 0.2
#: A correlation below this is no arrival: noise has 0, the sound itself 1.
LEAST_LIKENESS = 0.5
_NEARLY = 0.98
#: The shortest sound that says where it is: beyond numerical dust.
_LEAST_ENERGY = 1e-9


def arrival(sound: NDArray[np.float32], heard: NDArray[np.float32]) -> int | None:
    """Frame of `heard` at which `sound` begins; None if it is not there.

    A cable may turn the sound round or change its level. Of several places the first that is nearly as like as the
    best is taken, as echoes come later.

    Parameters
    ----------
    sound : ndarray of float32
        What was played.
    heard : ndarray of float32
        Where it is looked for; at least as long.
    """
    energy = float(np.sum(np.square(sound, dtype=np.float64)))
    if energy < _LEAST_ENERGY or len(heard) < len(sound):
        return None
    likeness = np.abs(_correlation(sound, heard)) / np.sqrt(energy * _energies(heard, len(sound)) + _LEAST_ENERGY)
    best = float(likeness.max())
    return None if best < LEAST_LIKENESS else _summit(likeness, int(np.argmax(likeness > _NEARLY * best)))


def _summit(likeness: NDArray[np.float64], place: int) -> int:
    """Climb from a slope: a tone is nearly like itself a few samples earlier."""
    while place + 1 < len(likeness) and likeness[place + 1] > likeness[place]:
        place += 1
    return place


def _correlation(sound: NDArray[np.float32], heard: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of the sound with each place of what was heard that holds all of it."""
    size = 1 << (len(heard) + len(sound)).bit_length()
    spectrum = np.fft.rfft(heard.astype(np.float64), size) * np.conj(np.fft.rfft(sound.astype(np.float64), size))
    return np.fft.irfft(spectrum, size)[: len(heard) - len(sound) + 1]


def _energies(heard: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Of each piece of that length."""
    total = np.concatenate(([0.0], np.cumsum(np.square(heard, dtype=np.float64))))
    return total[length:] - total[:-length]
