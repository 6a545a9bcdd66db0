"""Synthetic drum strokes and background sounds with known properties, the same at every sample rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

Samples = NDArray[np.float64]
BASE_RATE = 96000


def stroke(seed: int, decay_ms: float = 40.0, seconds: float = 0.4) -> Samples:
    """One stroke at `BASE_RATE`, peak 1: a body of two modes and wires of noise, both decaying."""
    time = np.arange(int(seconds * BASE_RATE)) / BASE_RATE
    noise = np.random.default_rng(seed).standard_normal(len(time))
    noise = sosfilt(butter(2, [400.0, 12000.0], "band", fs=BASE_RATE, output="sos"), noise)
    body = np.sin(2 * np.pi * 190.0 * time) + 0.6 * np.sin(2 * np.pi * 330.0 * time)
    rise = np.minimum(1.0, time / 0.0005)
    sound = rise * (0.5 * body + noise) * np.exp(-time / (decay_ms / 1000.0))
    return sound / np.abs(sound).max()


def performance(
    times_s: list[float], levels_db: list[float], seconds: float, decay_ms: float = 40.0, noise_db: float | None = -75.0
) -> Samples:
    """Strokes at given times and peak levels (dBFS) over a bed of white noise (rms in dBFS), at `BASE_RATE`."""
    sound = np.zeros(int((seconds + 0.5) * BASE_RATE))
    for seed, (time, level) in enumerate(zip(times_s, levels_db, strict=True)):
        hit = 10 ** (level / 20) * stroke(seed, decay_ms)
        start = round(time * BASE_RATE)
        sound[start : start + len(hit)] += hit
    if noise_db is not None:
        sound += 10 ** (noise_db / 20) * np.random.default_rng(99).standard_normal(len(sound))
    return sound[: int(seconds * BASE_RATE)]


def at_rate(samples: Samples, sample_rate: int, from_rate: int = BASE_RATE) -> Samples:
    """The same sound at another sample rate."""
    divisor = int(np.gcd(sample_rate, from_rate))
    return resample_poly(samples, sample_rate // divisor, from_rate // divisor)


def coloured_noise(slope_db_per_octave: float, seconds: float, sample_rate: int, level_db: float, seed: int) -> Samples:
    """Noise whose spectrum falls by a slope (0 white, 3 pink, 6 brown, from 20 Hz), with an rms level in dBFS."""
    count = int(seconds * sample_rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / sample_rate), 20.0)
    sound = np.fft.irfft(spectrum * (frequency / 20.0) ** (-slope_db_per_octave / (20 * np.log10(2.0))), count)
    return sound * 10 ** (level_db / 20) / np.sqrt(np.mean(sound**2))


def hum(mains_hz: float, seconds: float, sample_rate: int, level_db: float) -> Samples:
    """Hum of the mains with harmonics that fall by 6 dB per octave, peak level in dBFS."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    sound = np.sum([np.sin(2 * np.pi * mains_hz * k * time + k * k) / k for k in range(1, 21)], axis=0)
    return sound * 10 ** (level_db / 20) / np.abs(sound).max()


def sweep(seconds: float, sample_rate: int, level_db: float) -> Samples:
    """Sine that rises slowly from 30 Hz to 10 kHz, faded in over 50 ms."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    rate = np.log(10000.0 / 30.0) / seconds
    fade = np.minimum(1.0, time / 0.05)
    return 10 ** (level_db / 20) * fade * np.sin(2 * np.pi * 30.0 * (np.exp(rate * time) - 1) / rate)
