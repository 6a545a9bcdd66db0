"""Onset features against the published formulas, across sample rates, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from remapd.errors import FieldError
from remapd.features import descriptors
from remapd.features.descriptors import BASIC_FEATURES, FEATURES, N_FEATURES, FeatureSpec, measure_array

FULL_BAND = FeatureSpec(bandwidth_hz=24000.0)
RATES = (44100.0, 48000.0, 88200.0, 96000.0)


def _published(x, sample_rate):
    """The published formulas, for a window whose size is a power of two."""
    loudness = 20.0 * np.log10(np.sqrt(np.mean(x**2) + 1e-8) + 1e-8)
    hann = 0.5 * (1.0 - np.cos(2.0 * np.pi * np.arange(x.size) / x.size))
    magnitude = np.abs(np.fft.rfft(x * hann))
    hz = np.fft.rfftfreq(x.size, 1.0 / sample_rate)
    centroid = np.sum(hz * magnitude / max(np.sum(magnitude), 1e-12))
    power = np.maximum(magnitude**2, 1e-10)
    flatness = np.exp(np.mean(np.log(power))) / np.mean(power)
    return [loudness, 12.0 * np.log2((centroid + 1e-8) / 440.0) + 69.0, 20.0 * np.log10(flatness + 1e-8)]


def _state(spec=None, sample_rate=48000.0):
    state = np.zeros(1, descriptors.STATE)[0]
    descriptors.prepare(state, spec or FeatureSpec(), sample_rate)
    return state


def _drum(sample_rate, seconds=0.05):
    """A band-limited drum-like sound, the same at every rate: decaying partials up to 9 kHz with fixed phases."""
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    random = np.random.default_rng(5)
    partials = zip(random.uniform(150.0, 9000.0, 60), random.uniform(0.0, 1.0, 60), strict=True)
    return 0.1 * sum(np.exp(-t * hz / 60.0) * np.sin(2.0 * np.pi * (hz * t + phase)) for hz, phase in partials)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), level_db=st.floats(-120.0, 12.0), tilt=st.floats(0.0, 0.99))
def test_they_are_the_published_formulas(seed, level_db, tilt):
    x = np.random.default_rng(seed).standard_normal(256)
    for i in range(1, 256):
        x[i] += tilt * x[i - 1]
    x *= 10.0 ** (level_db / 20.0)
    np.testing.assert_allclose(measure_array(x, 48000.0, FULL_BAND)[:3], _published(x, 48000.0), atol=1e-7)


def test_long_windows_follow_the_same_formulas():
    x = 0.1 * np.random.default_rng(1).standard_normal(2048)
    spec = FeatureSpec(window_ms=1000.0 * 2048 / 48000.0, bandwidth_hz=24000.0)
    np.testing.assert_allclose(measure_array(x, 48000.0, spec)[:3], _published(x, 48000.0), atol=1e-7)


@pytest.mark.parametrize("window", [256, 2048])
@pytest.mark.parametrize("sample_rate", RATES)
def test_a_sound_has_the_same_features_at_every_rate(window, sample_rate):
    spec = FeatureSpec(window_ms=1000.0 * window / 48000.0)
    expected = measure_array(_drum(48000.0), 48000.0, spec)
    got = measure_array(_drum(sample_rate), sample_rate, spec)
    # Loudness in dB, centroid in semitones; the flatness of a sparse spectrum depends on where its bins lie.
    np.testing.assert_allclose(got[:2], expected[:2], atol=0.3)
    assert got[2] == pytest.approx(expected[2], abs=3.0)
    np.testing.assert_allclose(got[3:6], expected[3:6], atol=0.3)
    # A peak may lie between two samples.
    assert got[6] == pytest.approx(expected[6], abs=1.0)


@pytest.mark.parametrize("sample_rate", RATES)
def test_noise_has_the_same_features_at_every_rate(sample_rate):
    random, spec = np.random.default_rng(7), FeatureSpec(bandwidth_hz=15000.0)
    up, down = {44100.0: (147, 320), 48000.0: (1, 2), 88200.0: (147, 160), 96000.0: (1, 1)}[sample_rate]
    at_96 = resample_poly(0.1 * random.standard_normal(32000), 3, 1)
    sound, reference = resample_poly(at_96, up, down), resample_poly(at_96, 1, 2)
    got, expected = (
        np.mean([measure_array(x[int(s * rate) :], rate, spec) for s in np.arange(0.05, 0.95, 0.01)], axis=0)
        for x, rate in ((sound, sample_rate), (reference, 48000.0))
    )
    np.testing.assert_allclose(got[:6], expected[:6], atol=0.15)
    assert got[6] == pytest.approx(expected[6], abs=0.4)


@settings(max_examples=30, deadline=None)
@given(first=st.integers(0, 2**40), size=st.sampled_from([256, 512, 4096]))
def test_the_window_may_lie_anywhere_in_the_ring(first, size):
    x = np.random.default_rng(3).standard_normal(256)
    ring, out = np.random.default_rng(4).standard_normal(size), np.empty(N_FEATURES)
    ring[(first + np.arange(256)) % size] = x
    descriptors.measure(_state(), ring, first, out)
    np.testing.assert_array_equal(out, measure_array(x, 48000.0))


@pytest.mark.parametrize("sample_rate", [8000.0, 11025.0, *RATES, 192000.0])
@pytest.mark.parametrize("level", [0.0, 1e-300, 1.0, 1e6])
def test_they_are_always_finite(sample_rate, level):
    for window_ms in (1.0, 1000.0 * 256 / 48000.0, 42.0):
        spec = FeatureSpec(window_ms=window_ms, pre_roll_ms=0.0)
        for shape in (np.ones, np.zeros, lambda n: np.random.default_rng(1).standard_normal(n)):
            assert np.isfinite(measure_array(level * shape(8192), sample_rate, spec)).all()


def test_silence():
    loudness, centroid, flatness, low, mid, late, crest = measure_array(np.zeros(256), 48000.0)
    assert loudness == pytest.approx(-80.0, abs=0.001)
    assert centroid == pytest.approx(12.0 * np.log2(1e-8 / 440.0) + 69.0)
    assert flatness == pytest.approx(0.0, abs=1e-6)
    assert (late, crest) == (0.0, 0.0)
    assert -50.0 < low < 0.0
    assert -50.0 < mid < 0.0


def test_too_few_samples_are_padded():
    np.testing.assert_array_equal(
        measure_array([0.5, 0.25], 48000.0), measure_array([0.5, 0.25] + [0.0] * 300, 48000.0)
    )


def test_a_sine_has_its_own_pitch():
    t = np.arange(2048) / 48000.0
    spec = FeatureSpec(window_ms=42.0)
    centroid = measure_array(np.sin(2.0 * np.pi * 1760.0 * t), 48000.0, spec)[1]
    assert centroid == pytest.approx(93.0, abs=0.1)


def test_the_window_in_frames_at_each_rate():
    spec = FeatureSpec()
    assert [spec.window_frames(rate) for rate in RATES] == [235, 256, 470, 512]
    assert [spec.pre_roll_frames(rate) for rate in RATES] == [15, 16, 29, 32]
    assert [spec.fft_size(rate) for rate in RATES] == [256, 256, 512, 512]
    assert FeatureSpec(window_ms=1.0).fft_size(8000.0) == 16


def test_the_first_three_are_the_published_ones():
    assert FEATURES.names == ("loudness_db", "centroid_st", "flatness_db", "low_db", "mid_db", "late_db", "crest_db")
    assert BASIC_FEATURES == ("loudness_db", "centroid_st", "flatness_db")


def _shape(x, sample_rate):
    """Low, mid, late and crest from their formulas, for a window whose size is a power of two."""
    hann = 0.5 * (1.0 - np.cos(2.0 * np.pi * np.arange(x.size) / x.size))
    power = np.maximum(np.abs(np.fft.rfft(x * hann)) ** 2, 1e-10)
    # 0 Hz has no octave and counts as a thousandth of a bin.
    hz = np.maximum(np.fft.rfftfreq(x.size, 1.0 / sample_rate), 1e-3 * sample_rate / x.size)
    weights = 1.0 / (1.0 + (hz / 350.0) ** 4), 1.0 / (1.0 + (2.0 * np.log2(hz / 1000.0)) ** 4)
    shares = [10.0 * np.log10(np.sum(weight * power) / np.sum(power) + 1e-5) for weight in weights]
    first, second = (np.sum(half**2) for half in np.split(x, 2))
    floor = 1e-4 * (first + second)
    late = 10.0 * np.log10((second + floor) / (first + floor))
    return [*shares, late, 20.0 * np.log10(np.max(np.abs(x)) / np.sqrt(np.mean(x**2)))]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), tilt=st.floats(0.0, 0.99), decay=st.floats(0.0, 20.0))
def test_the_others_follow_their_formulas(seed, tilt, decay):
    x = np.random.default_rng(seed).standard_normal(256) * np.exp(-decay * np.arange(256) / 256.0)
    for i in range(1, 256):
        x[i] += tilt * x[i - 1]
    np.testing.assert_allclose(measure_array(0.1 * x, 48000.0, FULL_BAND)[3:], _shape(0.1 * x, 48000.0), atol=1e-6)


@given(gain_db=st.floats(-40.0, 20.0))
def test_the_others_do_not_depend_on_the_level(gain_db):
    x = 0.1 * np.random.default_rng(2).standard_normal(256)
    louder = measure_array(10.0 ** (gain_db / 20.0) * x, 48000.0)
    np.testing.assert_allclose(louder[3:], measure_array(x, 48000.0)[3:], atol=1e-4)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"window_ms": 0.5}, "window_ms"),
        ({"window_ms": 100.0}, "window_ms"),
        ({"window_ms": "5"}, "window_ms"),
        ({"window_ms": float("nan")}, "window_ms"),
        ({"pre_roll_ms": -0.1}, "pre_roll_ms"),
        ({"pre_roll_ms": 6.0}, "pre_roll_ms"),
        ({"bandwidth_hz": 10.0}, "bandwidth_hz"),
    ],
)
def test_specifications_that_do_not_fit(fields, name):
    with pytest.raises(FieldError) as caught:
        FeatureSpec(**fields)
    assert caught.value.field == f"features.{name}"


def test_a_window_too_long_for_the_rate_is_refused():
    with pytest.raises(FieldError, match="at most 8192 samples at 384000 Hz"):
        _state(FeatureSpec(window_ms=42.0), 384000.0)
