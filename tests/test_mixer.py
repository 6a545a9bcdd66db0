import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.engine import mixer
from remapd.engine.controls import MIX_RAMP_MS, TRACK_PARAMETERS

RATE = 48000.0
RAMP = round(MIX_RAMP_MS * RATE / 1000)


def parameters(**values):
    vector = TRACK_PARAMETERS.default.copy()
    for name, value in values.items():
        vector[TRACK_PARAMETERS.index(name)] = value
    return vector


def make(silent=False, **values):
    mix = np.zeros(1, mixer.STATE)[0]
    mixer.reset(mix)
    mixer.configure(mix, parameters(**values), silent, RATE)
    return mix


def add(mix, dry, voice, splits=(), sounding=True):
    n = len(dry)
    left, right = np.zeros(n), np.zeros(n)
    edges = [0, *sorted(splits), n]
    for start, stop in itertools.pairwise(edges):
        a, b = np.zeros(stop - start), np.zeros(stop - start)
        mixer.add(mix, dry[start:stop].copy(), voice[start:stop].copy(), sounding, a, b, stop - start)
        left[start:stop], right[start:stop] = a, b
    return left, right


def test_defaults_pass_the_voice_at_unity_on_both_sides():
    voice = np.linspace(-1, 1, 64)
    left, right = add(make(), np.ones(64), voice)
    np.testing.assert_allclose(left, voice, atol=1e-12)
    np.testing.assert_allclose(right, voice, atol=1e-12)


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.0, 0.7, 1.0])
def test_pan_keeps_the_power(pan):
    left, right = add(make(pan=pan), np.zeros(4), np.ones(4))
    np.testing.assert_allclose(left**2 + right**2, 2.0)
    if abs(pan) == 1.0:
        assert min(abs(left[0]), abs(right[0])) == 0.0


def test_dry_wet_is_a_mix_of_the_two():
    left, _ = add(make(dry_wet=0.25, gain_db=-6.0), np.full(4, 1.0), np.full(4, 0.0))
    np.testing.assert_allclose(left, 0.75 * 10 ** (-6 / 20))


def test_first_settings_take_effect_at_once_and_later_ones_are_ramped():
    mix = make(gain_db=0.0)
    mixer.configure(mix, parameters(gain_db=-60.0), False, RATE)
    left, _ = add(mix, np.zeros(2 * RAMP), np.ones(2 * RAMP))
    steps = np.diff(left)
    assert np.abs(steps).max() < 1.5 / RAMP
    assert left[RAMP - 1] == pytest.approx(1e-3)
    assert (left[RAMP:] == left[RAMP - 1]).all()


@settings(deadline=None, max_examples=40)
@given(splits=st.lists(st.integers(0, 2 * RAMP), max_size=8), wet=st.floats(0, 1), pan=st.floats(-1, 1))
def test_blocks_do_not_matter(splits, wet, pan):
    rng = np.random.default_rng(3)
    dry, voice = rng.standard_normal((2, 2 * RAMP))
    results = []
    for edges in ((), splits):
        mix = make()
        mixer.configure(mix, parameters(dry_wet=wet, pan=pan), False, RATE)
        results.append(add(mix, dry, voice, edges))
    np.testing.assert_array_equal(results[0], results[1])


def test_a_muted_track_is_silent_after_the_ramp():
    mix = make()
    mixer.configure(mix, parameters(), True, RATE)
    left, right = add(mix, np.ones(2 * RAMP), np.ones(2 * RAMP))
    assert not left[RAMP:].any()
    assert not right[RAMP:].any()


@settings(deadline=None, max_examples=30)
@given(splits=st.lists(st.integers(0, 100), max_size=5))
def test_level_of_a_hit_is_ramped_while_sounding(splits):
    mix = make()
    mixer.set_level(mix, 0.25, True, RATE)
    voice = np.ones(100)
    edges = [0, *sorted(splits), 100]
    for start, stop in itertools.pairwise(edges):
        mixer.apply_level(mix, voice, start, stop)
    ramp = round(RATE / 1000)
    assert np.abs(np.diff(voice)).max() < 0.8 / ramp
    np.testing.assert_allclose(voice[ramp:], 0.25)
    whole = np.ones(100)
    again = make()
    mixer.set_level(again, 0.25, True, RATE)
    mixer.apply_level(again, whole, 0, 100)
    np.testing.assert_array_equal(whole, voice)


def test_level_of_a_hit_from_silence_is_there_at_once():
    mix = make()
    mixer.set_level(mix, 0.5, False, RATE)
    voice = np.ones(4)
    mixer.apply_level(mix, voice, 0, 4)
    np.testing.assert_array_equal(voice, 0.5)
