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

from remapd.dsp import biquad, envelope, noise, oscillator
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

_SCRATCH = (CHUNK_FRAMES,)
STATE = np.dtype(
    [
        ("sample_rate", np.float64),
        ("freq_env", envelope.STATE),
        ("osc1_env", envelope.STATE),
        ("osc2_env", envelope.STATE),
        ("noise_env", envelope.STATE),
        ("osc1", oscillator.STATE),
        ("osc2", oscillator.STATE),
        ("noise", noise.STATE),
        ("noise_filter", biquad.STATE),
        ("noise_amplitude", np.float64),
        ("ring_left", np.int64),  # frames that the filter still rings after the noise's envelope
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
    envelope.reset(voice.osc1_env)
    envelope.reset(voice.osc2_env)
    envelope.reset(voice.noise_env)
    biquad.reset(voice.noise_filter)
    voice.ring_left = 0


@compiled
def is_active(voice: Any) -> bool:
    """Whether a path sounds; the pitch envelope alone cannot be heard."""
    return envelope.is_active(voice.osc1_env) or envelope.is_active(voice.osc2_env) or _noise_sounds(voice)


@compiled
def _noise_sounds(voice: Any) -> bool:
    return envelope.is_active(voice.noise_env) or bool(voice.ring_left > 0)


@compiled
def _noise_rests(voice: Any) -> bool:
    return envelope.rests(voice.noise_env) and bool(biquad.ring_level(voice.noise_filter) < envelope.REST)


@compiled
def trigger(voice: Any, values: Any) -> None:
    """Start a hit with ``values[:14]`` in the table's order and units."""
    is_heard = not (envelope.rests(voice.osc1_env) and envelope.rests(voice.osc2_env))
    envelope.trigger(voice.freq_env, values[4], voice.sample_rate, 1.0 if is_heard else 0.0)
    drive_db = values[13]
    _trigger_oscillator(voice.osc1, voice.osc1_env, values[0], values[1], values[5], values[10] + drive_db, voice)
    _trigger_oscillator(voice.osc2, voice.osc2_env, values[2], values[3], values[6], values[11] + drive_db, voice)
    _trigger_noise(voice, values[7], values[8], values[9], values[12] + drive_db)


@compiled
def _trigger_oscillator(
    osc: Any, env: Any, frequency_hz: float, sweep: float, decay_ms: float, gain_db: float, voice: Any
) -> None:
    amplitude = db_amplitude(gain_db)
    scale = osc.amplitude / amplitude
    if envelope.rests(env):
        osc.phase = scale = 0.0
    osc.amplitude = amplitude
    oscillator.tune(osc, frequency_hz, sweep, voice.sample_rate)
    envelope.trigger(env, decay_ms, voice.sample_rate, scale)


@compiled
def _trigger_noise(voice: Any, decay_ms: float, cutoff_hz: float, q: float, gain_db: float) -> None:
    amplitude = db_amplitude(gain_db)
    scale = voice.noise_amplitude / amplitude
    if _noise_rests(voice):
        scale = 0.0
    biquad.rescale(voice.noise_filter, scale)
    voice.noise_amplitude = amplitude
    biquad.set_high_pass(voice.noise_filter, cutoff_hz, q, voice.sample_rate)
    envelope.trigger(voice.noise_env, decay_ms, voice.sample_rate, scale)
    voice.ring_left = 0


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
    if voice.ring_left > 0:
        limit = min(limit, voice.ring_left)
    n = envelope.frames_left(voice.freq_env, limit)
    n = envelope.frames_left(voice.osc1_env, n)
    n = envelope.frames_left(voice.osc2_env, n)
    return envelope.frames_left(voice.noise_env, n)


@compiled
def _mix_paths(voice: Any, n: int) -> None:
    """Set ``mix[:n]`` to the sum of the paths that sound."""
    mix = voice.mix
    for i in range(n):
        mix[i] = 0.0
    envelope.render(voice.freq_env, voice.sweep, n)
    if envelope.is_active(voice.osc1_env):
        envelope.render(voice.osc1_env, voice.level, n)
        oscillator.add(voice.osc1, voice.sweep, voice.level, mix, n)
    if envelope.is_active(voice.osc2_env):
        envelope.render(voice.osc2_env, voice.level, n)
        oscillator.add(voice.osc2, voice.sweep, voice.level, mix, n)
    if _noise_sounds(voice):
        _render_hiss(voice, n)
        biquad.process(voice.noise_filter, voice.hiss, voice.hiss, n)
        _add_scaled(voice.noise_amplitude, voice.hiss, mix, n)
        _count_ring(voice, n)


@compiled
def _render_hiss(voice: Any, n: int) -> None:
    """Set ``hiss[:n]`` to what goes into the filter."""
    if voice.ring_left == 0:
        envelope.render(voice.noise_env, voice.level, n)
        noise.render(voice.noise, voice.level, voice.hiss, n)
        return
    hiss = voice.hiss
    for i in range(n):
        hiss[i] = 0.0


@compiled
def _count_ring(voice: Any, n: int) -> None:
    """Find how long the filter rings as the envelope ends, and count it down from then on."""
    if voice.ring_left > 0:
        voice.ring_left -= n
    elif not envelope.is_active(voice.noise_env):
        voice.ring_left = biquad.ring_frames(voice.noise_filter, envelope.SILENCE)


@compiled
def _add_scaled(gain: float, x: Any, mix: Any, n: int) -> None:
    for i in range(n):
        mix[i] += gain * x[i]


@compiled
def _add_clipped(mix: Any, out: Any, start: int, n: int) -> None:
    for i in range(n):
        out[start + i] += tanh(mix[i])
