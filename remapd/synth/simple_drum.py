"""The simple drum: a swept sine and white noise, each with its envelope, into a soft clipper and a gain.

``y = g tanh(g_t (e_1 sin(ph_1) + g_n e_n noise))`` with the frequency ``f (1 + mod e_f)``, after the simple drum synth
that Shier et al. published with "Real-time Timbre Remapping with Differentiable DSP" (NIME 2024). The sine has no gain
of its own: the noise's is relative to it.

Each path sounds until it has fallen below `envelope.SILENCE`, relative to its gain. A hit on a path below
`envelope.REST` starts it as out of silence; one on a path that is heard goes on from its phase and amplitude. The noise
runs on from hit to hit, and stands while its envelope is over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp import clipper, envelope, level, noise, tone
from remapd.dsp.approximation import db_amplitude
from remapd.dsp.kernel import CHUNK_FRAMES, compiled
from remapd.parameters import Parameter, ParameterTable

TABLE = ParameterTable(
    "simple_drum",
    [
        Parameter("osc1.freq", "Hz", 20.0, 2000.0, 120.0, "Frequency of the oscillator at rest.", "log"),
        Parameter("osc1.mod", "ratio", -1.0, 2.0, 0.6, "How far the pitch envelope moves the oscillator."),
        Parameter(
            "freq_env.decay", "ms", 10.0, 2000.0, 150.0, "Time in which the pitch envelope falls by 60 dB.", "log"
        ),
        Parameter("osc1_env.decay", "ms", 10.0, 2000.0, 500.0, "Time in which the sine falls by 60 dB.", "log"),
        Parameter("noise_env.decay", "ms", 10.0, 2000.0, 80.0, "Time in which the noise falls by 60 dB.", "log"),
        Parameter("noise_gain.gain", "dB", -60.0, 12.0, -26.0, "Level of the noise relative to the sine."),
        Parameter("tanh.in_gain", "dB", -24.0, 24.0, 0.0, "Gain into the soft clipper."),
        Parameter("gain.gain", "dB", -60.0, 6.0, -6.0, "Level."),
    ],
)

_SCRATCH = (CHUNK_FRAMES,)
STATE = np.dtype(
    [
        ("sample_rate", np.float64),
        ("freq_env", envelope.STATE),
        ("tone", tone.STATE),
        ("noise", noise.STATE),
        ("noise_level", level.STATE),
        ("clipper", clipper.STATE),
        ("sweep", np.float64, _SCRATCH),
        ("level", np.float64, _SCRATCH),
        ("hiss", np.float64, _SCRATCH),
        ("mix", np.float64, _SCRATCH),
    ],
    align=True,
)


@compiled
def reset(voice: Any, sample_rate: float, seed: int) -> None:
    """Make it silent and ready for a sample rate; `seed` chooses the noise."""
    voice.sample_rate = sample_rate
    noise.seed(voice.noise, seed)
    silence(voice)


@compiled
def silence(voice: Any) -> None:
    """Stop at once."""
    envelope.reset(voice.freq_env)
    tone.silence(voice.tone)
    level.reset(voice.noise_level)


@compiled
def is_active(voice: Any) -> bool:
    """Whether a path sounds; the pitch envelope alone cannot be heard."""
    return tone.is_active(voice.tone) or level.is_active(voice.noise_level)


@compiled
def trigger(voice: Any, values: Any) -> None:
    """Start a hit with ``values[:8]`` in the table's order and units."""
    rate, drive_db, rests = voice.sample_rate, values[6], tone.rests(voice.tone)
    clipper.set_gain(voice.clipper, db_amplitude(values[7]), not (rests and level.rests(voice.noise_level)), rate)
    envelope.trigger(voice.freq_env, values[2], rate, 0.0 if rests else 1.0)
    tone.trigger(voice.tone, values[0], values[1], values[3], db_amplitude(drive_db), rate)
    noise_amplitude = db_amplitude(values[5] + drive_db) * noise.density_gain(rate)
    level.trigger(voice.noise_level, values[4], noise_amplitude, rate)


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
    """Frames until an envelope enters another stage."""
    n = envelope.frames_left(voice.freq_env, limit)
    n = tone.frames_left(voice.tone, n)
    return level.frames_left(voice.noise_level, n)


@compiled
def _mix_paths(voice: Any, n: int) -> None:
    """Set ``mix[:n]`` to the sum of the paths."""
    mix = voice.mix
    for i in range(n):
        mix[i] = 0.0
    envelope.render(voice.freq_env, voice.sweep, n)
    tone.add(voice.tone, voice.sweep, mix, n)
    if level.is_active(voice.noise_level):
        _add_noise(voice, mix, n)


@compiled
def _add_noise(voice: Any, mix: Any, n: int) -> None:
    hiss = voice.hiss
    level.render(voice.noise_level, voice.level, n)
    noise.render(voice.noise, voice.level, hiss, n)
    for i in range(n):
        mix[i] += hiss[i]
