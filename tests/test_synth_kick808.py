"""The 808 kick against its formula, what its parameters are for, and hits on one that still sounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from remapd.dsp import hiss, tone
from remapd.synth.presets import load_preset
from remapd.synth.registry import SYNTHS
from tests import snare808_reference as reference
from tests.models import shipped_presets
from tests.voices import default_with, hit, make_voice, rendered, values_of

SYNTH = SYNTHS["kick808"]
TABLE = SYNTH.table
RATES = (44100.0, 48000.0, 96000.0)


def _low_pass(x, cutoff_hz, q, sample_rate):
    k = np.tan(np.pi * min(cutoff_hz, 0.49 * sample_rate) / sample_rate)
    return lfilter([k * k, 2.0 * k * k, k * k], [1.0 + k / q + k * k, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k], x)


def _formula(values, sample_rate, n, seed=0):
    v = TABLE.mapping(values)
    drive, click_gain, gain = (10.0 ** (v[k] / 20.0) for k in ("tanh.in_gain", "click_gain.gain", "gain.gain"))
    e = {
        name: reference.envelope(v[f"{name}.decay"], sample_rate, n) for name in ("osc1_env", "punch_env", "click_env")
    }
    frequency_hz = v["osc1.freq"] * (1.0 + v["osc1.punch"] * e["punch_env"] + v["osc1.drop"] * e["osc1_env"])
    turns = np.concatenate([[0.0], np.cumsum(frequency_hz)[:-1]]) / sample_rate
    burst = e["click_env"] * np.sqrt(sample_rate / 44100.0) * reference.white_noise(seed, n)
    click = _low_pass(burst, v["click_filter.freq"], np.sqrt(0.5), sample_rate)
    return gain * np.tanh(drive * (e["osc1_env"] * np.sin(2.0 * np.pi * turns) + click_gain * click))


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("path", shipped_presets("kick808"), ids=lambda path: path.stem)
def test_a_preset_follows_the_formula(path, sample_rate):
    values, n = load_preset(path).values, int(0.4 * sample_rate)
    np.testing.assert_allclose(hit(SYNTH, values, sample_rate, n, 3), _formula(values, sample_rate, n, 3), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(values=values_of(TABLE), sample_rate=st.sampled_from(RATES))
@example(values=TABLE.minimum, sample_rate=44100.0)
@example(values=TABLE.maximum, sample_rate=44100.0)
def test_any_values_follow_the_formula(values, sample_rate):
    np.testing.assert_allclose(hit(SYNTH, values, sample_rate, 2000), _formula(values, sample_rate, 2000), atol=2e-4)


def test_it_ends_at_its_tune():
    values = default_with(TABLE, osc1__freq=60.0, osc1_env__decay=500.0, tanh__in_gain=-12.0, click_gain__gain=-60.0)
    sound = hit(SYNTH, values, 48000.0, 48000)[19200:24000]
    crossings = np.flatnonzero((sound[:-1] < 0.0) & (sound[1:] >= 0.0))
    # The drop, 0.15 of the tune at first, has all but ended.
    assert np.diff(crossings).mean() == pytest.approx(48000.0 / 60.0, rel=2e-3)


def test_punch_moves_the_first_cycle_and_not_the_tail():
    low, high = (default_with(TABLE, osc1__punch=punch, click_gain__gain=-60.0) for punch in (0.0, 6.0))
    cycles = [np.flatnonzero(np.diff(np.sign(hit(SYNTH, v, 48000.0, 4800))) < 0)[0] for v in (low, high)]
    assert cycles[1] < 0.5 * cycles[0]


@pytest.mark.parametrize("cutoff_hz", [500.0, 5000.0])
def test_the_click_is_as_loud_at_every_rate(cutoff_hz):
    values = default_with(
        TABLE, click_gain__gain=12.0, click_env__decay=60.0, click_filter__freq=cutoff_hz, tanh__in_gain=-12.0
    )
    bare = default_with(TABLE, tanh__in_gain=-12.0, click_gain__gain=-60.0)

    def click_rms(rate):
        clicks = [hit(SYNTH, values, rate, int(0.03 * rate), seed) for seed in range(60)]
        return np.sqrt(np.mean((np.array(clicks) - hit(SYNTH, bare, rate, int(0.03 * rate))) ** 2))

    assert click_rms(96000.0) == pytest.approx(click_rms(48000.0), rel=0.06)


@pytest.mark.parametrize("changes", [{"gain__gain": -40.0}, {"tanh__in_gain": 12.0}, {"osc1__punch": 8.0}])
def test_new_values_on_a_sounding_voice_do_not_click(changes):
    plain = {"osc1__punch": 0.0, "click_gain__gain": -60.0}
    voice = make_voice(SYNTH)
    SYNTH.trigger(voice, default_with(TABLE, **plain))
    before = rendered(SYNTH, voice, 1200)
    SYNTH.trigger(voice, default_with(TABLE, **{**plain, **changes}))
    heard = np.concatenate([before[-100:], rendered(SYNTH, voice, 100)])
    assert np.abs(np.diff(heard)).max() < 0.05
    assert np.abs(before[-1]) > 0.2


@settings(max_examples=30, deadline=None)
@given(first=values_of(TABLE), second=values_of(TABLE))
def test_a_hit_on_what_still_sounds_below_rest_starts_anew(first, second):
    first[3:6] = np.minimum(first[3:6], 60.0)
    voice, fresh = make_voice(SYNTH), make_voice(SYNTH)
    SYNTH.trigger(voice, first)
    rendered(SYNTH, voice, 100)
    while not (tone.rests(voice["body"]) and hiss.rests(voice["click"])):
        rendered(SYNTH, voice, 1)
    assert SYNTH.is_active(voice)
    fresh["click"]["noise"] = voice["click"]["noise"]
    for either in (voice, fresh):
        SYNTH.trigger(either, second)
    np.testing.assert_array_equal(rendered(SYNTH, voice, 1000), rendered(SYNTH, fresh, 1000))
