"""Scaling of the onset features: fixed by the model, or following the player."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.errors import FieldError
from remapd.features import scaler
from remapd.features.descriptors import N_FEATURES

MINIMUM, MAXIMUM = [-60.0, 40.0, -50.0], [0.0, 120.0, 0.0]
ONE, ZERO = np.ones(3), np.zeros(3)
REST = N_FEATURES - 3


def _all(vector, rest):
    """Three features that a test is about, and the others."""
    return np.concatenate([vector, np.full(REST, rest)])


def _state(reference=(0.0, 0.0, 0.0)):
    state = np.zeros(1, scaler.STATE)[0]
    scaler.prepare(state, _all(MINIMUM, -1.0), _all(MAXIMUM, 1.0), _all(reference, 0.0))
    return state


def _scaled(state, features, adaptive=0, factor=ONE, offset=ZERO):
    scaled, centred = np.empty(N_FEATURES), np.empty(N_FEATURES)
    scaler.scale(state, _all(features, 0.0), adaptive, _all(factor, 1.0), _all(offset, 0.0), scaled, centred)
    assert scaled[3:].tolist() == centred[3:].tolist() == [0.5] * REST
    return scaled[:3], centred[:3]


def test_the_models_range_becomes_0_to_1():
    assert _scaled(_state(), MINIMUM)[0].tolist() == [0.0, 0.0, 0.0]
    assert _scaled(_state(), MAXIMUM)[0].tolist() == [1.0, 1.0, 1.0]
    assert _scaled(_state(), [-30.0, 60.0, -12.5])[0].tolist() == [0.5, 0.25, 0.75]


def test_the_reference_is_subtracted():
    scaled, centred = _scaled(_state([0.5, 0.5, 1.0]), [-30.0, 60.0, -12.5])
    assert scaled.tolist() == [0.5, 0.25, 0.75]
    assert centred.tolist() == [0.0, -0.25, -0.25]


@given(
    features=st.lists(st.floats(-400.0, 200.0), min_size=3, max_size=3),
    factor=st.lists(st.floats(-4.0, 4.0), min_size=3, max_size=3),
    offset=st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3),
    adaptive=st.integers(0, 1),
)
def test_it_never_leaves_0_to_1(features, factor, offset, adaptive):
    state = _state()
    _scaled(state, [-20.0, 80.0, -20.0], adaptive)
    scaled, _ = _scaled(state, features, adaptive, factor, offset)
    assert ((scaled >= 0.0) & (scaled <= 1.0)).all()


def test_factor_and_offset():
    scaled, _ = _scaled(_state(), [-30.0, 60.0, -12.5], 0, [2.0, 1.0, -1.0], [-0.2, 0.1, 1.0])
    np.testing.assert_allclose(scaled, [0.8, 0.35, 0.25])


def test_the_adaptive_mode_follows_the_player():
    state = _state()
    assert _scaled(state, [-30.0, 60.0, -10.0], 1)[0].tolist() == [0.5, 0.5, 0.5]
    assert _scaled(state, [-20.0, 60.0, -20.0], 1)[0].tolist() == [1.0, 0.5, 0.0]
    assert _scaled(state, [-25.0, 70.0, -30.0], 1)[0].tolist() == [0.5, 1.0, 0.0]
    assert _scaled(state, [-28.0, 65.0, -15.0], 1)[0].tolist() == [0.2, 0.5, 0.75]
    scaler.forget(state)
    assert _scaled(state, [-28.0, 65.0, -15.0], 1)[0].tolist() == [0.5, 0.5, 0.5]


def test_the_fixed_mode_learns_nothing():
    state = _state()
    before = state.tobytes()
    _scaled(state, [-300.0, 600.0, 10.0])
    assert state.tobytes() == before


@pytest.mark.parametrize(
    ("minimum", "maximum", "reference", "field"),
    [
        ([0.0, 40.0, -50.0], MAXIMUM, ZERO, "scaler.maximum.loudness_db"),
        ([-60.0, float("nan"), 0.0], MAXIMUM, ZERO, "scaler.minimum"),
        (MINIMUM, MAXIMUM, [0.0, 1.5, 0.0], "scaler.reference.centroid_st"),
    ],
)
def test_scalings_that_do_not_fit(minimum, maximum, reference, field):
    with pytest.raises(FieldError) as caught:
        scaler.prepare(np.zeros(1, scaler.STATE)[0], _all(minimum, -1.0), _all(maximum, 1.0), _all(reference, 0.0))
    assert caught.value.field == field


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(FieldError, match=f"scaler.maximum: expected {N_FEATURES} finite numbers"):
        scaler.prepare(np.zeros(1, scaler.STATE)[0], _all(MINIMUM, -1.0), MAXIMUM, _all(ZERO, 0.0))
