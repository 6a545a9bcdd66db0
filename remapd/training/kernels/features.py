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
from remapd.training.kernels.memory import empty
from remapd.training.long_term import FRAME, FRAMES, HOP

Array = NDArray[np.float64]

_DB_PER_NEPER_OF_POWER = 10.0 / math.log(10.0)
_DB_PER_NEPER = 20.0 / math.log(10.0)
# Level at which a mean square, and ratio at which the flatness, can no longer be told from silence.
_LEAST = 1e-8
# Kazazis' scale of the centroid.
_SLOPE, _POWER, _TOP = -34.61, -0.1621, 21.2985
_LANES = 32
# Frames that are transformed at once: their spectra stay in the processor's cache. A divisor of FRAMES.
_AT_ONCE = 22
_PARTS = [slice(first, first + _AT_ONCE) for first in range(0, FRAMES, _AT_ONCE)]


@dataclass(frozen=True)
class Tape:
    """What `measure` leaves for `differentiate`."""

    spectra: Array = field(default_factory=lambda: empty(FRAMES, 2 * spectrum.BINS))
    sums: Any = field(default_factory=lambda: np.empty(FRAMES, spectrum.SUMS))
    blocks: Any = field(default_factory=lambda: np.empty(1, k_weighting_blocks.STATE)[0])
    mean_square: Array = field(default_factory=lambda: np.empty(FRAMES))


class _Scratch(threading.local):
    """Memory to work in, of each thread."""

    def __init__(self) -> None:
        self.work = np.zeros(1, spectrum.WORK)[0]
        self.blocks = np.zeros(k_weighting_blocks.WORK)
        self.by_spectra = np.zeros((_AT_ONCE, 2 * spectrum.BINS))


_scratch = _Scratch()


def measure(sound: Array, weightings: Array, values: Array, sums: Array) -> Tape:
    """Set `values`, loudness in dB, centroid and flatness in dB of a sound's frames, and weighted `sums` of ``x^2``.

    Parameters
    ----------
    sound : array of float, shape (SOUND_FRAMES,)
        Contiguous.
    weightings : array of float, shape (n, frames)
        What the power of the first samples counts for each sum.
    values : array of float, shape (3, FRAMES)
        Set.
    sums : array of float, shape (n,)
        Set.

    Returns
    -------
    Tape
        For `differentiate`.
    """
    tape = Tape()
    filter_ = k_weighting_blocks.prepared_filter()
    k_weighting_blocks.measure(tape.blocks, _scratch.blocks, filter_, sound, tape.mean_square)
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
    for part in _PARTS:
        # Not all at once: what the transform wrote is measured, and kept, while it lies in the processor's cache.
        spectra = np.fft.rfft(frames[part]).view(np.float64)
        _measure_spectra(_scratch.work, spectra, tape.sums[part])
        tape.spectra[part] = spectra
    _to_units(tape.mean_square, tape.sums, values)
    _sum_power(sound, weightings, sums)
    return tape


def differentiate(
    tape: Tape, sound: Array, weightings: Array, by_values: Array, by_sums: Array, gradient: Array
) -> None:
    """Set the gradient by the sound, given those by its values and sums.

    Parameters
    ----------
    tape : Tape
        From `measure`.
    sound, weightings : array of float
        As for `measure`.
    by_values : array of float, shape (3, FRAMES)
        Contiguous.
    by_sums : array of float, shape (n,)
        Gradient by the sums.
    gradient : array of float, shape (SOUND_FRAMES,)
        Set.
    """
    by_measures = np.empty_like(by_values)
    _from_units(tape.mean_square, tape.sums, by_values, by_measures)
    filter_ = k_weighting_blocks.prepared_filter()
    k_weighting_blocks.differentiate(tape.blocks, _scratch.blocks, filter_, sound, by_measures[0], gradient)
    by_spectra = _scratch.by_spectra
    for part in _PARTS:
        _differentiate_spectra(_scratch.work, tape.spectra[part], tape.sums[part], by_measures[1:, part], by_spectra)
        by_frames = np.fft.irfft(by_spectra.view(np.complex128), FRAME, norm="forward")
        _add_frames(by_frames, gradient[part.start * HOP :])
    _add_power(sound, weightings, by_sums, gradient)


@compiled
def _measure_spectra(work: Any, spectra: Any, sums: Any) -> None:
    for f in range(len(spectra)):
        spectrum.measure(work, spectra[f], sums[f])


@compiled
def _differentiate_spectra(work: Any, spectra: Any, sums: Any, by_measures: Any, by_spectra: Any) -> None:
    for f in range(len(spectra)):
        spectrum.differentiate(work, spectra[f], sums[f], by_measures[0, f], by_measures[1, f], by_spectra[f])


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
    for f in range(len(by_frames)):
        row, part = by_frames[f], gradient[f * HOP : f * HOP + FRAME]
        for n in range(FRAME):
            part[n] += row[n]


@compiled
def _sum_power(sound: Any, weightings: Any, sums: Any) -> None:
    """In lanes: a single sum would wait for each addition."""
    for i in range(len(sums)):
        lanes, weights = np.zeros(_LANES), weightings[i]
        whole = len(weights) // _LANES * _LANES
        for start in range(0, whole, _LANES):
            x, w = sound[start : start + _LANES], weights[start : start + _LANES]
            for n in range(_LANES):
                lanes[n] += x[n] * x[n] * w[n]
        for n in range(whole, len(weights)):
            lanes[0] += sound[n] * sound[n] * weights[n]
        sums[i] = np.sum(lanes)


@compiled
def _add_power(sound: Any, weightings: Any, by_sums: Any, gradient: Any) -> None:
    for i in range(len(by_sums)):
        weights, slope = weightings[i], 2.0 * by_sums[i]
        for n in range(len(weights)):
            gradient[n] += slope * weights[n] * sound[n]
