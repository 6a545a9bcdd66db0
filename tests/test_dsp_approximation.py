"""Each approximation stays within the error it states, over its whole range, and never leaves the finite numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from remapd.dsp import approximation as ap

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def _over(function, x):
    return np.array([function(value) for value in x])


def test_sin_turns():
    x = np.concatenate([np.linspace(-3.0, 3.0, 20001), np.random.default_rng(1).uniform(-1e5, 1e5, 20000)])
    exact = np.sin(2.0 * np.pi * (x - np.round(x)))
    assert np.abs(_over(ap.sin_turns, x) - exact).max() < 2e-11
    assert ap.sin_turns(0.0) == 0.0


def test_log2_and_its_kin():
    x = 2.0 ** np.random.default_rng(2).uniform(-1000.0, 1000.0, 20000)
    assert np.abs(_over(ap.log2, x) - np.log2(x)).max() < 2e-12
    y = 10.0 ** np.random.default_rng(2).uniform(-12.0, 3.0, 20000)
    assert np.abs(_over(ap.log10, y) - np.log10(y)).max() < 1e-12
    assert np.abs(_over(ap.amplitude_db, y) - 20.0 * np.log10(y)).max() < 2e-11
    assert ap.log2(1.0) == 0.0
    assert ap.log2(0.0) == -1023.0


def test_exp2_and_its_kin():
    x = np.linspace(-1000.0, 1000.0, 20001)
    assert np.abs(_over(ap.exp2, x) / np.exp2(x) - 1.0).max() < 1e-10
    db = np.linspace(-200.0, 60.0, 5001)
    assert np.abs(_over(ap.db_amplitude, db) / 10.0 ** (db / 20.0) - 1.0).max() < 1e-10
    assert ap.exp2(0.0) == 1.0


def test_tanh():
    x = np.concatenate([np.linspace(-30.0, 30.0, 60001), np.geomspace(1e-12, 1.0, 2000)])
    assert np.abs(_over(ap.tanh, x) - np.tanh(x)).max() < 5e-11
    assert ap.tanh(0.0) == 0.0
    assert (ap.tanh(100.0), ap.tanh(-100.0)) == (1.0, -1.0)


def test_erf():
    x = np.concatenate([np.linspace(-7.0, 7.0, 60001), np.geomspace(1e-12, 1.0, 2000)])
    assert np.abs(_over(ap.erf, x) - special.erf(x)).max() < 1e-10
    assert ap.erf(0.0) == 0.0


@pytest.mark.parametrize("function", [ap.tanh, ap.erf, ap.exp2, ap.log2], ids=["tanh", "erf", "exp2", "log2"])
@given(x=ANY_FLOAT)
def test_anything_gives_a_finite_value(function, x):
    assert math.isfinite(function(x))
