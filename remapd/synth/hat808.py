"""The 808 hi-hat, closed or open: six squares and noise with an envelope each, two filters and a soft clipper.

``y = tanh(HP(BP(g_t (g_m e_m squares + g_n e_n noise))))``, after the TR-808, whose hats share six oscillators of fixed
inharmonic frequencies (`remapd.dsp.squares`). A band-pass picks the partials around 8 kHz, a high-pass takes away what
it leaves of the fundamentals. Short decays make it closed, long ones open. The noise has the same power in each Hz at
every rate.

The gains lie before the filters, which so hold the sound's absolute amplitude: a hit while it sounds goes on from there
and from the phases and the present levels of its two sources. So a closed hit chokes an open one that the same voice
plays. A source below `envelope.REST` starts as out of silence; the filters start empty if both sources and they
themselves rest. The hat sounds until sources and filters have fallen below `envelope.SILENCE`, relative to the louder
source. The noise runs on from hit to hit, and stands while its envelope is over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp import biquad, level, noise, squares
from remapd.dsp.approximation import db_amplitude, tanh
from remapd.dsp.envelope import REST, SILENCE
from remapd.dsp.kernel import CHUNK_FRAMES, compiled
from remapd.parameters import Parameter, ParameterTable

TABLE = ParameterTable(
    "hat808",
    [
        Parameter("metal.tune", "ratio", 0.5, 2.0, 1.0, "Factor on the frequencies of the six squares.", "log"),
        Parameter("metal_env.decay", "ms", 10.0, 1000.0, 60.0, "Time in which the squares fall by 60 dB.", "log"),
        Parameter("noise_env.decay", "ms", 10.0, 1000.0, 40.0, "Time in which the noise falls by 60 dB.", "log"),
        Parameter("band_pass.freq", "Hz", 1000.0, 16000.0, 8500.0, "Centre of the band-pass.", "log"),
        Parameter("band_pass.q", "", 0.5, 5.0, 1.0, "Narrowness of the band-pass.", "log"),
        Parameter("high_pass.freq", "Hz", 200.0, 16000.0, 7000.0, "Cutoff of the high-pass.", "log"),
        Parameter("high_pass.q", "", 0.5, 5.0, 0.7, "Resonance of the high-pass.", "log"),
        Parameter("metal_gain.gain", "dB", -60.0, 6.0, -3.0, "Level of the squares."),
        Parameter("noise_gain.gain", "dB", -60.0, 6.0, -3.0, "Level of the noise."),
        Parameter("tanh.in_gain", "dB", -24.0, 24.0, 0.0, "Gain into the filters and the soft clipper."),
    ],
)

STATE = np.dtype(
    [
        ("sample_rate", np.float64),
        ("squares", squares.STATE),
        ("noise", noise.STATE),
        ("metal_level", level.STATE),
        ("noise_level", level.STATE),
        ("band_pass", biquad.STATE),
        ("high_pass", biquad.STATE),
        ("filters_left", np.int64),  # filters that have not begun to ring out
        ("ring_left", np.int64),  # frames that the present one still rings
        ("level", np.float64, (CHUNK_FRAMES,)),
        ("hiss", np.float64, (CHUNK_FRAMES,)),
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
    level.reset(voice.metal_level)
    level.reset(voice.noise_level)
    _empty_filters(voice)
    voice.ring_left = 0


@compiled
def _empty_filters(voice: Any) -> None:
    biquad.reset(voice.band_pass)
    biquad.reset(voice.high_pass)


@compiled
def is_active(voice: Any) -> bool:
    """Whether a source sounds or a filter rings."""
    return _has_source(voice) or bool(voice.ring_left > 0)


@compiled
def _has_source(voice: Any) -> bool:
    return level.is_active(voice.metal_level) or level.is_active(voice.noise_level)


@compiled
def _rests(voice: Any) -> bool:
    ring = max(biquad.ring_level(voice.band_pass), biquad.ring_level(voice.high_pass))
    is_quiet = level.rests(voice.metal_level) and level.rests(voice.noise_level)
    return is_quiet and bool(ring <= REST * _loudest(voice))


@compiled
def _loudest(voice: Any) -> float:
    return max(voice.metal_level.amplitude, voice.noise_level.amplitude)


@compiled
def trigger(voice: Any, values: Any) -> None:
    """Start a hit with ``values[:10]`` in the table's order and units."""
    rate, drive_db = voice.sample_rate, values[9]
    if _rests(voice):
        _empty_filters(voice)
    if level.rests(voice.metal_level):
        squares.restart(voice.squares)
    squares.tune(voice.squares, values[0], rate)
    level.trigger(voice.metal_level, values[1], db_amplitude(values[7] + drive_db), rate)
    noise_amplitude = db_amplitude(values[8] + drive_db) * noise.density_gain(rate)
    level.trigger(voice.noise_level, values[2], noise_amplitude, rate)
    biquad.set_band_pass(voice.band_pass, values[3], values[4], rate)
    biquad.set_high_pass(voice.high_pass, values[5], values[6], rate)
    voice.filters_left = 2
    voice.ring_left = 0


@compiled
def render(voice: Any, out: Any, start: int, stop: int) -> None:
    """Add the next frames to ``out[start:stop]``."""
    mix = voice.mix
    while start < stop and is_active(voice):
        n = _stretch(voice, min(stop - start, CHUNK_FRAMES))
        _mix_sources(voice, n)
        biquad.process(voice.band_pass, mix, mix, n)
        biquad.process(voice.high_pass, mix, mix, n)
        for i in range(n):
            out[start + i] += tanh(mix[i])
        _count_ring(voice, n)
        start += n


@compiled
def _stretch(voice: Any, limit: int) -> int:
    """Frames until an envelope enters another stage or a filter has rung out."""
    if voice.ring_left > 0:
        return min(limit, voice.ring_left)
    return level.frames_left(voice.noise_level, level.frames_left(voice.metal_level, limit))


@compiled
def _mix_sources(voice: Any, n: int) -> None:
    """Set ``mix[:n]`` to what goes into the filters."""
    mix, hiss = voice.mix, voice.hiss
    for i in range(n):
        mix[i] = 0.0
    if level.is_active(voice.metal_level):
        level.render(voice.metal_level, voice.level, n)
        squares.render(voice.squares, voice.level, mix, n)
    if level.is_active(voice.noise_level):
        level.render(voice.noise_level, voice.level, n)
        noise.render(voice.noise, voice.level, hiss, n)
        for i in range(n):
            mix[i] += hiss[i]


@compiled
def _count_ring(voice: Any, n: int) -> None:
    """After the sources let the band-pass ring out, then the high-pass, and count the frames."""
    if _has_source(voice):
        return
    voice.ring_left = max(0, voice.ring_left - n)
    while voice.ring_left == 0 and voice.filters_left > 0:
        filter_ = voice.band_pass if voice.filters_left == 2 else voice.high_pass
        voice.ring_left = biquad.ring_frames(filter_, SILENCE * _loudest(voice))
        voice.filters_left -= 1
