"""The 808 snare written down from its published formulas with NumPy and SciPy: slow, whole sounds at a time."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from remapd.synth.snare808 import TABLE

#: Levels below which a path starts anew (-80 dB) and below which it may stop (-140 dB).
REST, SILENCE = 1e-4, 1e-7


def envelope(decay_ms, sample_rate, n):
    attack = int(sample_rate / 1000.0)
    r = 1.0 - 6.91 / (decay_ms * sample_rate / 1000.0)
    e = np.concatenate([np.arange(1, attack + 1) / attack, r ** np.arange(float(n))])[:n]
    silent = np.arange(n) >= attack
    e[silent & (e < SILENCE)] = 0.0
    return e


def oscillator(frequency_hz, mod, e_f, sample_rate):
    turns = np.cumsum(frequency_hz * (1.0 + mod * e_f)) / sample_rate
    return np.sin(2.0 * np.pi * np.concatenate([[0.0], turns[:-1]]))


def high_pass(x, cutoff_hz, q, sample_rate):
    k = np.tan(np.pi * min(cutoff_hz, 0.49 * sample_rate) / sample_rate)
    a0 = 1.0 + k / q + k * k
    return lfilter([1.0, -2.0, 1.0], [a0, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k], x)


def white_noise(start, n):
    """Chris Wellons' lowbias32 of a counter, in Python's whole numbers, as a fraction in -1..1."""

    def lowbias32(x):
        x ^= x >> 16
        x = x * 0x7FEB352D % 2**32
        x ^= x >> 15
        x = x * 0x846CA68B % 2**32
        return x ^ x >> 16

    offset = lowbias32(start % 2**32)
    return np.array([lowbias32((offset + i) % 2**32) / 2**31 - 1.0 for i in range(n)])


def paths(values, sample_rate, n, seed=0):
    """The three paths before the clipper, each with its gain and the drive; the filter of the noise rings on."""
    v = TABLE.mapping(values)
    gain = {k: 10.0 ** (v[k] / 20.0) for k in ("osc1_gain.gain", "osc2_gain.gain", "noise_gain.gain", "tanh.in_gain")}
    e_f = envelope(v["freq_env.decay"], sample_rate, n)
    sounds = [
        envelope(v[f"{o}_env.decay"], sample_rate, n) * oscillator(v[f"{o}.freq"], v[f"{o}.mod"], e_f, sample_rate)
        for o in ("osc1", "osc2")
    ]
    e_n = envelope(v["noise_env.decay"], sample_rate, n)
    sounds.append(high_pass(e_n * white_noise(seed, n), v["noise_filter.freq"], v["noise_filter.q"], sample_rate))
    gains = [gain["osc1_gain.gain"], gain["osc2_gain.gain"], gain["noise_gain.gain"]]
    return [gain["tanh.in_gain"] * g * s for g, s in zip(gains, sounds, strict=True)]


def inaudible_rest(values, sample_rate, n, seed=0):
    """What the noise path may leave out at each sample: all that never again passes `SILENCE` after its envelope."""
    v, hiss = TABLE.mapping(values), paths(values, sample_rate, n, seed)[2]
    amplitude = 10.0 ** ((v["noise_gain.gain"] + v["tanh.in_gain"]) / 20.0)
    heard = (envelope(v["noise_env.decay"], sample_rate, n) > 0.0) | (np.abs(hiss) >= SILENCE * amplitude)
    return np.where(np.arange(n) > np.flatnonzero(heard)[-1], np.abs(hiss), 0.0)


def hit(values, sample_rate, n, seed=0):
    """One hit out of silence, shape ``(n,)``."""
    return np.tanh(sum(paths(values, sample_rate, n, seed)))
