"""The built-in performance holds what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from remapd.demo.acoustic_snare import Stroke
from remapd.demo.performance import TOO_LATE_S, Performance, perform


@pytest.fixture(scope="module")
def performance() -> Performance:
    return perform()


def peak_db(performance: Performance, stroke: Stroke, seconds: float = 0.01) -> float:
    start = round(stroke.time_s * performance.sample_rate)
    piece = performance.samples[start : start + round(seconds * performance.sample_rate)]
    return float(20.0 * np.log10(np.abs(piece).max()))


def test_lasts_about_as_long_as_said_and_is_not_clipped(performance: Performance) -> None:
    assert 15.0 < len(performance.samples) / performance.sample_rate < 20.0
    assert performance.samples.dtype == np.float32
    assert 0.5 < np.abs(performance.samples).max() < 1.0


def test_holds_what_is_hard_to_follow(performance: Performance) -> None:
    strokes = performance.strokes
    times = np.array([stroke.time_s for stroke in strokes])
    gaps = np.diff(times)
    assert np.all(gaps > 0.010)
    assert sum(0.040 <= gap <= 0.050 for gap in gaps) >= 4
    assert sum(0.013 <= gap <= 0.021 for gap in gaps) >= 40
    assert {stroke.kind for stroke in strokes} == {"head", "rimshot", "sidestick", "stick"}
    ghosts = [stroke for stroke in strokes if 2.6 < stroke.time_s < 6.2 and stroke.velocity < 0.12]
    assert len(ghosts) >= 8
    assert all(peak_db(performance, ghost) < -30.0 for ghost in ghosts)
    assert max(stroke.position for stroke in strokes) > 0.9
    assert min(stroke.position for stroke in strokes) < 0.05
    assert strokes[-1].kind == "rimshot"


def test_quiet_before_the_first_stroke_but_not_silent(performance: Performance) -> None:
    before = performance.samples[: round(0.4 * performance.sample_rate)]
    level_db = 20.0 * np.log10(np.sqrt(np.mean(before**2)))
    assert -75.0 < level_db < -60.0
    spectrum = np.abs(np.fft.rfft(before))
    assert np.argmax(spectrum) * performance.sample_rate / len(before) == pytest.approx(50.0, abs=3.0)


def test_true_onsets_are_where_the_sound_begins(performance: Performance) -> None:
    for stroke in performance.strokes:
        if stroke.velocity > 0.3:
            assert peak_db(performance, stroke, 0.002) > peak_db(performance, stroke, 0.05) - 30.0


@pytest.mark.parametrize("rate", [44100.0, 96000.0])
def test_same_strokes_at_every_rate(performance: Performance, rate: float) -> None:
    assert perform(2.0, rate).strokes == tuple(s for s in performance.strokes if s.time_s < 1.95)


def test_breaks_off_when_told(performance: Performance) -> None:
    short = perform(1.2)
    assert len(short.samples) == round(1.2 * short.sample_rate)
    assert len(short.strokes) == 2
    assert len(perform(0.1).strokes) == 0


def test_same_seed_same_performance() -> None:
    assert np.array_equal(perform(1.0).samples, perform(1.0).samples)
    assert not np.array_equal(perform(1.0).samples, perform(1.0, seed=2).samples)


def test_breaking_off_leaves_out_strokes_that_were_not_heard() -> None:
    whole = perform(3.0)
    frames = round(2.02 * whole.sample_rate)
    short = whole.until(frames)
    assert len(short.samples) == frames
    assert 0 < len(short.strokes) < len(whole.strokes)
    assert max(stroke.time_s for stroke in short.strokes) < 2.02 - TOO_LATE_S
    assert whole.until(len(whole.samples)).strokes == whole.strokes
