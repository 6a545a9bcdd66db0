"""The 808 hand clap against formulas from elsewhere, its bursts, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from remapd.dsp import bursts
from remapd.synth.presets import load_preset
from remapd.synth.registry import get_synth
from tests import snare808_reference as reference
from tests.models import shipped_presets
from tests.voices import hit, make_voice, rendered, values_of

CLAP = get_synth("clap808")
TABLE = CLAP.table
RATES = (44100.0, 48000.0, 96000.0)
PRESETS = {path.stem: load_preset(path).values for path in shipped_presets("clap808")}


def _changed(values, **changes):
    return TABLE.vector(TABLE.mapping(values) | {name.replace("__", "."): x for name, x in changes.items()})


def _starts_ms(spacing_ms, spread):
    """Five starts whose gaps grow by a part of the first."""
    gaps = spacing_ms * (1.0 + spread * np.arange(4))
    return np.concatenate([[0.0], np.cumsum(gaps)])


def _burst_levels(count, spacing_ms, spread, decay_ms, sample_rate, n):
    time_ms, total = 1000.0 * np.arange(n) / sample_rate, np.zeros(n)
    for k, start_ms in enumerate(_starts_ms(spacing_ms, spread)):
        since = time_ms - start_ms
        rise = np.polynomial.Polynomial([0.0, 0.0, 3.0, -2.0])(np.clip(since, 0.0, 1.0))
        total += np.clip(count - k, 0.0, 1.0) * rise * 10.0 ** (-3.0 * np.maximum(since - 1.0, 0.0) / decay_ms)
    return total


def _expected(values, sample_rate, n, seed):
    v = TABLE.mapping(values)
    gain = {part: 10.0 ** ((v[f"{part}_gain.gain"] + v["tanh.in_gain"]) / 20.0) for part in ("bursts", "tail")}
    shape = [v[f"bursts.{name}"] for name in ("count", "spacing", "spread", "decay")]
    level = gain["bursts"] * _burst_levels(*shape, sample_rate, n)
    level += gain["tail"] * reference.envelope(v["tail_env.decay"], sample_rate, n)
    noise = np.sqrt(sample_rate / 44100.0) * reference.white_noise(seed, n)
    w, q = 2.0 * sample_rate * np.tan(np.pi * v["noise_filter.freq"] / sample_rate), v["noise_filter.q"]
    return np.tanh(signal.lfilter(*signal.bilinear([w / q, 0.0], [1.0, w / q, w * w], sample_rate), level * noise))


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("values", PRESETS.values(), ids=PRESETS)
def test_a_hit_follows_the_formulas(values, sample_rate):
    n = int(0.1 * sample_rate)
    # Bursts that end at 1e-7 are left out, with their gain.
    np.testing.assert_allclose(
        hit(CLAP, values, sample_rate, n, 3), _expected(values, sample_rate, n, 3), rtol=0.0, atol=5e-7
    )


@settings(max_examples=30)
@given(values=values_of(TABLE), sample_rate=st.sampled_from(RATES))
def test_any_values_follow_the_formulas(values, sample_rate):
    # What is left out after the envelopes is 1e-7 of up to 33 dB of gain.
    np.testing.assert_allclose(
        hit(CLAP, values, sample_rate, 4000), _expected(values, sample_rate, 4000, 0), rtol=0.0, atol=1e-5
    )


def _envelope(n, count=4.0, spacing_ms=10.0, spread=0.0, decay_ms=10.0, sample_rate=48000.0, amplitude=1.0):
    record = np.zeros(1, bursts.STATE)[0]
    bursts.trigger(record, count, spacing_ms, spread, decay_ms, amplitude, sample_rate)
    return record, _run(record, n)


def _run(record, n):
    out, start = np.empty(n), 0
    while start < n:
        size = bursts.frames_left(record, min(64, n - start))
        bursts.render(record, out[start:], size)
        start += size
    return out


@pytest.mark.parametrize("spread", [-0.3, 0.0, 0.3])
def test_the_bursts_peak_one_attack_after_their_starts(spread):
    _, heard = _envelope(4800, 5.0, 10.0, spread)
    peaks, _ = signal.find_peaks(heard, height=0.5)
    np.testing.assert_allclose(peaks / 48.0, _starts_ms(10.0, spread) + 1.0, atol=0.1)


@pytest.mark.parametrize("sample_rate", RATES)
def test_the_bursts_are_the_same_at_every_rate(sample_rate):
    every_ms = slice(None, None, round(sample_rate / 500.0))
    _, heard = _envelope(round(0.08 * sample_rate), 3.5, 7.3, 0.1, 12.0, sample_rate)
    if sample_rate != 44100.0:
        np.testing.assert_allclose(heard[every_ms], _envelope(3840, 3.5, 7.3, 0.1, 12.0)[1][::96], atol=1e-9)
    np.testing.assert_allclose(
        heard, _burst_levels(3.5, 7.3, 0.1, 12.0, sample_rate, len(heard)), rtol=0.0, atol=1.01e-7
    )


def test_part_of_a_burst_is_a_softer_one():
    full, part, none = (_envelope(3000, count)[1] for count in (3.0, 2.25, 2.0))
    np.testing.assert_allclose(part - none, 0.25 * (full - none), atol=1e-7)
    assert (full - none).max() > 0.9


def test_the_bursts_end_after_the_last_that_sounds():
    for count, last_ms in ((1.0, 0.0), (2.5, 20.0), (5.0, 40.0)):
        record, _ = _envelope(1, count)
        frames = 1
        while bursts.is_active(record):
            _run(record, 1)
            frames += 1
        assert frames / 48.0 == pytest.approx(last_ms + 1.0 + 10.0 * 7.0 / 3.0, abs=0.1)


def test_bursts_to_come_are_no_rest():
    record, heard = _envelope(round(48 * 24.0), 2.0, 25.0, 0.0, 3.0)
    assert heard[-1] < 1e-7
    assert not bursts.rests(record)
    assert _run(record, 480).max() > 0.9


def test_a_trigger_drops_the_bursts_to_come_and_starts_from_the_present_level():
    record, before = _envelope(500, 4.0, 10.0, 0.0, 60.0, amplitude=2.0)
    bursts.trigger(record, 1.0, 10.0, 0.0, 10.0, 0.5, 48000.0)
    after = _run(record, 3000)
    assert after[0] == pytest.approx(before[-1], rel=0.02)
    rise = np.clip(np.arange(3000) / 48.0, 0.0, 1.0)
    alone = _burst_levels(0.5, 10.0, 0.0, 10.0, 48000.0, 3000)
    np.testing.assert_allclose(after, alone + before[-1] * (1.0 - rise * rise * (3.0 - 2.0 * rise)), atol=1e-7)


def test_other_gains_on_a_sounding_clap_make_no_click():
    loud = _changed(PRESETS["clap_808"], noise_filter__freq=300.0, noise_filter__q=10.0)
    voice, undisturbed = make_voice(CLAP), make_voice(CLAP)
    for each in (voice, undisturbed):
        CLAP.trigger(each, loud)
        rendered(CLAP, each, 700)
    CLAP.trigger(voice, _changed(loud, tanh__in_gain=-20.0, tail_gain__gain=6.0))
    heard, on = rendered(CLAP, voice, 3), rendered(CLAP, undisturbed, 3)
    assert np.abs(rendered(CLAP, undisturbed, 100)).max() > 0.02
    assert abs(heard[0] - on[0]) < 0.001


def test_a_clap_out_of_silence_starts_with_an_empty_filter():
    voice, again = make_voice(CLAP), make_voice(CLAP)
    CLAP.trigger(voice, PRESETS["clap_tight"])
    rendered(CLAP, voice, 24000)
    assert not CLAP.is_active(voice)
    again["noise"]["position"] = voice["noise"]["position"]
    for each in (voice, again):
        CLAP.trigger(each, PRESETS["clap_tight"])
    np.testing.assert_array_equal(rendered(CLAP, voice, 3000), rendered(CLAP, again, 3000))


def _level_db(x):
    return 10.0 * np.log10(np.mean(x**2))


@pytest.mark.parametrize("values", PRESETS.values(), ids=PRESETS)
def test_the_clap_is_as_loud_at_every_rate(values):
    levels = {}
    for rate in RATES:
        hits = [hit(CLAP, values, rate, int(0.3 * rate), seed) for seed in range(12)]
        levels[rate] = _level_db(np.concatenate(hits))
    assert max(levels.values()) - min(levels.values()) < 1.0


@pytest.mark.parametrize("values", PRESETS.values(), ids=PRESETS)
def test_a_preset_is_a_clap(values):
    x = hit(CLAP, values, 44100.0, 44100)
    assert -12.0 < 20.0 * np.log10(np.abs(x).max()) < -1.0
    hz, power = signal.welch(x, 44100.0, nperseg=1024)
    assert 600.0 < hz[np.argmax(power)] < 2500.0
    v = TABLE.mapping(values)
    around = [int(44.1 * ms) for ms in _starts_ms(v["bursts.spacing"], v["bursts.spread"])[: int(v["bursts.count"])]]
    sounds = np.stack([hit(CLAP, values, 44100.0, 4410, seed) for seed in range(40)])
    level_db = 10.0 * np.log10(np.mean(sounds**2, axis=0))
    for start in around[1:]:
        assert level_db[start + 44 : start + 100].mean() > level_db[start - 60 : start].mean() + 3.0


@pytest.mark.parametrize("parameter", range(4), ids=["count", "spacing", "spread", "decay"])
def test_the_bursts_have_the_gradients_of_their_formula(parameter):
    torch = pytest.importorskip("torch")
    from remapd.training.ddsp.clap808 import burst_envelope

    weights = np.random.default_rng(0).standard_normal(4000)
    values = np.array([3.3, 8.7, 0.11, 14.0])
    given_values = torch.tensor(values[:, None], requires_grad=True)
    level = burst_envelope(*given_values, 4000, 44100.0)[0]
    np.testing.assert_allclose(level.detach(), _burst_levels(*values, 44100.0, 4000), atol=1e-12)
    (level * torch.from_numpy(weights)).sum().backward()
    step = np.zeros(4)
    step[parameter] = 1e-6
    change = _burst_levels(*(values + step), 44100.0, 4000) - _burst_levels(*(values - step), 44100.0, 4000)
    assert given_values.grad[parameter, 0].item() == pytest.approx(weights @ change / 2e-6, rel=1e-4)


def test_two_triggers_in_one_frame_count_as_one():
    once, twice = make_voice(CLAP), make_voice(CLAP)
    for voice, times in ((once, 1), (twice, 2)):
        CLAP.trigger(voice, TABLE.default)
        rendered(CLAP, voice, 700)
        for _ in range(times):
            CLAP.trigger(voice, _changed(TABLE.default, tanh__in_gain=-10.0))
    np.testing.assert_allclose(rendered(CLAP, twice, 2000), rendered(CLAP, once, 2000), atol=1e-12)
