"""Filter, envelope, oscillator and noise against independent forms of each, and for any division into blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import bilinear, freqz, lfilter

from remapd.dsp import biquad, envelope, noise, oscillator
from tests import snare808_reference as reference

RATES = (44100.0, 48000.0, 88200.0, 96000.0)
BLOCKS = st.lists(st.integers(1, 64), min_size=20, max_size=60)


def _record(block):
    return np.zeros(1, block.STATE)[0]


def _high_pass(cutoff_hz, q, sample_rate):
    record = _record(biquad)
    biquad.set_high_pass(record, cutoff_hz, q, sample_rate)
    return record


@settings(max_examples=40, deadline=None)
@given(cutoff_hz=st.floats(20.0, 22050.0), q=st.floats(0.5, 10.0), sample_rate=st.sampled_from(RATES))
def test_the_filter_against_scipy(cutoff_hz, q, sample_rate):
    x = np.random.default_rng(1).uniform(-1.0, 1.0, 1000)
    y = np.empty(1000)
    biquad.process(_high_pass(cutoff_hz, q, sample_rate), x, y, 1000)
    np.testing.assert_allclose(y, reference.high_pass(x, cutoff_hz, q, sample_rate), atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(hz=st.floats(20.0, 20000.0), q=st.floats(0.5, 10.0), sample_rate=st.sampled_from(RATES))
def test_band_and_low_pass_are_analog_filters_after_the_bilinear_transform(hz, q, sample_rate):
    w = 2.0 * sample_rate * np.tan(np.pi * hz / sample_rate)
    for set_kind, numerator in ((biquad.set_band_pass, [w / q, 0.0]), (biquad.set_low_pass, [w * w])):
        record = _record(biquad)
        set_kind(record, hz, q, sample_rate)
        b, a = bilinear(numerator, [1.0, w / q, w * w], sample_rate)
        np.testing.assert_allclose([record["b0"], record["b1"], record["b2"]], b, rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose([record["a1"], record["a2"]], a[1:], rtol=1e-9, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(blocks=BLOCKS)
def test_the_filter_keeps_its_state_between_blocks(blocks):
    n = sum(blocks)
    x, whole, parts = np.random.default_rng(2).standard_normal(n), np.empty(n), np.empty(n)
    biquad.process(_high_pass(600.0, 0.7, 48000.0), x, whole, n)
    record, start = _high_pass(600.0, 0.7, 48000.0), 0
    for size in blocks:
        biquad.process(record, x[start:], parts[start:], size)
        start += size
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("sample_rate", RATES)
def test_the_filter_has_its_gain_at_the_cutoff(sample_rate):
    f = _high_pass(1000.0, 2.0, sample_rate)
    b, a = [f["b0"], f["b1"], f["b2"]], [1.0, f["a1"], f["a2"]]
    _, response = freqz(b, a, worN=[1000.0], fs=sample_rate)
    assert abs(response[0]) == pytest.approx(2.0)
    assert np.abs(lfilter(b, a, np.ones(20000))[-1]) < 1e-9


@settings(max_examples=60, deadline=None)
@given(
    cutoff_hz=st.floats(100.0, 22050.0),
    q=st.floats(0.5, 10.0) | st.just(0.5),
    states=st.tuples(*2 * [st.floats(-9, 9)]),
    level=st.sampled_from([envelope.REST, envelope.SILENCE]),
)
@example(cutoff_hz=12000.0, q=0.5, states=(1.0, 1.0), level=envelope.SILENCE)
def test_the_filter_is_silent_once_it_has_rung_out(cutoff_hz, q, states, level):
    record = _high_pass(cutoff_hz, q, 48000.0)
    record["s1"], record["s2"] = states
    n, bound = biquad.ring_frames(record, level), biquad.ring_level(record)
    y = np.empty(n + 500)
    biquad.process(record, np.zeros(len(y)), y, len(y))
    assert np.abs(y[n:]).max() <= level
    assert np.abs(y).max() <= bound * (1.0 + 1e-9) + 1e-100


def _envelope(decay_ms, sample_rate, start=0.0):
    record = _record(envelope)
    record["level"] = start
    envelope.trigger(record, decay_ms, sample_rate, 1.0)
    return record


def _run(record, n, blocks):
    out, start = np.empty(n), 0
    while start < n:
        size = envelope.frames_left(record, min(blocks[start % len(blocks)], n - start))
        envelope.render(record, out[start:], size)
        start += size
    return out


@settings(max_examples=40, deadline=None)
@given(decay_ms=st.floats(10.0, 60.0), sample_rate=st.sampled_from(RATES), blocks=BLOCKS)
def test_the_envelope_follows_its_formula_however_it_is_cut(decay_ms, sample_rate, blocks):
    n = int(0.1 * sample_rate)
    whole = _run(_envelope(decay_ms, sample_rate), n, [n])
    np.testing.assert_array_equal(_run(_envelope(decay_ms, sample_rate), n, blocks), whole)
    np.testing.assert_allclose(whole, reference.envelope(decay_ms, sample_rate, n), atol=1e-12)


def test_the_attack_ends_with_1_and_the_decay_begins_with_1():
    assert _run(_envelope(100.0, 48000.0), 50, [50])[[0, 46, 47, 48]].tolist() == [1.0 / 48.0, 47.0 / 48.0, 1.0, 1.0]


@given(start=st.floats(0.0, 3.0))
def test_the_attack_rises_from_the_present_level(start):
    heard = _run(_envelope(100.0, 48000.0, start), 48, [7])
    np.testing.assert_allclose(heard, start + (1.0 - start) * np.arange(1, 49) / 48.0, atol=1e-12)


def test_an_envelope_rests_before_it_is_over():
    record, levels = _envelope(20.0, 48000.0), []
    assert envelope.rests(record)
    while envelope.is_active(record):
        levels.append(_run(record, 1, [1])[0])
        assert envelope.rests(record) == (levels[-1] < 1e-4 or not envelope.is_active(record))
    assert 1e-7 <= levels[-1] < 1.02e-7
    assert levels[0] == 1.0 / 48.0


def test_two_triggers_in_one_frame_count_as_one():
    record = _envelope(100.0, 48000.0)
    before = _run(record, 500, [500])[-1]
    for scale in (4.0, 0.5):
        envelope.trigger(record, 100.0, 48000.0, scale)
    assert record["start"] == 2.0 * before


@settings(max_examples=30, deadline=None)
@given(hz=st.floats(20.0, 2000.0), sweep=st.floats(-1.0, 2.0), blocks=BLOCKS)
def test_the_oscillator_sums_its_frequency(hz, sweep, blocks):
    n = sum(blocks)
    e_f, level = reference.envelope(20.0, 48000.0, n), np.linspace(1.0, 0.5, n)
    record, mix, start = _record(oscillator), np.zeros(n), 0
    record["amplitude"] = 0.5
    oscillator.tune(record, hz, sweep, 48000.0)
    for size in blocks:
        oscillator.add(record, e_f[start:], level[start:], mix[start:], size)
        start += size
    np.testing.assert_allclose(mix, 0.5 * level * reference.oscillator(hz, sweep, e_f, 48000.0), atol=1e-9)


def test_tuning_drops_whole_turns_only():
    record = _record(oscillator)
    record["phase"] = 12345.25
    oscillator.tune(record, 100.0, 0.0, 48000.0)
    assert record["phase"] == 0.25


def _noise(number):
    record = _record(noise)
    noise.seed(record, number)
    return record


@settings(max_examples=20, deadline=None)
@given(number=st.integers(0, 2**31 - 1), blocks=BLOCKS)
def test_the_noise_is_the_stated_hash(number, blocks):
    n = sum(blocks)
    record, out, start = _noise(number), np.empty(n), 0
    for size in blocks:
        noise.render(record, np.ones(size), out[start:], size)
        start += size
    np.testing.assert_array_equal(out, reference.white_noise(number, n))


def test_the_noise_is_white_and_uniform():
    n = 200_000
    out = np.empty(n)
    noise.render(_noise(7), np.ones(n), out, n)
    assert out.min() >= -1.0
    assert out.max() < 1.0
    assert abs(out.mean()) < 0.006
    assert out.var() == pytest.approx(1.0 / 3.0, rel=0.01)
    for lag in (1, 2, 3, 64, 1000):
        assert abs(np.mean(out[lag:] * out[:-lag])) < 0.004
    histogram = np.histogram(out, 64, (-1.0, 1.0))[0]
    assert np.sum((histogram - n / 64) ** 2 / (n / 64)) < 120.0


def test_the_noise_goes_round_without_a_break():
    record, out = _record(noise), np.empty(4)
    record["position"] = 2**32 - 2
    noise.render(record, np.ones(4), out, 4)
    around = [noise.sample(np.uint64(k)) for k in (2**32 - 2, 2**32 - 1, 0, 1)]
    np.testing.assert_array_equal(out, around)
