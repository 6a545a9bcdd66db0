"""The FM drum against its formula, its sidebands, and hits on one that still sounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from remapd.dsp import hiss, tone
from remapd.synth.presets import load_preset
from remapd.synth.registry import SYNTHS
from tests import snare808_reference as reference
from tests.models import shipped_presets
from tests.voices import default_with, hit, make_voice, rendered, values_of

SYNTH = SYNTHS["fm_drum"]
TABLE = SYNTH.table
RATES = (44100.0, 48000.0, 96000.0)


def _turns(frequency_hz, sweep, decay_ms, sample_rate, n):
    held_hz = min(frequency_hz, 0.49 * sample_rate)
    held_sweep = min(sweep, 0.49 * sample_rate / held_hz - 1.0)
    e_f = reference.envelope(decay_ms, sample_rate, n)
    return np.concatenate([[0.0], np.cumsum(held_hz * (1.0 + held_sweep * e_f))[:-1]]) / sample_rate


def _index(v, sample_rate):
    """Index at which as many sidebands as Carson counts are still below half the rate."""
    top_1 = v["osc1.freq"] * max(1.0, 1.0 + v["osc1.mod"])
    top_2 = v["osc1.freq"] * v["osc2.ratio"] * max(1.0, 1.0 + v["osc2.mod"])
    return np.clip((0.49 * sample_rate - top_1) / top_2 - 1.0, 0.0, v["osc2.index"])


def _formula(values, sample_rate, n, seed=0):
    v = TABLE.mapping(values)
    drive, noise_gain, gain = (10.0 ** (v[k] / 20.0) for k in ("tanh.in_gain", "noise_gain.gain", "gain.gain"))
    e = {name: reference.envelope(v[f"{name}.decay"], sample_rate, n) for name in ("osc1_env", "osc2_env", "noise_env")}
    modulator_hz = v["osc1.freq"] * v["osc2.ratio"]
    turns_2 = _turns(modulator_hz, v["osc2.mod"], v["osc2_freq_env.decay"], sample_rate, n)
    modulation = _index(v, sample_rate) * e["osc2_env"] * np.sin(2.0 * np.pi * turns_2)
    turns_1 = _turns(v["osc1.freq"], v["osc1.mod"], v["osc1_freq_env.decay"], sample_rate, n)
    carrier = e["osc1_env"] * np.sin(2.0 * np.pi * turns_1 + modulation)
    burst = e["noise_env"] * np.sqrt(sample_rate / 44100.0) * reference.white_noise(seed, n)
    noise = reference.high_pass(burst, v["noise_filter.freq"], np.sqrt(0.5), sample_rate)
    return gain * np.tanh(drive * (carrier + noise_gain * noise))


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("path", shipped_presets("fm_drum"), ids=lambda path: path.stem)
def test_a_preset_follows_the_formula(path, sample_rate):
    values, n = load_preset(path).values, int(0.4 * sample_rate)
    np.testing.assert_allclose(hit(SYNTH, values, sample_rate, n, 3), _formula(values, sample_rate, n, 3), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(values=values_of(TABLE), sample_rate=st.sampled_from(RATES))
@example(values=TABLE.minimum, sample_rate=44100.0)
@example(values=TABLE.maximum, sample_rate=44100.0)
def test_any_values_follow_the_formula(values, sample_rate):
    np.testing.assert_allclose(hit(SYNTH, values, sample_rate, 2000), _formula(values, sample_rate, 2000), atol=2e-4)


def test_sidebands_that_fold_back_stay_weak():
    values = default_with(
        TABLE, osc1__freq=1000.0, osc1__mod=0.0, osc2__ratio=8.0, osc2__index=10.0, noise_gain__gain=-60.0
    )
    values[[TABLE.index(f"osc{i}_env.decay") for i in (1, 2)]] = 2000.0
    values[TABLE.index("tanh.in_gain")] = -24.0
    spectrum = np.abs(np.fft.rfft(hit(SYNTH, values, 44100.0, 4410)[441:] * np.hanning(3969))) ** 2
    frequencies = np.fft.rfftfreq(3969, 1.0 / 44100.0)
    true_hz = np.array([1000.0, 9000.0, 7000.0, 17000.0, 15000.0])
    is_true = (np.abs(frequencies[:, None] - true_hz) < 100.0).any(axis=1)
    assert spectrum[~is_true].sum() < 0.02 * spectrum.sum()


def test_without_index_it_is_a_sine():
    values = default_with(TABLE, osc2__index=0.0, noise_gain__gain=-60.0)
    plain = default_with(SYNTHS["simple_drum"].table, noise_gain__gain=-60.0)
    for name, other in (("osc1.freq",) * 2, ("osc1.mod",) * 2, ("osc1_freq_env.decay", "freq_env.decay")):
        plain[SYNTHS["simple_drum"].table.index(other)] = values[TABLE.index(name)]
    plain_sound = hit(SYNTHS["simple_drum"], plain, 48000.0, 4000)
    assert np.abs(hit(SYNTH, values, 48000.0, 4000) - plain_sound).max() < 2e-3


def _low_tone(**changes):
    return default_with(
        TABLE,
        **{
            "osc1__freq": 40.0,
            "osc1__mod": 0.0,
            "osc2__ratio": 0.5,
            "osc1_env__decay": 2000.0,
            "osc2_env__decay": 2000.0,
            "noise_gain__gain": -60.0,
            **changes,
        },
    )


@pytest.mark.parametrize(
    "changes", [{"gain__gain": -40.0}, {"tanh__in_gain": -20.0}, {"osc2__index": 0.0}, {"osc2__index": 6.0}]
)
def test_new_values_on_a_sounding_voice_do_not_click(changes):
    voice = make_voice(SYNTH)
    SYNTH.trigger(voice, _low_tone())
    before = rendered(SYNTH, voice, 700)
    SYNTH.trigger(voice, _low_tone(**changes))
    heard = np.concatenate([before[-100:], rendered(SYNTH, voice, 100)])
    assert np.abs(np.diff(heard)).max() < 0.05
    assert np.abs(before[-1]) > 0.2


@settings(max_examples=30, deadline=None)
@given(first=values_of(TABLE), second=values_of(TABLE))
def test_a_hit_on_what_still_sounds_below_rest_starts_anew(first, second):
    first[5:10] = np.minimum(first[5:10], 60.0)
    first[10] = max(first[10], 300.0)
    voice, fresh = make_voice(SYNTH), make_voice(SYNTH)
    SYNTH.trigger(voice, first)
    rendered(SYNTH, voice, 100)
    while not (tone.rests(voice["carrier"]) and hiss.rests(voice["hiss"])):
        rendered(SYNTH, voice, 1)
    assert SYNTH.is_active(voice)
    fresh["hiss"]["noise"] = voice["hiss"]["noise"]
    for either in (voice, fresh):
        SYNTH.trigger(either, second)
    np.testing.assert_array_equal(rendered(SYNTH, voice, 1000), rendered(SYNTH, fresh, 1000))
