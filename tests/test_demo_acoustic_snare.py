"""The modelled snare behaves as physics and real snares say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import jn_zeros, jv

from remapd.demo.acoustic_snare import AcousticSnare, Stroke
from remapd.demo.bessel import bessel_j, bessel_zeros
from remapd.demo.drum_modes import Heads, drum_modes
from remapd.demo.snare_wires import SnareWires
from remapd.errors import FieldError

RATE = 48000.0
SNARE = AcousticSnare()


def strike(velocity: float, position: float = 0.3, kind: str = "head", rate: float = RATE) -> np.ndarray:
    return SNARE.play([Stroke(0.0, velocity, position, kind)], 1.0, rate, seed=3)  # type: ignore[arg-type]


def band_db(x: np.ndarray, low_hz: float, high_hz: float, rate: float = RATE) -> float:
    power = np.abs(np.fft.rfft(x)) ** 2 / rate**2
    frequency = np.fft.rfftfreq(len(x), 1.0 / rate)
    return float(10.0 * np.log10(power[(frequency >= low_hz) & (frequency < high_hz)].sum()))


def onset_centroid_hz(x: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(x[:256] * np.hanning(256)))
    return float((spectrum * np.fft.rfftfreq(256, 1.0 / RATE)).sum() / spectrum.sum())


def test_bessel_functions_agree_with_scipy() -> None:
    x = np.linspace(0.0, 100.0, 501)
    for order in range(0, 101, 9):
        np.testing.assert_allclose(bessel_j(order, x), jv(order, x), atol=1e-13)


def test_zeros_agree_with_scipy_and_are_complete() -> None:
    order, zero = bessel_zeros(45.0)
    assert np.all(np.diff(zero) > 0.0)
    for m in range(46):
        known = jn_zeros(m, 20)
        np.testing.assert_allclose(zero[order == m], known[known <= 45.0], atol=1e-10)


def test_modes_without_air_are_those_of_an_ideal_membrane() -> None:
    modes = drum_modes(Heads(batter_hz=200.0, air_load=0.0, cavity_hz=0.0, highest_hz=1000.0))
    batter = modes.batter > 0.5
    np.testing.assert_allclose(
        np.sort(modes.frequency_hz[batter])[:4], 200.0 * np.array([1, 1.5933, 2.1355, 2.2954]), 1e-4
    )


def test_air_between_the_heads_splits_symmetric_modes_and_keeps_their_energy() -> None:
    heads = Heads(batter_hz=200.0, resonant_hz=200.0, cavity_hz=150.0)
    modes = drum_modes(heads)
    pair = np.sort(modes.frequency_hz[modes.order == 0])[:2]
    # Equal heads: together they do not squeeze the air, against each other they squeeze it twice.
    np.testing.assert_allclose(pair, [200.0, np.sqrt(200.0**2 + 2.0 * 150.0**2)], rtol=1e-12)
    np.testing.assert_allclose(modes.batter**2 + modes.resonant**2, 1.0)


def test_shapes_have_equal_energy() -> None:
    modes = drum_modes(Heads(highest_hz=1500.0))
    radius = (np.arange(4000) + 0.5) / 4000
    for k in range(len(modes.zero)):
        one = type(modes)(*(getattr(modes, name)[k : k + 1] for name in modes.__dataclass_fields__))
        along = np.array([one.shape_at(r)[0] for r in radius[::20]])
        around = 1.0 if one.order[0] == 0 else 0.5
        assert np.mean(along**2 * 2.0 * radius[::20]) * around == pytest.approx(1.0, rel=0.05)


def test_harder_strokes_are_louder_and_brighter() -> None:
    peaks = [np.abs(strike(v)).max() for v in (0.03, 0.1, 0.3, 1.0)]
    assert np.all(np.diff(20.0 * np.log10(peaks)) > 6.0)
    # The heads and the stick by themselves: the wires grow less than the blow.
    bare = AcousticSnare(wires=SnareWires(level=0.0))
    soft, hard = (bare.play([Stroke(0.0, v)], 0.2, RATE) for v in (0.1, 1.0))
    brightness = [band_db(x, 1000.0, 4000.0) - band_db(x, 120.0, 500.0) for x in (soft, hard)]
    assert brightness[1] > brightness[0] + 2.0


def test_loudness_spans_that_of_real_snares() -> None:
    assert 20.0 * np.log10(np.abs(strike(0.03)).max()) < -40.0
    assert -10.0 < 20.0 * np.log10(np.abs(strike(1.0)).max()) < -2.0
    assert -4.0 < 20.0 * np.log10(np.abs(strike(1.0, 0.5, "rimshot")).max()) < 0.0


def test_brightness_of_the_onset_lies_where_real_snares_have_it() -> None:
    # Head strokes of three recorded snares: 0.9 to 1.7 kHz over the first 5.3 ms; rim and sidestick up to 4 kHz.
    for velocity in (0.1, 0.3, 1.0):
        assert 750.0 < onset_centroid_hz(strike(velocity)) < 2000.0
    assert 1000.0 < onset_centroid_hz(strike(0.5, 0.8, "sidestick")) < 4000.0


def test_place_changes_the_modes_that_sound() -> None:
    centre, edge = strike(0.6, 0.0), strike(0.6, 0.9)
    fundamental_share = [band_db(x, 120.0, 250.0) - band_db(x, 400.0, 1200.0) for x in (centre, edge)]
    assert fundamental_share[0] > fundamental_share[1] + 6.0


def test_hard_strokes_fall_in_pitch() -> None:
    def pitch(x: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 1 << 19))
        low = slice(int(120.0 * (1 << 19) / RATE), int(260.0 * (1 << 19) / RATE))
        return float((np.argmax(spectrum[low]) + low.start) * RATE / (1 << 19))

    bare = AcousticSnare(wires=SnareWires(level=0.0), pitch_rise=0.06)
    hard, soft = (bare.play([Stroke(0.0, v, 0.0)], 0.3, RATE)[:2400] for v in (1.0, 0.1))
    assert pitch(hard) > 1.01 * pitch(soft)


def test_wires_sound_only_beyond_their_threshold_and_then_longer_than_they_are_shaken() -> None:
    wires, time = SnareWires(), np.arange(24000) / RATE
    swing = np.where(time < 0.05, np.sin(2.0 * np.pi * 200.0 * time), 0.0)
    loud = wires.rattle(0.1 * swing, RATE, np.random.default_rng(1))
    faint = wires.rattle(1e-5 * swing, RATE, np.random.default_rng(1))
    assert np.abs(faint).max() < 1e-6 * np.abs(loud).max()
    assert np.sqrt(np.mean(loud[4800:7200] ** 2)) > 0.02 * np.sqrt(np.mean(loud[:2400] ** 2))
    assert np.abs(loud[18000:]).max() < 0.01 * np.abs(loud).max()


@settings(max_examples=25, deadline=None)
@given(
    velocity=st.floats(0.005, 1.0),
    position=st.floats(0.0, 1.0),
    kind=st.sampled_from(["head", "rimshot", "sidestick", "stick"]),
    rate=st.sampled_from([8000.0, 22050.0, 44100.0, 48000.0, 96000.0]),
)
def test_every_stroke_is_finite_and_begins_at_its_onset(
    velocity: float, position: float, kind: str, rate: float
) -> None:
    onset = round(0.1 * rate)
    x = SNARE.play([Stroke(0.1, velocity, position, kind)], 0.5, rate)  # type: ignore[arg-type]
    assert len(x) == round(0.5 * rate)
    assert np.all(np.isfinite(x))
    assert np.abs(x).max() <= 1.0
    # The wires' filter spans the whole signal, so the silence before is only as exact as rounding.
    assert np.abs(x[:onset]).max() < 1e-9
    loudest = np.abs(x).max()
    assert np.argmax(np.abs(x) > 0.0316 * loudest) - onset < 0.0015 * rate


@pytest.mark.parametrize("rate", [44100.0, 88200.0, 96000.0])
def test_sounds_alike_at_every_rate(rate: float) -> None:
    for band in ((120.0, 300.0), (300.0, 1200.0), (1200.0, 5000.0), (5000.0, 12000.0)):
        assert band_db(strike(0.6, rate=rate), *band, rate) == pytest.approx(band_db(strike(0.6), *band), abs=1.0)


def test_same_seed_same_sound() -> None:
    assert np.array_equal(strike(0.4), strike(0.4))
    assert not np.array_equal(
        SNARE.play([Stroke(0.0, 0.4)], 0.2, RATE, 1), SNARE.play([Stroke(0.0, 0.4)], 0.2, RATE, 2)
    )


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ((-0.1, 0.5), "time_s"),
        ((float("nan"), 0.5), "time_s"),
        ((0.0, 0.0), "velocity"),
        ((0.0, 1.1), "velocity"),
        ((0.0, 0.5, 1.5), "position"),
        ((0.0, 0.5, 0.5, "brush"), "kind"),
    ],
)
def test_impossible_strokes_are_refused_by_field(values: tuple, field: str) -> None:
    with pytest.raises(FieldError, match=rf"stroke\.{field}"):
        Stroke(*values)
    with pytest.raises(FieldError, match="sample_rate"):
        SNARE.play([], 1.0, 100.0)
