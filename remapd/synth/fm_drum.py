"""The FM drum: a swept sine whose phase a second one modulates, and noise, into a soft clipper and a gain.

``y = g tanh(g_t (e_1 sin(ph_1 + I e_2 sin(ph_2)) + g_n HP(e_n noise)))`` with the frequencies ``f (1 + mod_1 e_f1)`` of
the carrier and ``f ratio (1 + mod_2 e_f2)`` of the modulator: the idea of the FM drum that Shier et al. published with
"Real-time Timbre Remapping with Differentiable DSP" (NIME 2024). The modulator is tuned by its ratio to the carrier
and its depth is the index `I` in radians, as usual since Chowning, "The Synthesis of Complex Audio Spectra by Means of
Frequency Modulation" (1973). The carrier has no gain of its own: the noise's is relative to it. Where sidebands would
pass half the sample rate and come back, the index is held.

A path sounds until it has fallen below `envelope.SILENCE`, relative to its gain. A hit on a path below `envelope.REST`
starts it as out of silence, and with the carrier its modulator and both pitch envelopes; one on a path that is heard
goes on from its phase and amplitude, and from the present depth of the modulation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp import biquad, clipper, envelope, hiss, noise, oscillator, tone
from remapd.dsp.approximation import db_amplitude
from remapd.dsp.kernel import CHUNK_FRAMES, compiled
from remapd.parameters import Parameter, ParameterTable

TABLE = ParameterTable(
    "fm_drum",
    [
        Parameter("osc1.freq", "Hz", 20.0, 1000.0, 140.0, "Frequency of the carrier at rest.", "log"),
        Parameter("osc1.mod", "ratio", -1.0, 2.0, 0.5, "How far its pitch envelope moves the carrier."),
        Parameter("osc2.ratio", "ratio", 0.1, 8.0, 1.4, "Frequency of the modulator at rest, in those of the carrier."),
        Parameter("osc2.mod", "ratio", -1.0, 2.0, 0.0, "How far its pitch envelope moves the modulator."),
        Parameter("osc2.index", "", 0.0, 10.0, 2.0, "Depth of the modulation at its height, in radians."),
        Parameter(
            "osc1_freq_env.decay", "ms", 10.0, 2000.0, 120.0, "Time in which the carrier's sweep falls by 60 dB."
        ),
        Parameter(
            "osc2_freq_env.decay", "ms", 10.0, 2000.0, 60.0, "Time in which the modulator's sweep falls by 60 dB."
        ),
        Parameter("osc1_env.decay", "ms", 10.0, 2000.0, 500.0, "Time in which the sound falls by 60 dB."),
        Parameter("osc2_env.decay", "ms", 10.0, 2000.0, 150.0, "Time in which the modulation falls by 60 dB."),
        Parameter("noise_env.decay", "ms", 10.0, 2000.0, 60.0, "Time in which the noise falls by 60 dB."),
        Parameter("noise_filter.freq", "Hz", 20.0, 16000.0, 2000.0, "Cutoff of the noise's high-pass.", "log"),
        Parameter("noise_gain.gain", "dB", -60.0, 12.0, -24.0, "Level of the noise relative to the carrier."),
        Parameter("tanh.in_gain", "dB", -24.0, 24.0, 0.0, "Gain into the soft clipper."),
        Parameter("gain.gain", "dB", -60.0, 6.0, -6.0, "Level."),
    ],
)

#: Q of the noise's high-pass: maximally flat.
NOISE_Q = math.sqrt(0.5)
# Turns; the least depth of a modulation, as an amplitude to which another can be related.
_LEAST_DEPTH = 1e-9

_SCRATCH = (CHUNK_FRAMES,)
STATE = np.dtype(
    [
        ("sample_rate", np.float64),
        ("osc1_freq_env", envelope.STATE),
        ("osc2_freq_env", envelope.STATE),
        ("carrier", tone.STATE),
        ("modulator", tone.STATE),
        ("hiss", hiss.STATE),
        ("clipper", clipper.STATE),
        ("sweep", np.float64, _SCRATCH),
        ("modulation", np.float64, _SCRATCH),
        ("mix", np.float64, _SCRATCH),
    ],
    align=True,
)


@compiled
def reset(voice: Any, sample_rate: float, seed: int) -> None:
    """Make it silent and ready for a sample rate; `seed` chooses the noise."""
    voice.sample_rate = sample_rate
    hiss.reset(voice.hiss, seed)
    silence(voice)


@compiled
def silence(voice: Any) -> None:
    """Stop at once."""
    _silence_oscillators(voice)
    hiss.silence(voice.hiss)


@compiled
def _silence_oscillators(voice: Any) -> None:
    envelope.reset(voice.osc1_freq_env)
    envelope.reset(voice.osc2_freq_env)
    tone.silence(voice.carrier)
    tone.silence(voice.modulator)


@compiled
def is_active(voice: Any) -> bool:
    """Whether the carrier or the noise sounds; the other envelopes alone cannot be heard."""
    return tone.is_active(voice.carrier) or hiss.is_active(voice.hiss)


@compiled
def trigger(voice: Any, values: Any) -> None:
    """Start a hit with ``values[:14]`` in the table's order and units."""
    rests, rate, drive_db = tone.rests(voice.carrier), voice.sample_rate, values[12]
    clipper.set_gain(voice.clipper, db_amplitude(values[13]), not (rests and hiss.rests(voice.hiss)), rate)
    if rests:
        _silence_oscillators(voice)
    envelope.trigger(voice.osc1_freq_env, values[5], rate, 1.0)
    envelope.trigger(voice.osc2_freq_env, values[6], rate, 1.0)
    modulator_hz = values[0] * values[2]
    index = _held_index(values[4], _top(values[0], values[1]), _top(modulator_hz, values[3]), rate)
    depth = max(index / (2.0 * math.pi), _LEAST_DEPTH)
    tone.trigger(voice.modulator, modulator_hz, values[3], values[8], depth, rate)
    tone.trigger(voice.carrier, values[0], values[1], values[7], db_amplitude(drive_db), rate)
    hiss.trigger(voice.hiss, values[9], db_amplitude(values[11] + drive_db) * noise.density_gain(rate), rate)
    biquad.set_high_pass(voice.hiss.filter, values[10], NOISE_Q, rate)


@compiled
def _top(frequency_hz: float, sweep: float) -> float:
    return frequency_hz * (1.0 + max(0.0, sweep))


@compiled
def _held_index(index: float, carrier_hz: float, modulator_hz: float, sample_rate: float) -> float:
    """Hold the index where the last sideband that matters, number ``I + 1`` by Carson's rule, can still be played."""
    sidebands = (oscillator.HIGHEST_FREQUENCY * sample_rate - carrier_hz) / modulator_hz
    return max(0.0, min(index, sidebands - 1.0))


@compiled
def render(voice: Any, out: Any, start: int, stop: int) -> None:
    """Add the next frames to ``out[start:stop]``."""
    while start < stop and is_active(voice):
        n = _stretch(voice, min(stop - start, CHUNK_FRAMES))
        _mix_paths(voice, n)
        clipper.add(voice.clipper, voice.mix, out, start, n)
        start += n


@compiled
def _stretch(voice: Any, limit: int) -> int:
    """Frames until an envelope enters another stage or the filter has rung out."""
    n = envelope.frames_left(voice.osc1_freq_env, limit)
    n = envelope.frames_left(voice.osc2_freq_env, n)
    n = tone.frames_left(voice.carrier, n)
    n = tone.frames_left(voice.modulator, n)
    return hiss.frames_left(voice.hiss, n)


@compiled
def _mix_paths(voice: Any, n: int) -> None:
    """Set ``mix[:n]`` to the sum of the paths."""
    mix, modulation = voice.mix, voice.modulation
    for i in range(n):
        mix[i] = 0.0
        modulation[i] = 0.0
    envelope.render(voice.osc2_freq_env, voice.sweep, n)
    tone.add(voice.modulator, voice.sweep, modulation, n)
    envelope.render(voice.osc1_freq_env, voice.sweep, n)
    tone.add_modulated(voice.carrier, voice.sweep, modulation, mix, n)
    hiss.add(voice.hiss, mix, n)
