"""The streaming 808 snare against its formulas, and against itself for every way of cutting the stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from remapd.dsp import biquad, envelope
from remapd.synth import snare808
from remapd.synth.presets import load_preset
from tests import snare808_reference as reference
from tests.models import shipped_presets

TABLE = snare808.TABLE
RATES = (44100.0, 48000.0, 88200.0, 96000.0)
PRESETS = shipped_presets("snare808")
UNIT_VALUES = st.lists(st.floats(0.0, 1.0) | st.sampled_from([0.0, 1.0]), min_size=14, max_size=14).map(
    lambda unit: TABLE.denormalise(np.array(unit))
)


def _voice(sample_rate=48000.0, seed=0):
    voice = np.zeros(1, snare808.STATE)[0]
    snare808.reset(voice, sample_rate, seed)
    return voice


def _rendered(voice, n, block=4096):
    out = np.zeros(n)
    for start in range(0, n, block):
        snare808.render(voice, out, start, min(n, start + block))
    return out


def _hit(values, sample_rate, n, seed=0):
    voice = _voice(sample_rate, seed)
    snare808.trigger(voice, values)
    return _rendered(voice, n)


def _assert_follows(heard, values, sample_rate, error, seed=0):
    expected = reference.hit(values, sample_rate, len(heard), seed)
    left_out = reference.inaudible_rest(values, sample_rate, len(heard), seed)
    assert (np.abs(heard - expected) <= error + left_out).all()


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_hit_follows_the_formulas(path, sample_rate):
    values, n = load_preset(path).values, int(0.4 * sample_rate)
    _assert_follows(_hit(values, sample_rate, n, 3), values, sample_rate, 2e-9, 3)


@settings(max_examples=60, deadline=None)
@given(values=UNIT_VALUES, sample_rate=st.sampled_from(RATES))
@example(values=TABLE.minimum, sample_rate=44100.0)
@example(values=TABLE.maximum, sample_rate=44100.0)
@example(values=TABLE.maximum, sample_rate=96000.0)
def test_any_values_follow_the_formulas(values, sample_rate):
    heard = _hit(values, sample_rate, 3000)
    assert np.isfinite(heard).all()
    _assert_follows(heard, values, sample_rate, 1e-7)


@settings(max_examples=40, deadline=None)
@given(
    hits=st.lists(st.tuples(st.integers(0, 700), UNIT_VALUES), min_size=1, max_size=3),
    blocks=st.lists(st.sampled_from([1, 2, 17, 63, 64, 65, 500, 4096]), min_size=1, max_size=6),
)
def test_any_division_into_blocks_gives_the_same_bits(hits, blocks):
    whole, divided = _voice(), _voice()
    for pause, values in hits:
        np.testing.assert_array_equal(_rendered(whole, pause), _rendered(divided, pause, blocks[0]))
        snare808.trigger(whole, values)
        snare808.trigger(divided, values)
    n, start, parts = 3000, 0, np.zeros(3000)
    while start < n:
        stop = min(n, start + blocks[start % len(blocks)])
        snare808.render(divided, parts, start, stop)
        start = stop
    np.testing.assert_array_equal(_rendered(whole, n), parts)


def _ringing(cutoff_hz, q=10.0):
    """Noise alone that is over long before its filter, as loud as can be."""
    values = TABLE.default.copy()
    values[4:8] = 10.0
    values[8:14] = [cutoff_hz, q, -60.0, -60.0, 6.0, 24.0]
    return values


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize(("cutoff_hz", "q"), [(20.0, 10.0), (200.0, 10.0), (1000.0, 10.0), (200.0, 0.5), (9000.0, 3.0)])
def test_the_filter_rings_out_after_the_noise(cutoff_hz, q, sample_rate):
    values, voice = _ringing(cutoff_hz, q), _voice(sample_rate)
    snare808.trigger(voice, values)
    heard = np.concatenate([_rendered(voice, 64) for _ in range(0, int(3.2 * sample_rate), 64)])
    _assert_follows(heard, values, sample_rate, 1e-7)
    sounds = np.flatnonzero(heard)
    # About the 1e-7 at which envelopes end, with 30 dB of gain.
    assert np.abs(heard[sounds[-1]]) < 2e-7 * 10.0**1.5
    assert not snare808.is_active(voice)
    ring_s = np.log(1e7 * max(1.0, q)) * max(1.0, q) / (np.pi * cutoff_hz)
    assert sounds[-1] / sample_rate < 0.026 + ring_s


def test_a_hit_goes_on_from_the_ringing_of_the_filter():
    values, voice = _ringing(200.0), _voice()
    snare808.trigger(voice, values)
    _rendered(voice, 1500)
    assert not envelope.is_active(voice["hiss"]["env"])
    before = [voice["hiss"]["amplitude"] * voice["hiss"]["filter"][s] for s in ("s1", "s2")]
    values[12] = -20.0
    snare808.trigger(voice, values)
    after = [voice["hiss"]["amplitude"] * voice["hiss"]["filter"][s] for s in ("s1", "s2")]
    np.testing.assert_allclose(after, before, rtol=1e-12)
    assert np.abs(before).min() > 1e-3


def test_a_low_rate_holds_the_oscillators_below_its_half():
    values = TABLE.default.copy()
    values[:4] = [2000.0, 2.0, 2000.0, -1.0]
    values[4:8] = [2000.0, 2000.0, 10.0, 10.0]
    values[10:14] = [0.0, -60.0, -60.0, -24.0]
    heard = _hit(values, 8000.0, 800)
    turns = reference.envelope(2000.0, 8000.0, 800)
    phase = np.concatenate([[0.0], np.cumsum(0.25 * (1.0 + 0.96 * turns))[:-1]])
    expected = np.tanh(10.0 ** (-24.0 / 20.0) * reference.envelope(2000.0, 8000.0, 800) * np.sin(2.0 * np.pi * phase))
    np.testing.assert_allclose(heard[200:], expected[200:], atol=1e-4)


@pytest.mark.parametrize("values", [TABLE.default, _ringing(200.0)], ids=["default", "ringing"])
def test_single_frames_to_the_very_end(values):
    values = values.copy()
    values[4:8] = [10.0, 20.0, 15.0, 12.0]
    whole, divided = _voice(), _voice()
    for voice in (whole, divided):
        snare808.trigger(voice, values)
    np.testing.assert_array_equal(_rendered(whole, 20000), _rendered(divided, 20000, 1))
    assert not snare808.is_active(whole)
    assert not snare808.is_active(divided)


def test_it_adds_to_the_output_and_only_where_it_is_asked_to():
    voice, out = _voice(), np.full(300, 0.25)
    snare808.trigger(voice, TABLE.default)
    snare808.render(voice, out, 100, 200)
    alone = _hit(TABLE.default, 48000.0, 100)
    np.testing.assert_array_equal(out[100:200], 0.25 + alone)
    assert (out[:100] == 0.25).all()
    assert (out[200:] == 0.25).all()


@pytest.mark.parametrize("sample_rate", RATES)
def test_envelopes_last_the_same_time_at_every_rate(sample_rate):
    values = TABLE.default.copy()
    values[4:8] = [2000.0, 50.0, 300.0, 40.0]
    voice = _voice(sample_rate)
    snare808.trigger(voice, values)
    n = 0
    while snare808.is_active(voice):
        _rendered(voice, 1)
        n += 1
    # 300 ms to -60 dB are 700 ms to -140 dB, after 1 ms of attack.
    assert n / sample_rate == pytest.approx(0.001 + 0.3 * np.log(1e7) / 6.91, rel=2e-3)


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_the_sound_without_noise_is_the_same_at_every_rate(path):
    values = load_preset(path).values.copy()
    values[[10, 11, 12, 13]] = [-6.0, -12.0, -60.0, -12.0]
    at = {rate: _hit(values, rate, int(0.3 * rate)) for rate in (48000.0, 96000.0)}
    rms = {rate: np.sqrt(np.mean(x**2)) for rate, x in at.items()}
    assert rms[96000.0] == pytest.approx(rms[48000.0], rel=0.02)
    assert np.abs(at[96000.0][::2] - at[48000.0]).max() < 0.25 * np.abs(at[48000.0]).max()


def test_a_hit_out_of_silence_starts_anew_and_the_noise_runs_on():
    values = TABLE.default.copy()
    values[4:8] = [500.0, 20.0, 15.0, 12.0]
    voice = _voice()
    snare808.trigger(voice, values)
    first = _rendered(voice, 4800)
    assert not snare808.is_active(voice)
    snare808.trigger(voice, values)
    second = _rendered(voice, 4800)
    assert np.abs(first - second).max() > 0.01
    values[12] = -60.0
    quiet = _voice()
    hits = []
    for _ in range(2):
        snare808.trigger(quiet, values)
        hits.append(_rendered(quiet, 4800))
    assert np.abs(hits[0] - hits[1]).max() < 0.01
    hiss_free = reference.paths(values, 48000.0, 4800)[:2]
    assert np.abs(hits[1] - np.tanh(sum(hiss_free))).max() < 0.01


def _rests(voice):
    oscillators_rest = envelope.rests(voice["osc1"]["env"]) and envelope.rests(voice["osc2"]["env"])
    return (
        oscillators_rest and envelope.rests(voice["hiss"]["env"]) and biquad.ring_level(voice["hiss"]["filter"]) < 1e-4
    )


@settings(max_examples=40, deadline=None)
@given(first=UNIT_VALUES, second=UNIT_VALUES, after=st.integers(0, 600))
def test_a_hit_on_what_still_sounds_below_rest_starts_anew(first, second, after):
    first[4:8] = np.minimum(first[4:8], 60.0)
    first[8:10] = max(first[8], 300.0), min(first[9], 3.0)
    voice, fresh = _voice(), _voice()
    snare808.trigger(voice, first)
    _rendered(voice, after)
    while not _rests(voice):
        _rendered(voice, 1)
    assert snare808.is_active(voice)
    fresh["hiss"]["noise"] = voice["hiss"]["noise"]
    for either in (voice, fresh):
        snare808.trigger(either, second)
    np.testing.assert_array_equal(_rendered(voice, 1000), _rendered(fresh, 1000))


def test_each_path_rests_by_itself():
    values = TABLE.default.copy()
    values[4:8] = [400.0, 300.0, 20.0, 20.0]
    voice = _voice()
    snare808.trigger(voice, values)
    _rendered(voice, 2000)
    phase = voice["osc1"]["osc"]["phase"]
    snare808.trigger(voice, values)
    assert voice["osc1"]["osc"]["phase"] == phase - np.floor(phase) > 0.0
    assert voice["osc2"]["osc"]["phase"] == 0.0
    assert voice["osc1"]["env"]["start"] > 0.1
    assert voice["freq_env"]["start"] > 0.1
    assert voice["osc2"]["env"]["start"] == voice["hiss"]["env"]["start"] == 0.0
    assert voice["hiss"]["filter"]["s1"] == voice["hiss"]["filter"]["s2"] == 0.0


def test_two_hits_in_one_frame_go_on_from_what_was_heard():
    loud, quiet = TABLE.default.copy(), TABLE.default.copy()
    quiet[[10, 11, 12]] -= 30.0
    once, twice = _voice(), _voice()
    for voice in (once, twice):
        snare808.trigger(voice, TABLE.default)
        _rendered(voice, 500)
    for values in (quiet, loud):
        snare808.trigger(twice, values)
    snare808.trigger(once, loud)
    np.testing.assert_allclose(_rendered(twice, 200), _rendered(once, 200), atol=1e-9)


def _turns(values, n):
    e_f = reference.envelope(values[4], 48000.0, n)
    return np.cumsum(values[0] * (1.0 + values[1] * e_f)) / 48000.0


def test_a_hit_on_a_sounding_voice_goes_on_from_its_phase_and_level():
    values = TABLE.default.copy()
    values[4:8] = [2000.0, 100.0, 100.0, 100.0]
    values[[11, 12]] = -60.0
    voice, pause, n = _voice(), 1000, 500
    snare808.trigger(voice, values)
    _rendered(voice, pause)
    snare808.trigger(voice, values)
    heard = _rendered(voice, n)
    level = {decay: reference.envelope(decay, 48000.0, pause)[-1] for decay in (100.0, 2000.0)}
    rise = np.clip(np.arange(1, n + 1) / 48.0, 0.0, 1.0)
    after = {decay: reference.envelope(decay, 48000.0, n) for decay in level}
    again = {d: np.where(rise < 1.0, level[d] + (1.0 - level[d]) * rise, after[d]) for d in level}
    turns = _turns(values, pause)[-1] + np.cumsum(values[0] * (1.0 + values[1] * again[2000.0])) / 48000.0
    before = np.concatenate([[_turns(values, pause)[-1]], turns[:-1]])
    expected = np.tanh(10.0 ** ((values[10] + values[13]) / 20.0) * again[100.0] * np.sin(2.0 * np.pi * before))
    assert np.abs(heard - expected).max() < 2e-3


@pytest.mark.parametrize("change_db", [-40.0, 6.0])
def test_a_new_gain_on_a_sounding_voice_does_not_click(change_db):
    values = TABLE.default.copy()
    values[[0, 2]] = 60.0
    values[4:8] = 1000.0
    values[[10, 11, 12, 13]] = [-6.0, -60.0, -60.0, -6.0]
    voice = _voice()
    snare808.trigger(voice, values)
    before = _rendered(voice, 700)
    values[10] += change_db
    snare808.trigger(voice, values)
    heard = np.concatenate([before[-100:], _rendered(voice, 100)])
    assert np.abs(np.diff(heard)).max() < 0.03


def test_a_new_gain_leaves_the_ringing_of_the_filter_as_loud_as_it_was():
    values = TABLE.default.copy()
    values[7:10] = [1000.0, 200.0, 10.0]
    voice = _voice()
    snare808.trigger(voice, values)
    _rendered(voice, 500)
    before = [voice["hiss"]["amplitude"] * voice["hiss"]["filter"][s] for s in ("s1", "s2")]
    values[[12, 13]] = [-40.0, 10.0]
    snare808.trigger(voice, values)
    after = [voice["hiss"]["amplitude"] * voice["hiss"]["filter"][s] for s in ("s1", "s2")]
    np.testing.assert_allclose(after, before, rtol=1e-12)
    assert np.abs(before).min() > 1e-6


def test_a_voice_that_rests_costs_no_state():
    voice = _voice()
    before = voice.tobytes()
    assert (_rendered(voice, 1000) == 0.0).all()
    assert voice.tobytes() == before


def test_silence_stops_at_once():
    voice = _voice()
    snare808.trigger(voice, TABLE.default)
    _rendered(voice, 100)
    snare808.silence(voice)
    assert (_rendered(voice, 100) == 0.0).all()
    snare808.trigger(voice, TABLE.default)
    assert abs(_rendered(voice, 1)[0]) < 0.05


def test_no_value_ever_becomes_denormal():
    values = TABLE.default.copy()
    values[4:8] = [10.0, 2000.0, 10.0, 10.0]
    voice = _voice()
    snare808.trigger(voice, values)
    _rendered(voice, 20000)
    assert snare808.is_active(voice)
    numbers = [voice["hiss"]["filter"][name] for name in ("s1", "s2")]
    envelopes = [voice["freq_env"], *(voice[path]["env"] for path in ("osc1", "osc2", "hiss"))]
    numbers += [env[field] for env in envelopes for field in ("level", "power")]
    assert all(x == 0.0 or abs(x) > 1e-30 for x in numbers)


def test_seeds_give_different_noise_and_one_seed_the_same():
    one, same, other = (_hit(TABLE.default, 48000.0, 500, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_the_table_is_that_of_the_publication():
    ranges = {p.name: (p.minimum, p.maximum, p.unit) for p in TABLE}
    assert len(ranges) == 14
    assert ranges["osc1.mod"] == (-1.0, 2.0, "ratio")
    assert ranges["noise_filter.freq"] == (20.0, 22050.0, "Hz")
    assert ranges["tanh.in_gain"] == (-24.0, 24.0, "dB")
    assert {ranges[f"{e}.decay"] for e in ("freq_env", "osc1_env", "osc2_env", "noise_env")} == {(10.0, 2000.0, "ms")}
    assert TABLE.names[4:10] == (
        "freq_env.decay",
        "osc1_env.decay",
        "osc2_env.decay",
        "noise_env.decay",
        "noise_filter.freq",
        "noise_filter.q",
    )


def test_the_levels_at_which_paths_rest_and_end():
    assert (envelope.REST, envelope.SILENCE) == (reference.REST, reference.SILENCE)
