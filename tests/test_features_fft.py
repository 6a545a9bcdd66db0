"""The Fourier transform against NumPy's, at every size it takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.errors import FieldError
from remapd.features import fft

SIZES = [2**k for k in range(4, 14)]


def _spectrum(frame):
    state = np.zeros(1, fft.STATE)[0]
    fft.prepare(state, frame.size)
    fft.transform(state, frame)
    bins = frame.size // 2 + 1
    return state["re"][:bins] + 1j * state["im"][:bins]


@pytest.mark.parametrize("size", SIZES)
def test_noise(size):
    frame = np.random.default_rng(size).standard_normal(size)
    np.testing.assert_allclose(_spectrum(frame), np.fft.rfft(frame), atol=1e-12 * size)


@pytest.mark.parametrize("size", SIZES)
def test_an_impulse_anywhere(size):
    for place in (0, 1, 2, size // 2, size - 1):
        frame = np.zeros(size)
        frame[place] = 1.0
        np.testing.assert_allclose(_spectrum(frame), np.fft.rfft(frame), atol=1e-13)


@settings(max_examples=30, deadline=None)
@given(size=st.sampled_from(SIZES[:6]), data=st.data())
def test_any_frame(size, data):
    frame = np.array(data.draw(st.lists(st.floats(-1e3, 1e3), min_size=size, max_size=size)))
    np.testing.assert_allclose(_spectrum(frame), np.fft.rfft(frame), atol=1e-12 * size * 1e3)


def test_a_state_can_be_used_again_and_for_another_size():
    state = np.zeros(1, fft.STATE)[0]
    for size in (8192, 64, 32, 64):
        frame = np.random.default_rng(size).standard_normal(size)
        fft.prepare(state, size)
        fft.transform(state, frame)
        got = state["re"][: size // 2 + 1] + 1j * state["im"][: size // 2 + 1]
        np.testing.assert_allclose(got, np.fft.rfft(frame), atol=1e-11)


@pytest.mark.parametrize("size", [0, 8, 48, 16384, -16])
def test_other_sizes_are_refused(size):
    with pytest.raises(FieldError, match="fft_size: expected a power of two from 16 to 8192"):
        fft.prepare(np.zeros(1, fft.STATE)[0], size)
