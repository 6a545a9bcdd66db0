"""The 808 snare: two swept sines and high-passed noise, each with its envelope, into a soft clipper.

``y = tanh(g_t (g_1 e_1 sin(ph_1) + g_2 e_2 sin(ph_2) + g_n HP(e_n noise)))`` with the frequencies
``f_i (1 + mod_i e_f)``, after Shier et al., "Real-time Timbre Remapping with Differentiable DSP" (NIME 2024). The
noise is filtered after its envelope, as in training.

A path sounds until it has fallen below `envelope.SILENCE`, relative to its gain. The noise path goes on after its
envelope until the filter has rung out as far, which with a low cutoff and a high Q takes much longer than the envelope.

A hit on a path below `envelope.REST`, which is the higher level, starts it as out of silence: an oscillator at phase 0,
the filter with an empty state, and the pitch envelope from 0 if both oscillators rest. A hit on a path above it goes on
from where it is: the phase runs on, and the envelope rises from the present *amplitude*, so that neither a new gain nor
a new drive makes a click. The noise runs on from hit to hit, and stands while its envelope is over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp import biquad, envelope, hiss, tone
from remapd.dsp.approximation import db_amplitude, tanh
from remapd.dsp.kernel import CHUNK_FRAMES, compiled
from remapd.parameters import Parameter, ParameterTable

TABLE = ParameterTable(
    "snare808",
    [
        Parameter("osc1.freq", "Hz", 20.0, 2000.0, 180.0, "Frequency of the first oscillator at rest.", "log"),
        Parameter("osc1.mod", "ratio", -1.0, 2.0, 0.4, "How far the pitch envelope moves the first oscillator."),
        Parameter("osc2.freq", "Hz", 20.0, 2000.0, 240.0, "Frequency of the second oscillator at rest.", "log"),
        Parameter("osc2.mod", "ratio", -1.0, 2.0, 0.3, "How far the pitch envelope moves the second oscillator."),
        Parameter(
            "freq_env.decay", "ms", 10.0, 2000.0, 50.0, "Time in which the pitch envelope falls by 60 dB.", "log"
        ),
        Parameter("osc1_env.decay", "ms", 10.0, 2000.0, 200.0, "Time in which the first sine falls by 60 dB.", "log"),
        Parameter("osc2_env.decay", "ms", 10.0, 2000.0, 150.0, "Time in which the second sine falls by 60 dB.", "log"),
        Parameter("noise_env.decay", "ms", 10.0, 2000.0, 200.0, "Time in which the noise falls by 60 dB.", "log"),
        Parameter("noise_filter.freq", "Hz", 20.0, 22050.0, 2500.0, "Cutoff of the noise's high-pass.", "log"),
        Parameter("noise_filter.q", "", 0.5, 10.0, 2.0, "Resonance of the noise's high-pass.", "log"),
        Parameter("osc1_gain.gain", "dB", -60.0, 6.0, -6.0, "Level of the first oscillator."),
        Parameter("osc2_gain.gain", "dB", -60.0, 6.0, -12.0, "Level of the second oscillator."),
        Parameter("noise_gain.gain", "dB", -60.0, 6.0, -4.0, "Level of the noise."),
        Parameter("tanh.in_gain", "dB", -24.0, 24.0, -12.0, "Gain into the soft clipper."),
    ],
)

STATE = np.dtype(
    [
        ("sample_rate", np.float64),
        ("freq_env", envelope.STATE),
        ("osc1", tone.STATE),
        ("osc2", tone.STATE),
        ("hiss", hiss.STATE),
        ("sweep", np.float64, (CHUNK_FRAMES,)),
        ("mix", np.float64, (CHUNK_FRAMES,)),
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
    envelope.reset(voice.freq_env)
    tone.silence(voice.osc1)
    tone.silence(voice.osc2)
    hiss.silence(voice.hiss)


@compiled
def is_active(voice: Any) -> bool:
    """Whether a path sounds; the pitch envelope alone cannot be heard."""
    return tone.is_active(voice.osc1) or tone.is_active(voice.osc2) or hiss.is_active(voice.hiss)


@compiled
def trigger(voice: Any, values: Any) -> None:
    """Start a hit with ``values[:14]`` in the table's order and units."""
    rate, drive_db = voice.sample_rate, values[13]
    is_heard = not (tone.rests(voice.osc1) and tone.rests(voice.osc2))
    envelope.trigger(voice.freq_env, values[4], rate, 1.0 if is_heard else 0.0)
    tone.trigger(voice.osc1, values[0], values[1], values[5], db_amplitude(values[10] + drive_db), rate)
    tone.trigger(voice.osc2, values[2], values[3], values[6], db_amplitude(values[11] + drive_db), rate)
    hiss.trigger(voice.hiss, values[7], db_amplitude(values[12] + drive_db), rate)
    biquad.set_high_pass(voice.hiss.filter, values[8], values[9], rate)


@compiled
def render(voice: Any, out: Any, start: int, stop: int) -> None:
    """Add the next frames to ``out[start:stop]``."""
    while start < stop and is_active(voice):
        n = _stretch(voice, min(stop - start, CHUNK_FRAMES))
        _mix_paths(voice, n)
        _add_clipped(voice.mix, out, start, n)
        start += n


@compiled
def _stretch(voice: Any, limit: int) -> int:
    """Frames until an envelope enters another stage or the filter has rung out."""
    n = envelope.frames_left(voice.freq_env, limit)
    n = tone.frames_left(voice.osc1, n)
    n = tone.frames_left(voice.osc2, n)
    return hiss.frames_left(voice.hiss, n)


@compiled
def _mix_paths(voice: Any, n: int) -> None:
    """Set ``mix[:n]`` to the sum of the paths that sound."""
    mix = voice.mix
    for i in range(n):
        mix[i] = 0.0
    envelope.render(voice.freq_env, voice.sweep, n)
    tone.add(voice.osc1, voice.sweep, mix, n)
    tone.add(voice.osc2, voice.sweep, mix, n)
    hiss.add(voice.hiss, mix, n)


@compiled
def _add_clipped(mix: Any, out: Any, start: int, n: int) -> None:
    for i in range(n):
        out[start + i] += tanh(mix[i])
