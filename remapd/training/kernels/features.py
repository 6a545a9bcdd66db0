"""Long-term features of one hit's frames and their gradient by the sound."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.dsp.kernel import compiled
from remapd.training.kernels import k_weighting_blocks, spectrum
from remapd.training.long_term import FRAME, FRAMES, HOP

Array = NDArray[np.float64]

_DB_PER_NEPER_OF_POWER = 10.0 / math.log(10.0)
_DB_PER_NEPER = 20.0 / math.log(10.0)
# Level at which a mean square, and ratio at which the flatness, can no longer be told from silence.
_LEAST = 1e-8
# Kazazis' scale of the centroid.
_SLOPE, _POWER, _TOP = -34.61, -0.1621, 21.2985


@dataclass(frozen=True)
class Tape:
    """What `measure` leaves for `differentiate`."""

    spectra: Array
    sums: Any = field(default_factory=lambda: np.empty(FRAMES, spectrum.SUMS))
    blocks: Any = field(default_factory=lambda: np.empty(1, k_weighting_blocks.STATE)[0])
    mean_square: Array = field(default_factory=lambda: np.empty(FRAMES))


class _Scratch(threading.local):
    """Memory to work in, of each thread."""

    def __init__(self) -> None:
        self.work = np.zeros(1, spectrum.WORK)[0]
        self.by_spectra = np.zeros((FRAMES, 2 * spectrum.BINS))


_scratch = _Scratch()


def measure(sound: Array, values: Array) -> Tape:
    """Set a sound's ``values``: loudness in dB, centroid and flatness in dB of each frame.

    Parameters
    ----------
    sound : array of float, shape (SOUND_FRAMES,)
        Contiguous.
    values : array of float, shape (3, FRAMES)
        Set.

    Returns
    -------
    Tape
        For `differentiate`.
    """
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
    tape = Tape(np.fft.rfft(frames).view(np.float64))
    k_weighting_blocks.measure(tape.blocks, k_weighting_blocks.prepared_filter(), sound, tape.mean_square)
    _measure_spectra(_scratch.work, tape.spectra, tape.sums)
    _to_units(tape.mean_square, tape.sums, values)
    return tape


def differentiate(tape: Tape, by_values: Array, gradient: Array) -> None:
    """Set the gradient by the sound, given that by the values.

    Parameters
    ----------
    tape : Tape
        From `measure`.
    by_values : array of float, shape (3, FRAMES)
        Contiguous.
    gradient : array of float, shape (SOUND_FRAMES,)
        Set.
    """
    by_measures = np.empty_like(by_values)
    _from_units(tape.mean_square, tape.sums, by_values, by_measures)
    k_weighting_blocks.differentiate(tape.blocks, k_weighting_blocks.prepared_filter(), by_measures[0])
    by_spectra = _scratch.by_spectra
    _differentiate_spectra(_scratch.work, tape.spectra, tape.sums, by_measures, by_spectra)
    by_frames = np.fft.irfft(by_spectra.view(np.complex128), FRAME, norm="forward")
    k_weighting_blocks.take_gradient(tape.blocks, gradient)
    _add_frames(by_frames, gradient)


@compiled
def _measure_spectra(work: Any, spectra: Any, sums: Any) -> None:
    for f in range(FRAMES):
        spectrum.measure(work, spectra[f], sums[f])


@compiled
def _differentiate_spectra(work: Any, spectra: Any, sums: Any, by_measures: Any, by_spectra: Any) -> None:
    for f in range(FRAMES):
        spectrum.differentiate(work, spectra[f], sums[f], by_measures[1, f], by_measures[2, f], by_spectra[f])


@compiled
def _to_units(mean_square: Any, sums: Any, values: Any) -> None:
    for f in range(FRAMES):
        values[0, f] = -0.691 + 10.0 * math.log10(mean_square[f] + _LEAST)
        values[1, f] = _SLOPE * sums[f].centroid_hz ** _POWER + _TOP
        values[2, f] = 20.0 * math.log10(sums[f].ratio + _LEAST)


@compiled
def _from_units(mean_square: Any, sums: Any, by_values: Any, by_measures: Any) -> None:
    for f in range(FRAMES):
        by_measures[0, f] = by_values[0, f] * _DB_PER_NEPER_OF_POWER / (mean_square[f] + _LEAST)
        by_measures[1, f] = by_values[1, f] * _SLOPE * _POWER * sums[f].centroid_hz ** (_POWER - 1.0)
        by_measures[2, f] = by_values[2, f] * _DB_PER_NEPER / (sums[f].ratio + _LEAST)


@compiled
def _add_frames(by_frames: Any, gradient: Any) -> None:
    for f in range(FRAMES):
        row, part = by_frames[f], gradient[f * HOP : f * HOP + FRAME]
        for n in range(FRAME):
            part[n] += row[n]
