"""The score counts what is there to be counted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.demo.acoustic_snare import Stroke
from remapd.demo.performance import Performance
from remapd.demo.report import summary
from remapd.demo.score import jump_db, matched, score
from tests.demo_events import hit, status

RATE = 48000.0
TIMES = st.lists(st.floats(0.0, 1.0), max_size=12)


def clicks(times: list[float], heights: list[float]) -> Performance:
    samples = np.full(round(2.0 * RATE), 1e-4, np.float32)
    for time_s, height in zip(times, heights, strict=True):
        samples[round(time_s * RATE) : round((time_s + 0.02) * RATE)] = height
    return Performance(samples, RATE, tuple(Stroke(t, 0.5) for t in times), (("first", 0.0), ("second", 0.95)))


def test_found_missed_false_and_buried() -> None:
    performance = clicks([0.1, 0.5, 0.51, 1.0], [0.5, 0.5, 0.5, 0.3])
    result = score(performance, [hit(0.101), hit(0.502), hit(0.511), hit(1.5)])
    assert [(p.name, p.clear, p.found, p.buried) for p in result.parts] == [("first", 2, 2, 1), ("second", 1, 0, 0)]
    assert (result.clear, result.found, result.missed, result.buried, result.false) == (3, 2, 1, 1, 1)
    assert result.onset_error_ms == pytest.approx(1.0)
    assert result.sounds_after_ms == pytest.approx(6.0)


def test_nothing_heard_and_nothing_played() -> None:
    result = score(clicks([0.1], [0.5]), [])
    assert (result.found, result.missed, result.false) == (0, 1, 0)
    assert math.isnan(result.onset_error_ms)
    assert score(clicks([], []), [hit(0.3)]).false == 1
    assert score(clicks([], []), []).parts == ()


def test_jump_compares_what_is_after_with_what_is_before() -> None:
    assert jump_db(clicks([0.1], [0.1]), 0.1) == pytest.approx(60.0, abs=0.01)
    assert jump_db(clicks([0.1], [0.1]), 0.11) == pytest.approx(0.0, abs=0.01)


@given(TIMES, TIMES, st.floats(0.0, 0.5))
def test_pairs_are_one_to_one_and_within_the_tolerance(true: list[float], found: list[float], tolerance: float) -> None:
    a, b = np.array(sorted(true)), np.array(sorted(found))
    pairs = matched(a, b, tolerance)
    assert len({stroke for stroke, _ in pairs}) == len({event for _, event in pairs}) == len(pairs)
    assert all(abs(a[stroke] - b[event]) <= tolerance for stroke, event in pairs)
    # No pair that could still be made is left out.
    left = [(i, j) for i in range(len(a)) for j in range(len(b)) if abs(a[i] - b[j]) <= tolerance]
    taken = ({stroke for stroke, _ in pairs}, {event for _, event in pairs})
    assert all(i in taken[0] or j in taken[1] for i, j in left)


def test_summary_says_what_was_counted() -> None:
    performance = clicks([0.1, 0.5, 0.51], [0.5, 0.5, 0.5])
    text = "\n".join(summary(score(performance, [hit(0.1)]), status(), "snare808"))
    assert "heard 1 of 2 clear strokes; 1 missed, 0 without a stroke" in text
    assert "1 buried in the ring" in text
    assert "block of 64 frames (1333 us) computed in 9 us, p99 14 us, max 60 us; 0 late" in text
    assert "on purpose" not in text
    quiet = replace(performance, parts=(("quiet strokes", 0.0),))
    first = next(summary(score(quiet, []), status(), "snare808"))
    assert first.endswith("(they sink into the noise on purpose)")
    silent = "\n".join(summary(score(performance, []), status(callbacks=0), "snare808"))
    assert "median" not in silent
    assert "block" not in silent
