"""The 808 hand clap: noise with bursts and a tail, through a band-pass and a soft clipper.

``y = tanh(BP(g_t (g_b bursts + g_r e_r) noise))``, after the TR-808: a few bursts some 10 ms apart stand for the hands
of a crowd (`remapd.dsp.bursts`), a decay of its own for the room. The noise has the same power in each Hz at any rate.

The gains lie before the filter, which so holds the sound's absolute amplitude: a hit while it sounds goes on from there
and from the present levels, and drops what was to come of the hit before. A part below `envelope.REST` starts as out of
silence; the filter starts empty if both parts and it itself rest. The clap sounds until parts and filter have fallen
below `envelope.SILENCE`, relative to the louder part. The noise runs on from hit to hit, and stands in silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp import biquad, bursts, level, noise
from remapd.dsp.approximation import db_amplitude, tanh
from remapd.dsp.envelope import REST, SILENCE
from remapd.dsp.kernel import CHUNK_FRAMES, compiled
from remapd.parameters import Parameter, ParameterTable

TABLE = ParameterTable(
    "clap808",
    [
        Parameter("bursts.count", "", 1.0, 5.0, 4.0, "Number of bursts; a fraction is the level of a last one."),
        Parameter("bursts.spacing", "ms", 4.0, 25.0, 10.0, "Time from the first burst to the second."),
        Parameter("bursts.spread", "ratio", -0.3, 0.3, 0.0, "How much longer each gap is than that before."),
        Parameter("bursts.decay", "ms", 3.0, 60.0, 15.0, "Time in which a burst falls by 60 dB.", "log"),
        Parameter("tail_env.decay", "ms", 10.0, 1000.0, 250.0, "Time in which the tail falls by 60 dB.", "log"),
        Parameter("noise_filter.freq", "Hz", 200.0, 8000.0, 1100.0, "Centre of the noise's band-pass.", "log"),
        Parameter("noise_filter.q", "", 0.5, 10.0, 1.5, "Narrowness of the noise's band-pass.", "log"),
        Parameter("bursts_gain.gain", "dB", -60.0, 6.0, 0.0, "Level of the bursts."),
        Parameter("tail_gain.gain", "dB", -60.0, 6.0, -9.0, "Level of the tail."),
        Parameter("tanh.in_gain", "dB", -24.0, 24.0, 6.0, "Gain into the filter and the soft clipper."),
    ],
)

STATE = np.dtype(
    [
        ("sample_rate", np.float64),
        ("noise", noise.STATE),
        ("bursts", bursts.STATE),
        ("tail", level.STATE),
        ("filter", biquad.STATE),
        ("ring_left", np.int64),  # frames that the filter still rings after the noise
        ("level", np.float64, (CHUNK_FRAMES,)),
        ("mix", np.float64, (CHUNK_FRAMES,)),
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
    bursts.reset(voice.bursts)
    level.reset(voice.tail)
    biquad.reset(voice.filter)
    voice.ring_left = 0


@compiled
def is_active(voice: Any) -> bool:
    """Whether the noise sounds or the filter rings."""
    return _has_source(voice) or bool(voice.ring_left > 0)


@compiled
def _has_source(voice: Any) -> bool:
    return bursts.is_active(voice.bursts) or level.is_active(voice.tail)


@compiled
def _loudest(voice: Any) -> float:
    return max(voice.bursts.amplitude, voice.tail.amplitude)


@compiled
def _rests(voice: Any) -> bool:
    is_quiet = bursts.rests(voice.bursts) and level.rests(voice.tail)
    return is_quiet and bool(biquad.ring_level(voice.filter) <= REST * _loudest(voice))


@compiled
def trigger(voice: Any, values: Any) -> None:
    """Start a hit with ``values[:10]`` in the table's order and units."""
    rate = voice.sample_rate
    if _rests(voice):
        biquad.reset(voice.filter)
    drive = db_amplitude(values[9]) * noise.density_gain(rate)
    amplitude = db_amplitude(values[7]) * drive
    bursts.trigger(voice.bursts, values[0], values[1], values[2], values[3], amplitude, rate)
    level.trigger(voice.tail, values[4], db_amplitude(values[8]) * drive, rate)
    biquad.set_band_pass(voice.filter, values[5], values[6], rate)
    voice.ring_left = 0


@compiled
def render(voice: Any, out: Any, start: int, stop: int) -> None:
    """Add the next frames to ``out[start:stop]``."""
    mix = voice.mix
    while start < stop and is_active(voice):
        n = _stretch(voice, min(stop - start, CHUNK_FRAMES))
        _render_noise(voice, n)
        biquad.process(voice.filter, mix, mix, n)
        for i in range(n):
            out[start + i] += tanh(mix[i])
        _count_ring(voice, n)
        start += n


@compiled
def _stretch(voice: Any, limit: int) -> int:
    """Frames until an envelope enters another stage or the filter has rung out."""
    if voice.ring_left > 0:
        return min(limit, voice.ring_left)
    return level.frames_left(voice.tail, bursts.frames_left(voice.bursts, limit))


@compiled
def _render_noise(voice: Any, n: int) -> None:
    """Set ``mix[:n]`` to what goes into the filter."""
    mix, both = voice.mix, voice.level
    if voice.ring_left > 0:
        for i in range(n):
            mix[i] = 0.0
        return
    bursts.render(voice.bursts, mix, n)
    level.render(voice.tail, both, n)
    for i in range(n):
        both[i] += mix[i]
    noise.render(voice.noise, both, mix, n)


@compiled
def _count_ring(voice: Any, n: int) -> None:
    """Find how long the filter rings as the noise ends, and count it down from then on."""
    if voice.ring_left > 0:
        voice.ring_left -= n
    elif not _has_source(voice):
        voice.ring_left = biquad.ring_frames(voice.filter, SILENCE * _loudest(voice))
