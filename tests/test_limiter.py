import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.engine import limiter

RATE = 48000.0


def make(ceiling_db: float = -1.0, release_ms: float = 50.0, drive_db: float = 0.0):
    state = np.zeros(1, limiter.STATE)[0]
    limiter.reset(state)
    limiter.configure(state, drive_db, ceiling_db, release_ms, RATE)
    return state


def run(state, left, right, splits=()):
    left, right = left.copy(), right.copy()
    edges = [0, *sorted(splits), len(left)]
    for start, stop in itertools.pairwise(edges):
        a, b = left[start:stop].copy(), right[start:stop].copy()
        limiter.limit(state, a, b, stop - start)
        left[start:stop], right[start:stop] = a, b
    return left, right


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**31),
    scale=st.sampled_from([1e-3, 0.5, 2.0, 1e6]),
    ceiling_db=st.floats(-24.0, 0.0),
    splits=st.lists(st.integers(0, 400), max_size=6),
)
def test_no_peak_passes_and_blocks_do_not_matter(seed, scale, ceiling_db, splits):
    rng = np.random.default_rng(seed)
    left, right = rng.standard_normal((2, 400)) * scale
    whole = run(make(ceiling_db), left, right)
    parts = run(make(ceiling_db), left, right, splits)
    assert max(np.abs(whole[0]).max(), np.abs(whole[1]).max()) <= 10 ** (ceiling_db / 20) * (1 + 1e-12)
    np.testing.assert_array_equal(whole, parts)


def test_quiet_sound_is_untouched():
    left, right = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 1000))
    a, b = run(make(), left, right)
    np.testing.assert_array_equal((a, b), (left, right))


def test_both_sides_are_pulled_alike():
    left, right = np.full(100, 4.0), np.full(100, 0.1)
    a, b = run(make(), left, right)
    np.testing.assert_allclose(a / b, 40.0)


def test_lets_go_within_its_release_time():
    state = make(ceiling_db=0.0, release_ms=10.0)
    signal = np.full(4800, 0.5)
    signal[0] = 10.0
    out, _ = run(state, signal, signal)
    assert out[1] == pytest.approx(0.05, rel=0.05)
    # After one time constant 1 - 1/e of the way back is done.
    assert out[480] == pytest.approx(0.5 * (0.1 + 0.9 * (1 - np.exp(-1))), rel=0.01)
    assert out[-1] == pytest.approx(0.5, rel=1e-3)


def test_drive_is_applied_before_the_ceiling():
    out, _ = run(make(ceiling_db=0.0, drive_db=6.0), np.full(10, 0.25), np.zeros(10))
    np.testing.assert_allclose(out, 0.25 * 10 ** (6 / 20))
