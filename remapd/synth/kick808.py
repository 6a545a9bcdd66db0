"""The 808 kick: a long sine that drops in pitch and a click of noise, into a soft clipper and a gain.

``y = g tanh(g_t (e_1 sin(ph_1) + g_c LP(e_c noise)))`` with the frequency ``f (1 + punch e_p + drop e_d)``. The pitch
falls in two stages: the punch, fast and deep, is the beater; the drop lasts as long as the body and is the sigh of the
original circuit, whose resonator is tuned higher while it swings far (Werner, Abel and Smith, "A physically-informed,
circuit-bendable, digital model of the Roland TR-808 bass drum circuit", DAFx 2014). The click has a low-pass for its
tone; its level is relative to the body.

A path sounds until it has fallen below `envelope.SILENCE`, relative to its gain. A hit on a path below `envelope.REST`
starts it as out of silence; one on a path that is heard goes on from its phase and amplitude.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp import biquad, clipper, envelope, hiss, noise, tone
from remapd.dsp.approximation import db_amplitude
from remapd.dsp.kernel import CHUNK_FRAMES, compiled
from remapd.parameters import Parameter, ParameterTable

TABLE = ParameterTable(
    "kick808",
    [
        Parameter("osc1.freq", "Hz", 30.0, 120.0, 50.0, "Tune: frequency of the body as it fades."),
        Parameter("osc1.punch", "ratio", 0.0, 8.0, 3.0, "How far the punch starts above the body's frequency."),
        Parameter("osc1.drop", "ratio", 0.0, 1.0, 0.15, "How far the pitch drops as the body fades."),
        Parameter("punch_env.decay", "ms", 5.0, 200.0, 50.0, "Time in which the punch falls by 60 dB."),
        Parameter("osc1_env.decay", "ms", 50.0, 3000.0, 900.0, "Time in which the body falls by 60 dB, and the drop."),
        Parameter("click_env.decay", "ms", 2.0, 60.0, 12.0, "Time in which the click falls by 60 dB."),
        Parameter("click_filter.freq", "Hz", 200.0, 12000.0, 3000.0, "Tone: cutoff of the click's low-pass.", "log"),
        Parameter("click_gain.gain", "dB", -60.0, 12.0, -12.0, "Level of the click relative to the body."),
        Parameter("tanh.in_gain", "dB", -12.0, 30.0, 0.0, "Drive: gain into the soft clipper."),
        Parameter("gain.gain", "dB", -60.0, 6.0, -4.0, "Level."),
    ],
)

#: Q of the click's low-pass: maximally flat.
CLICK_Q = math.sqrt(0.5)

_SCRATCH = (CHUNK_FRAMES,)
STATE = np.dtype(
    [
        ("sample_rate", np.float64),
        ("punch", np.float64),
        ("drop", np.float64),
        ("punch_env", envelope.STATE),
        ("drop_env", envelope.STATE),
        ("body", tone.STATE),
        ("click", hiss.STATE),
        ("clipper", clipper.STATE),
        ("sweep", np.float64, _SCRATCH),
        ("fall", np.float64, _SCRATCH),
        ("mix", np.float64, _SCRATCH),
    ],
    align=True,
)


@compiled
def reset(voice: Any, sample_rate: float, seed: int) -> None:
    """Make it silent and ready for a sample rate; `seed` chooses the noise."""
    voice.sample_rate = sample_rate
    hiss.reset(voice.click, seed)
    silence(voice)


@compiled
def silence(voice: Any) -> None:
    """Stop at once."""
    envelope.reset(voice.punch_env)
    envelope.reset(voice.drop_env)
    tone.silence(voice.body)
    hiss.silence(voice.click)


@compiled
def is_active(voice: Any) -> bool:
    """Whether the body or the click sounds; the pitch envelopes alone cannot be heard."""
    return tone.is_active(voice.body) or hiss.is_active(voice.click)


@compiled
def trigger(voice: Any, values: Any) -> None:
    """Start a hit with ``values[:10]`` in the table's order and units."""
    rests, rate, drive_db = tone.rests(voice.body), voice.sample_rate, values[8]
    clipper.set_gain(voice.clipper, db_amplitude(values[9]), not (rests and hiss.rests(voice.click)), rate)
    _trigger_pitch(voice, values, 0.0 if rests else 1.0)
    # The sweep is a ratio already; at the top of punch and drop the frequency is far below half of any sample rate.
    tone.trigger(voice.body, values[0], 1.0, values[4], db_amplitude(drive_db), rate)
    hiss.trigger(voice.click, values[5], db_amplitude(values[7] + drive_db) * noise.density_gain(rate), rate)
    biquad.set_low_pass(voice.click.filter, values[6], CLICK_Q, rate)


@compiled
def _trigger_pitch(voice: Any, values: Any, scale: float) -> None:
    voice.punch = values[1]
    voice.drop = values[2]
    envelope.trigger(voice.punch_env, values[3], voice.sample_rate, scale)
    envelope.trigger(voice.drop_env, values[4], voice.sample_rate, scale)


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
    n = envelope.frames_left(voice.punch_env, limit)
    n = envelope.frames_left(voice.drop_env, n)
    n = tone.frames_left(voice.body, n)
    return hiss.frames_left(voice.click, n)


@compiled
def _mix_paths(voice: Any, n: int) -> None:
    """Set ``mix[:n]`` to the sum of the paths."""
    mix = voice.mix
    for i in range(n):
        mix[i] = 0.0
    _render_sweep(voice, n)
    tone.add(voice.body, voice.sweep, mix, n)
    hiss.add(voice.click, mix, n)


@compiled
def _render_sweep(voice: Any, n: int) -> None:
    """Set ``sweep[:n]`` to what is added to the frequency, as a ratio of it."""
    punch, drop, sweep, fall = voice.punch, voice.drop, voice.sweep, voice.fall
    envelope.render(voice.punch_env, sweep, n)
    envelope.render(voice.drop_env, fall, n)
    for i in range(n):
        sweep[i] = punch * sweep[i] + drop * fall[i]
