"""The simple drum against its formula, and hits on one that still sounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from remapd.dsp import level, tone
from remapd.synth.presets import load_preset
from remapd.synth.registry import SYNTHS
from tests import snare808_reference as reference
from tests.models import shipped_presets
from tests.voices import default_with, hit, make_voice, rendered, values_of

SYNTH = SYNTHS["simple_drum"]
TABLE = SYNTH.table
RATES = (44100.0, 48000.0, 96000.0)
TONE_ALONE = {"noise_gain__gain": -60.0, "osc1__mod": 0.0, "osc1__freq": 60.0, "osc1_env__decay": 1000.0}


def _formula(values, sample_rate, n, seed=0):
    v = TABLE.mapping(values)
    drive, noise_gain, gain = (10.0 ** (v[k] / 20.0) for k in ("tanh.in_gain", "noise_gain.gain", "gain.gain"))
    e_f = reference.envelope(v["freq_env.decay"], sample_rate, n)
    tone = reference.oscillator(v["osc1.freq"], v["osc1.mod"], e_f, sample_rate)
    tone *= reference.envelope(v["osc1_env.decay"], sample_rate, n)
    hiss = reference.envelope(v["noise_env.decay"], sample_rate, n) * reference.white_noise(seed, n)
    # The noise has the same power in each Hz at every rate, that at 44.1 kHz.
    return gain * np.tanh(drive * (tone + noise_gain * np.sqrt(sample_rate / 44100.0) * hiss))


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("path", shipped_presets("simple_drum"), ids=lambda path: path.stem)
def test_a_preset_follows_the_formula(path, sample_rate):
    values, n = load_preset(path).values, int(0.4 * sample_rate)
    np.testing.assert_allclose(hit(SYNTH, values, sample_rate, n, 3), _formula(values, sample_rate, n, 3), atol=5e-9)


@settings(max_examples=60, deadline=None)
@given(values=values_of(TABLE), sample_rate=st.sampled_from(RATES))
@example(values=TABLE.minimum, sample_rate=44100.0)
@example(values=TABLE.maximum, sample_rate=44100.0)
def test_any_values_follow_the_formula(values, sample_rate):
    np.testing.assert_allclose(hit(SYNTH, values, sample_rate, 2000), _formula(values, sample_rate, 2000), atol=2e-5)


@pytest.mark.parametrize("name", ["gain.gain", "tanh.in_gain"])
@pytest.mark.parametrize("change_db", [-18.0, 6.0])
def test_a_new_level_on_a_sounding_voice_does_not_click(name, change_db):
    values, voice = default_with(TABLE, **TONE_ALONE), make_voice(SYNTH)
    SYNTH.trigger(voice, values)
    before = rendered(SYNTH, voice, 650)
    values[TABLE.index(name)] += change_db
    SYNTH.trigger(voice, values)
    heard = np.concatenate([before[-100:], rendered(SYNTH, voice, 100)])
    # A sine of 60 Hz rises by 0.008 a sample; a step of 6 dB or more would be 0.2.
    assert np.abs(np.diff(heard)).max() < 0.03
    assert np.abs(before[-1]) > 0.2


def test_a_new_gain_is_reached_in_a_millisecond():
    values, voice = default_with(TABLE, **TONE_ALONE), make_voice(SYNTH)
    SYNTH.trigger(voice, values)
    rendered(SYNTH, voice, 1000)
    values[TABLE.index("gain.gain")] -= 20.0
    other = voice.copy()
    SYNTH.trigger(voice, values)
    values[TABLE.index("gain.gain")] += 20.0
    SYNTH.trigger(other, values)
    quiet, loud = rendered(SYNTH, voice, 200), rendered(SYNTH, other, 200)
    np.testing.assert_allclose(quiet[47:], 0.1 * loud[47:], rtol=1e-8)
    np.testing.assert_allclose(quiet[0] / loud[0], 1.0 - 0.9 / 48.0, rtol=1e-6)


def test_a_hit_on_a_sounding_voice_goes_on_from_its_phase_and_level():
    values, voice = default_with(TABLE, noise_gain__gain=-60.0), make_voice(SYNTH)
    SYNTH.trigger(voice, values)
    rendered(SYNTH, voice, 2000)
    phase, height, sweep = voice["tone"]["osc"]["phase"], voice["tone"]["env"]["level"], voice["freq_env"]["level"]
    SYNTH.trigger(voice, values)
    assert voice["tone"]["osc"]["phase"] == phase - np.floor(phase)
    assert (voice["tone"]["env"]["start"], voice["freq_env"]["start"]) == (height, sweep)


@settings(max_examples=30, deadline=None)
@given(first=values_of(TABLE), second=values_of(TABLE))
def test_a_hit_on_what_still_sounds_below_rest_starts_anew(first, second):
    first[2:5] = np.minimum(first[2:5], 60.0)
    voice, fresh = make_voice(SYNTH), make_voice(SYNTH)
    SYNTH.trigger(voice, first)
    rendered(SYNTH, voice, 100)
    while not (tone.rests(voice["tone"]) and level.rests(voice["noise_level"])):
        rendered(SYNTH, voice, 1)
    assert SYNTH.is_active(voice)
    fresh["noise"] = voice["noise"]
    for either in (voice, fresh):
        SYNTH.trigger(either, second)
    np.testing.assert_array_equal(rendered(SYNTH, voice, 1000), rendered(SYNTH, fresh, 1000))
