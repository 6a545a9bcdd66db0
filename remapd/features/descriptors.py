"""Onset features: what is measured on one short window from the onset.

The first three, with a window of 256 samples at 48 kHz and a bandwidth of at least half the rate, are the published
formulas (Shier et al., "Real-time Timbre Remapping with Differentiable DSP", NIME 2024):

- loudness ``20 log10(sqrt(mean x^2 + 1e-8) + 1e-8)`` in dB,
- centroid: mean bin in Hz, weighted by the magnitudes of the spectrum under a periodic Hann window, as
  ``12 log2((c + 1e-8) / 440) + 69`` in semitones,
- flatness: geometric over arithmetic mean of the power, each bin of it at least 1e-10, as ``20 log10(f + 1e-8)`` in dB.

The others are our own. They do not depend on the level, cost no latency, and say more of how a hit will go on: where it
was struck, and whether its body speaks.

- low and mid: share of the power below about 350 Hz and within about half an octave of 1 kHz, weighted by
  ``1 / (1 + (f / 350)^4)`` and ``1 / (1 + (2 log2(f / 1000))^4)``, as ``10 log10(share + 1e-5)`` in dB,
- late: energy of the window's second half over that of its first, each with 1e-4 of the whole added, in dB,
- crest: largest over root mean square sample, in dB.

At other rates the window lasts as long, padded with zeros to a power of two, the power is scaled to that of the window
at 48 kHz, and bins above `FeatureSpec.bandwidth_hz` are left out: so the features of a sound do not depend on the rate.
Silence has a centroid of 0 Hz, which is about -354 st; everything stays finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.dsp.approximation import amplitude_db, exp2, log2
from remapd.dsp.kernel import compiled
from remapd.errors import FieldError
from remapd.features import fft
from remapd.parameters import Parameter, ParameterTable
from remapd.units import ms_to_frames

#: What is measured, in the order of every feature vector; the ranges are those of sounds that are not silent.
FEATURES = ParameterTable(
    "feature",
    [
        Parameter("loudness_db", "dB", -80.0, 0.0, -80.0, "Level of the window."),
        Parameter("centroid_st", "st", 0.0, 140.0, 69.0, "Spectral centroid as a pitch, 69 is 440 Hz."),
        Parameter("flatness_db", "dB", -160.0, 0.0, -60.0, "Spectral flatness, 0 dB for white noise."),
        Parameter("low_db", "dB", -50.0, 0.0, -20.0, "Share of the power below about 350 Hz."),
        Parameter("mid_db", "dB", -50.0, 0.0, -20.0, "Share of the power around 1 kHz."),
        Parameter("late_db", "dB", -40.0, 40.0, 0.0, "Energy of the window's second half over that of its first."),
        Parameter("crest_db", "dB", 0.0, 30.0, 12.0, "Peak over root mean square."),
    ],
)
N_FEATURES = len(FEATURES)
#: The three of the publication.
BASIC_FEATURES = FEATURES.names[:3]

#: The rate at which the formulas hold as published.
REFERENCE_RATE = 48000.0

#: Corner of the low share and centre of the mid share.
LOW_HZ, MID_HZ = 350.0, 1000.0
_LEAST_SHARE = 1e-5
_LEAST_HALF = 1e-4
# Below any sound; with it silence has features too.
_LEAST_ENERGY = 1e-12
_LEAST_AMPLITUDE = 1e-9

#: The fields of a `FeatureSpec`.
SPEC_PARAMETERS = ParameterTable(
    "features",
    [
        Parameter("window_ms", "ms", 1.0, 43.0, 1000.0 * 256.0 / REFERENCE_RATE, "Length of the feature window."),
        Parameter("pre_roll_ms", "ms", 0.0, 20.0, 1000.0 * 16.0 / REFERENCE_RATE, "Start of it before the onset."),
        Parameter("bandwidth_hz", "Hz", 1000.0, 100000.0, 20000.0, "Highest frequency that counts.", "log"),
    ],
)


@dataclass(frozen=True)
class FeatureSpec:
    """Where and how long the features are measured.

    Parameters
    ----------
    window_ms : float
        Length of the window, 1 to 43 ms.
    pre_roll_ms : float
        How long before the onset it begins, 0 to 20 ms and less than the window.
    bandwidth_hz : float
        Highest frequency that counts in the spectrum, 1000 to 100000 Hz.

    Raises
    ------
    FieldError
        If one of them does not fit.
    """

    window_ms: float = float(SPEC_PARAMETERS["window_ms"].default)
    pre_roll_ms: float = float(SPEC_PARAMETERS["pre_roll_ms"].default)
    bandwidth_hz: float = float(SPEC_PARAMETERS["bandwidth_hz"].default)

    def __post_init__(self) -> None:
        for parameter in SPEC_PARAMETERS:
            value = parameter.check(getattr(self, parameter.name), f"features.{parameter.name}")
            object.__setattr__(self, parameter.name, value)
        if self.pre_roll_ms >= self.window_ms:
            raise FieldError("features.pre_roll_ms", f"less than the window's {self.window_ms:g} ms", self.pre_roll_ms)

    def window_frames(self, sample_rate: float) -> int:
        """Give the window's length in frames."""
        return ms_to_frames(self.window_ms, sample_rate)

    def pre_roll_frames(self, sample_rate: float) -> int:
        """Give the number of the window's frames that lie before the onset."""
        return ms_to_frames(self.pre_roll_ms, sample_rate)

    def fft_size(self, sample_rate: float) -> int:
        """Give the power of two to which the window is padded."""
        return max(fft.MIN_SIZE, 1 << (self.window_frames(sample_rate) - 1).bit_length())


_BINS = (fft.MAX_SIZE // 2 + 1,)
STATE = np.dtype(
    [
        ("frames", np.int64),
        ("size", np.int64),
        ("bins", np.int64),
        ("bin_hz", np.float64),
        ("power_scale", np.float64),
        ("window", np.float64, (fft.MAX_SIZE,)),
        ("samples", np.float64, (fft.MAX_SIZE,)),
        ("squares", np.float64, (fft.MAX_SIZE,)),
        ("magnitude", np.float64, _BINS),
        ("moment", np.float64, _BINS),
        ("power", np.float64, _BINS),
        ("logarithm", np.float64, _BINS),
        ("low", np.float64, _BINS),  # weight of each bin in the low share
        ("mid", np.float64, _BINS),
        ("fft", fft.STATE),
    ],
    align=True,
)


def prepare(state: Any, spec: FeatureSpec, sample_rate: float) -> None:
    """Fill the tables of a state for a specification and a rate in Hz; the state holds no signal.

    Raises
    ------
    FieldError
        If the window has too many samples at this rate.
    """
    frames, size = spec.window_frames(sample_rate), spec.fft_size(sample_rate)
    if size > fft.MAX_SIZE:
        raise FieldError("features.window_ms", f"at most {fft.MAX_SIZE} samples at {sample_rate:g} Hz", spec.window_ms)
    # The working memory too, so that all of it is there before the first hit.
    for name in ("samples", "squares", "magnitude", "moment", "power", "logarithm"):
        state[name][:size] = 0.0
    fft.prepare(state["fft"], size)
    state["frames"], state["size"] = frames, size
    state["bin_hz"] = sample_rate / size
    state["bins"] = 1 + min(size // 2, math.floor(spec.bandwidth_hz * size / sample_rate))
    state["power_scale"] = (ms_to_frames(spec.window_ms, REFERENCE_RATE) / frames) ** 2
    state["window"][:frames] = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(frames) / frames)
    # The bin at 0 Hz counts as one a thousandth of a bin higher, as it has no octave.
    bins_hz = np.maximum(np.arange(size // 2 + 1), 1e-3) * (sample_rate / size)
    state["low"][: bins_hz.size] = 1.0 / (1.0 + (bins_hz / LOW_HZ) ** 4)
    state["mid"][: bins_hz.size] = 1.0 / (1.0 + (2.0 * np.log2(bins_hz / MID_HZ)) ** 4)


@compiled
def measure(state: Any, history: Any, first: int, out: Any) -> None:
    """Set ``out[:7]`` to the features of the window that begins at absolute frame `first`.

    `history` is a ring whose size is a power of two and at least the window: frame `k` lies at ``k mod size``.
    """
    _take_window(state, history, first)
    fft.transform(state.fft, state.samples)
    _take_spectrum(state)
    out[0] = _loudness_db(state)
    out[1] = _centroid_st(state)
    out[2] = _flatness_db(state)
    out[3] = _share_db(state, state.low)
    out[4] = _share_db(state, state.mid)
    out[5] = _late_db(state)
    out[6] = _crest_db(state)


def measure_array(samples: ArrayLike, sample_rate: float, spec: FeatureSpec | None = None) -> NDArray[np.float64]:
    """Features of the window that begins with the first of `samples`, padded with zeros where they are too few.

    Parameters
    ----------
    samples : array of float, shape (frames,)
        The sound, from the start of the window.
    sample_rate : float
        In Hz.
    spec : FeatureSpec, optional
        The default one if not given.

    Returns
    -------
    array of float, shape (7,)
        In the order and units of `FEATURES`.
    """
    state = np.zeros(1, STATE)[0]
    prepare(state, spec or FeatureSpec(), sample_rate)
    window = np.asarray(samples, dtype=np.float64)[: state["frames"]]
    history, out = np.zeros(int(state["size"])), np.empty(N_FEATURES)
    history[: window.size] = window
    measure(state, history, 0, out)
    return out


@compiled
def _take_window(state: Any, history: Any, first: int) -> None:
    frames, size, mask = state.frames, state.size, history.size - 1
    samples, squares, window = state.samples, state.squares, state.window
    for i in range(frames):
        samples[i] = history[(first + i) & mask]
    for i in range(frames):
        squares[i] = samples[i] * samples[i]
        samples[i] *= window[i]
    for i in range(frames, size):
        samples[i] = 0.0


@compiled
def _take_spectrum(state: Any) -> None:
    re, im, power_scale, bin_hz = state.fft.re, state.fft.im, state.power_scale, state.bin_hz
    power, magnitude, moment, logarithm = state.power, state.magnitude, state.moment, state.logarithm
    for k in range(state.bins):
        power[k] = (re[k] * re[k] + im[k] * im[k]) * power_scale
    for k in range(state.bins):
        magnitude[k] = math.sqrt(power[k])
        moment[k] = magnitude[k] * (k * bin_hz)
    for k in range(state.bins):
        power[k] = max(power[k], 1e-10)
        logarithm[k] = log2(power[k])


@compiled
def _loudness_db(state: Any) -> float:
    mean_square = _sum(state.squares, state.frames) / state.frames
    return amplitude_db(math.sqrt(mean_square + 1e-8) + 1e-8)


@compiled
def _centroid_st(state: Any) -> float:
    centroid_hz = _sum(state.moment, state.bins) / max(_sum(state.magnitude, state.bins), 1e-12)
    return 12.0 * log2((centroid_hz + 1e-8) / 440.0) + 69.0


@compiled
def _flatness_db(state: Any) -> float:
    geometric = exp2(_sum(state.logarithm, state.bins) / state.bins)
    arithmetic = _sum(state.power, state.bins) / state.bins
    return amplitude_db(geometric / arithmetic + 1e-8)


@compiled
def _share_db(state: Any, weight: Any) -> float:
    """Share of the weighted power in all."""
    moment, power = state.moment, state.power
    for k in range(state.bins):
        moment[k] = power[k] * weight[k]
    return 0.5 * amplitude_db(_sum(moment, state.bins) / _sum(power, state.bins) + _LEAST_SHARE)


@compiled
def _late_db(state: Any) -> float:
    frames, half = state.frames, state.frames // 2
    whole = _sum(state.squares, frames)
    first = _sum(state.squares, half)
    floor = _LEAST_HALF * whole + _LEAST_ENERGY
    return 0.5 * amplitude_db((max(whole - first, 0.0) + floor) / (first + floor))


@compiled
def _crest_db(state: Any) -> float:
    frames, squares, largest = state.frames, state.squares, 0.0
    for i in range(frames):
        largest = max(largest, squares[i])
    mean = _sum(squares, frames) / frames
    return amplitude_db((math.sqrt(largest) + _LEAST_AMPLITUDE) / (math.sqrt(mean) + _LEAST_AMPLITUDE))


@compiled
def _sum(x: Any, n: int) -> float:
    """Sum of ``x[:n]`` in four lanes: a single one would wait for each addition."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):
        a += x[i]
        b += x[i + 1]
        c += x[i + 2]
        d += x[i + 3]
    for i in range(whole, n):
        a += x[i]
    return (a + b) + (c + d)
