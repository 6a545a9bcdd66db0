"""Properties of the onset detector on sounds that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from remapd.dsp.kernel import CHUNK_FRAMES
from remapd.errors import FieldError
from remapd.onsets import detector
from remapd.onsets.decision import REASONS
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.onsets.trace import analyse
from tests.drum_signals import at_rate, coloured_noise, hum, performance, sweep

RATES = (44100, 48000, 88200, 96000)
GROOVE_S = [0.3, 0.55, 0.8, 0.845, 1.2, 1.45, 1.7, 1.9]
GROOVE_DB = [-6.0, -30.0, -9.0, -6.0, -3.0, -40.0, -6.0, -20.0]
GROOVE = performance(GROOVE_S, GROOVE_DB, 2.4)


def onsets(samples, sample_rate, **values):
    return analyse(samples, sample_rate, values).onsets_s


def reasons(samples, sample_rate, **values):
    return {candidate.reason for candidate in analyse(samples, sample_rate, values).candidates}


def run_in_blocks(samples, sample_rate, blocks):
    """Candidates and final state of a run in which block lengths repeat."""
    state = np.zeros(1, dtype=detector.STATE)[0]
    detector.reset(state, float(sample_rate))
    detector.configure(state, ONSET_PARAMETERS.default, float(sample_rate))
    found, start, turn = [], 0, 0
    while start < len(samples):
        length = min(blocks[turn % len(blocks)], len(samples) - start)
        count = detector.detect(state, samples[start : start + length], length, start)
        found += [state["candidates"][i].tobytes() for i in range(count)]
        start, turn = start + length, turn + 1
    state["candidates"] = np.zeros(1, dtype=detector.STATE)[0]["candidates"]
    return found, state.tobytes()


@settings(max_examples=10)
@given(st.lists(st.integers(1, CHUNK_FRAMES), min_size=1, max_size=8), st.sampled_from(RATES))
def test_any_split_into_blocks_gives_the_same_bits(blocks, sample_rate):
    samples = at_rate(GROOVE, sample_rate)[: sample_rate // 2]
    expected = run_in_blocks(samples, sample_rate, [CHUNK_FRAMES])
    assert len(expected[0]) > 0
    assert run_in_blocks(samples, sample_rate, blocks) == expected


@pytest.mark.parametrize("sample_rate", RATES)
def test_groove_with_ghost_notes_and_a_flam_is_found_to_the_half_millisecond(sample_rate):
    trace = analyse(at_rate(GROOVE, sample_rate), sample_rate)
    assert len(trace.onsets_s) == len(GROOVE_S)
    assert np.abs(trace.onsets_s - GROOVE_S).max() < 0.0007


@pytest.mark.parametrize("sample_rate", RATES)
def test_decision_comes_before_the_feature_window_ends(sample_rate):
    accepted = [c for c in analyse(at_rate(GROOVE, sample_rate), sample_rate).candidates if c.accepted]
    assert all(0.0 < c.decided_s - c.onset_s < 0.005 for c in accepted)


@pytest.mark.parametrize("gain_db", [-14, -6, 6])
def test_gain_makes_no_difference(gain_db):
    samples = at_rate(GROOVE, 44100)
    assert len(onsets(samples * 10 ** (gain_db / 20), 44100)) == len(GROOVE_S)


def test_offset_makes_no_difference():
    assert len(onsets(at_rate(GROOVE, 44100) + 0.1, 44100)) == len(GROOVE_S)


def test_first_hit_after_digital_silence_is_found():
    samples = at_rate(performance([0.12], [-6.0], 0.6, noise_db=None), 48000)
    assert onsets(samples, 48000) == pytest.approx([0.12], abs=0.0005)


@pytest.mark.parametrize("gap_ms", [40, 45, 50])
def test_flams_are_two_hits(gap_ms):
    times = [0.5, 0.5 + gap_ms / 1000]
    samples = at_rate(performance(times, [-12.0, -6.0], 1.2), 44100)
    assert onsets(samples, 44100) == pytest.approx(times, abs=0.001)


@pytest.mark.parametrize("gap_ms", [25, 30, 40])
def test_a_main_note_after_its_grace_note_is_never_taken_for_ring(gap_ms):
    times = [0.5, 0.5 + gap_ms / 1000]
    samples = at_rate(performance(times, [-18.0, -6.0], 1.2), 44100)
    assert onsets(samples, 44100) == pytest.approx(times, abs=0.001)


@pytest.mark.parametrize("delay_ms", [14, 20, 28])
def test_wires_that_slap_back_are_ring(delay_ms):
    samples = at_rate(performance([0.5], [-6.0], 1.2), 44100)
    start = int((0.5 + delay_ms / 1000) * 44100)
    time = np.arange(4410) / 44100
    hiss = sosfilt(butter(4, 4000.0, "high", fs=44100, output="sos"), np.random.default_rng(3).standard_normal(4410))
    samples[start : start + 4410] += 0.2 * hiss * np.exp(-time / 0.01)
    assert onsets(samples, 44100) == pytest.approx([0.5], abs=0.001)
    assert "ringing" in reasons(samples, 44100)


def test_threshold_of_a_new_hit_falls_with_time():
    def count(gap_ms, ring_db):
        times = [0.5, 0.5 + gap_ms / 1000]
        return len(onsets(at_rate(performance(times, [-6.0, -6.0], 1.2), 44100), 44100, ring_db=ring_db))

    assert [count(gap_ms, 40.0) for gap_ms in (40, 50, 70)] == [1, 1, 2]
    assert [count(gap_ms, 7.0) for gap_ms in (40, 50, 70)] == [2, 2, 2]


def test_strokes_of_a_crescendo_roll_15_ms_apart_are_found():
    times = [0.5 + 0.015 * i for i in range(8)]
    levels = [-30.0 + 3.0 * i for i in range(8)]
    found = onsets(at_rate(performance(times, levels, 1.2, decay_ms=8.0), 44100), 44100)
    assert len(found) >= 5


@pytest.mark.parametrize("sample_rate", [44100, 96000])
@pytest.mark.parametrize("slope", [0.0, 3.0, 6.0])
@pytest.mark.parametrize("level_db", [-60.0, -40.0, -20.0])
def test_hiss_is_quiet_from_its_first_sample(sample_rate, slope, level_db):
    assert len(onsets(coloured_noise(slope, 6.0, sample_rate, level_db, seed=4), sample_rate)) == 0


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("level_db", [-50.0, -12.0])
def test_hum_is_quiet(mains_hz, level_db):
    noise = coloured_noise(3.0, 3.0, 48000, -60.0, seed=2)
    assert len(onsets(hum(mains_hz, 3.0, 48000, level_db) + noise, 48000)) == 0


def test_slow_sweep_and_silence_are_quiet():
    assert len(onsets(sweep(5.0, 48000, -6.0), 48000)) == 0
    assert analyse(np.zeros(48000), 48000).candidates == ()


def test_state_of_silence_holds_no_denormal_number():
    state = np.zeros(1, dtype=detector.STATE)[0]
    detector.reset(state, 48000.0)
    detector.configure(state, ONSET_PARAMETERS.default, 48000.0)
    samples = np.concatenate((at_rate(GROOVE, 48000), np.zeros(48000 * 12)))
    for start in range(0, len(samples), CHUNK_FRAMES):
        chunk = samples[start : start + CHUNK_FRAMES]
        detector.detect(state, chunk, len(chunk), start)
    small = np.finfo(np.float64).tiny
    for field in ("s1", "s2"):
        values = np.abs(state["bands"][field])
        assert not ((values > 0.0) & (values < small)).any()
    background = state["levels"]["background"]
    assert not ((background > 0.0) & (background < small)).any()


def test_quiet_hit_in_noise_depends_on_the_noise():
    hit = at_rate(performance([1.5], [-40.0], 2.0, noise_db=None), 44100)
    assert len(onsets(hit + coloured_noise(0.0, 2.0, 44100, -75.0, 1)[: len(hit)], 44100)) == 1
    assert len(onsets(hit + coloured_noise(0.0, 2.0, 44100, -30.0, 1)[: len(hit)], 44100)) == 0


def test_click_is_not_sustained():
    samples = coloured_noise(0.0, 1.5, 44100, -70.0, seed=1)
    samples[44100] += 0.5
    assert len(onsets(samples, 44100)) == 0
    assert "not sustained" in reasons(samples, 44100)


def test_hold_is_reported_and_can_be_set():
    samples = at_rate(performance([0.5, 0.6], [-12.0, -6.0], 1.0), 44100)
    assert len(onsets(samples, 44100)) == 2
    assert len(onsets(samples, 44100, hold_ms=150.0)) == 1
    assert "within hold" in reasons(samples, 44100, hold_ms=150.0)


def test_masked_hit_is_reported_and_a_quicker_mask_lets_it_pass():
    samples = at_rate(performance([0.5, 0.57], [-3.0, -20.0], 1.0, decay_ms=6.0), 44100)
    assert "masked" in reasons(samples, 44100, mask_decay_db_per_ms=0.1)
    assert len(onsets(samples, 44100, mask_decay_db_per_ms=0.1)) == 1
    assert len(onsets(samples, 44100, mask_decay_db_per_ms=1.0)) == 2


def test_margin_over_the_floor_is_reported_and_can_be_set():
    samples = at_rate(performance([0.8], [-50.0], 1.2, noise_db=-70.0), 44100)
    assert len(onsets(samples, 44100)) == 1
    assert "below floor" in reasons(samples, 44100, floor_margin_db=30.0)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("noise_db", [None, -60.0])
@pytest.mark.parametrize("start_s", [0.0005, 0.005, 0.03, 0.07])
def test_hit_just_after_the_start_is_found(start_s, noise_db, sample_rate):
    samples = at_rate(performance([start_s], [-12.0], 0.5, noise_db=noise_db), sample_rate)
    assert onsets(samples, sample_rate) == pytest.approx([start_s], abs=0.0007)


def test_stream_that_begins_in_the_midst_of_a_sound_is_settling():
    hit = at_rate(performance([0.0], [-6.0], 0.5, noise_db=None), 44100)[60:]
    assert len(onsets(hit, 44100)) == 0
    groove = at_rate(GROOVE, 44100)
    assert "settling" in reasons(groove[int(0.801 * 44100) :], 44100)


def test_every_candidate_has_a_known_reason_and_finite_numbers():
    samples = at_rate(GROOVE, 44100) + 0.05 * coloured_noise(3.0, 2.4, 44100, 0.0, 7)[: len(at_rate(GROOVE, 44100))]
    for candidate in analyse(samples, 44100).candidates:
        assert candidate.reason in REASONS
        assert np.isfinite([candidate.level_db, candidate.floor_db, candidate.strength_db]).all()


def test_trace_lines_up_with_the_hits():
    samples = at_rate(GROOVE, 48000)
    trace = analyse(samples, 48000)
    assert trace.hop_s == pytest.approx(1 / 3000)
    for onset in trace.onsets_s:
        near = np.abs(trace.time_s - onset) < 0.003
        assert trace.signal_db[near].max() >= trace.on_db
    assert np.isfinite([trace.signal_db, trace.level_db, trace.floor_db, trace.strength_threshold_db]).all()


def test_analyse_refuses_what_it_cannot_use():
    with pytest.raises(FieldError, match="samples"):
        analyse(np.zeros((4, 2)), 44100)
    with pytest.raises(FieldError, match="samples"):
        analyse(np.array([0.0, np.nan]), 44100)
    with pytest.raises(FieldError, match="hold_ms"):
        analyse(np.zeros(100), 44100, {"hold_ms": -1.0})
