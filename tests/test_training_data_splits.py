"""Splits are even over loudness, complete, and the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.errors import FieldError
from remapd.training.splits import even_split, reference_hit

LOUDNESS = st.lists(st.floats(-80.0, 0.0), min_size=4, max_size=120).map(np.array)
SEEDS = st.integers(0, 1000)


def parts(split):
    return [split.train, split.validation, split.test]


@given(LOUDNESS, SEEDS, st.floats(0.0, 0.3), st.floats(0.0, 0.3))
def test_each_hit_is_in_one_part(loudness, seed, validation, test):
    split = even_split(loudness, seed, validation, test)
    assert sorted(np.concatenate(parts(split))) == list(range(len(loudness)))
    assert all(np.all(np.diff(part) > 0) for part in parts(split))
    assert len(split.test) == (max(1, round(test * len(loudness))) if test else 0)
    assert len(split.validation) == (max(1, round(validation * len(loudness))) if validation else 0)


@given(LOUDNESS, SEEDS)
def test_the_same_seed_draws_the_same_hits(loudness, seed):
    for one, other in zip(parts(even_split(loudness, seed)), parts(even_split(loudness, seed)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_seeds_draw_others():
    drawn = {tuple(even_split(np.arange(100.0), seed).test) for seed in range(20)}
    assert len(drawn) == 20


@given(SEEDS)
def test_one_of_each_rank_of_loudness_is_tested(seed):
    loudness = np.random.default_rng(seed).uniform(-60.0, 0.0, 100)
    split = even_split(loudness, seed)
    rank = np.argsort(np.argsort(loudness))
    np.testing.assert_array_equal(np.sort(rank[split.test]) // 10, np.arange(10))
    # What the test took may move a rank of validation by at most one place for each hit.
    rest = np.sort(np.concatenate([split.train, split.validation]))
    of_rest = np.argsort(np.argsort(loudness[rest]))[np.searchsorted(rest, split.validation)]
    np.testing.assert_array_equal(np.sort(of_rest) // 9, np.arange(10))


@given(LOUDNESS, SEEDS, st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.data())
def test_the_reference_is_trained_on(loudness, seed, validation, test, data):
    reference = data.draw(st.integers(0, len(loudness) - 1))
    split = even_split(loudness, seed, validation, test, reference)
    assert reference in split.train
    assert sorted(np.concatenate(parts(split))) == list(range(len(loudness)))


def test_what_leaves_nothing_to_train_on_is_refused():
    with pytest.raises(FieldError, match="split"):
        even_split(np.zeros(2), 0)
    with pytest.raises(FieldError, match="test"):
        even_split(np.zeros(20), 0, test=1.0)
    with pytest.raises(FieldError, match="loudness_db"):
        even_split(np.array([0.0, np.nan, 1.0]), 0)


def test_the_reference_is_the_hit_of_median_loudness():
    loudness = np.array([-40.0, -3.0, -20.0, -19.0, -5.0])
    assert reference_hit(loudness, np.ones(5)) == 3
    assert reference_hit([-7.0], [0.1]) == 0
    with pytest.raises(FieldError, match="at least one hit"):
        reference_hit([], [])


def test_a_reference_that_rings_out_is_preferred():
    loudness = np.arange(-20.0, 0.0)
    horizon = np.full(20, 0.2)
    horizon[[2, 12, 19]] = 0.8
    assert reference_hit(loudness, horizon) == 9  # Fewer than a quarter: those as long as most are chosen from.
    horizon[[5, 17]] = 0.8
    assert reference_hit(loudness, horizon) == 12
