import numpy as np
import pytest

from remapd.engine.control import TrackSetup
from remapd.engine.controls import track_settings
from remapd.engine.engine import Engine
from remapd.engine.events import EventReader, RejectedEvent
from remapd.errors import FieldError
from remapd.mapping.library import load_model_named, load_preset_named
from remapd.synth.registry import SYNTHS
from tests.engines import RATE, hits, hits_of, make_engine, play

TIMES = [0.1, 0.3, 0.45, 0.8]


@pytest.fixture(scope="module")
def source():
    return hits(TIMES, 1.2)


def test_each_hit_is_found_reported_and_answered(source):
    engine = make_engine()
    out = play(engine, source)
    events = hits_of(engine)
    assert [e.onset_s for e in events] == pytest.approx(TIMES, abs=0.002)
    assert np.abs(out).max() > 0.05
    for event in events:
        start = round(event.trigger_s * RATE)
        assert np.abs(out[start : start + 480]).max() > 0.01
    first = round(events[0].trigger_s * RATE)
    assert not out[:first].any()


@pytest.mark.parametrize("block", [1, 17, 64, 4096])
def test_any_block_size_gives_the_same_samples_and_events(source, block):
    whole, parts = make_engine(tracks=2), make_engine(tracks=2)
    expected = play(whole, source)
    np.testing.assert_array_equal(play(parts, source, block), expected)
    assert parts.events.read() == whole.events.read()


def test_a_hit_sounds_on_the_frame_after_its_window(source):
    engine = make_engine()
    play(engine, source)
    spec = load_model_named("velocity").features
    for event in hits_of(engine):
        window_end = event.onset_s + (spec.window_ms - spec.pre_roll_ms) / 1000
        assert event.trigger_s == pytest.approx(max(window_end, event.decided_s), abs=1.01 / RATE)


def test_event_line_has_the_documented_form(source):
    engine = make_engine()
    play(engine, source)
    line = hits_of(engine)[0].as_dict()
    names = set(SYNTHS["snare808"].table.names)
    assert list(line) == ["track", "onset_s", "trigger_s", "features", "scaled", "modulation", "values"]
    assert set(line["features"]) == {"loudness_db", "centroid_st", "flatness_db"}
    assert set(line["modulation"]) == set(line["values"]) == names
    assert all(-1 <= m <= 1 for m in line["modulation"].values())
    assert all(0 <= s <= 1 for s in line["scaled"])


def test_neurality_zero_plays_the_bare_preset(source):
    engine = make_engine(neurality=0.0)
    play(engine, source)
    preset = load_model_named("velocity").preset
    bare = SYNTHS["snare808"].table.mapping(preset.values)
    for event in hits_of(engine):
        assert event.values == pytest.approx(bare)
        assert not any(event.modulation.values())


def test_lock_depth_and_base_act_on_one_parameter(source):
    engine = make_engine()
    engine.set(0, "lock.noise_gain.gain", 1.0)
    engine.set(0, "depth.osc1_gain.gain", 0.0)
    engine.set(0, "osc1.freq", 100.0)
    play(engine, source)
    preset = SYNTHS["snare808"].table.mapping(load_model_named("velocity").preset.values)
    events = hits_of(engine)
    assert len(events) == len(TIMES)
    for event in events:
        assert event.values["noise_gain.gain"] == pytest.approx(preset["noise_gain.gain"])
        assert event.values["osc1_gain.gain"] == pytest.approx(preset["osc1_gain.gain"])
        assert event.values["osc1.freq"] == pytest.approx(100.0, abs=1.0)
    assert all(event.modulation["osc2_gain.gain"] for event in events)


def test_loudness_path_scales_hits_without_the_mapper():
    quiet_then_loud = hits([0.1], 0.6, level=0.05) + hits([0.4], 0.6, level=0.8)
    engine = make_engine(neurality=0.0, loudness_amount=1.0)
    out = np.abs(play(engine, quiet_then_loud)[:, 0])
    soft, loud = out[: round(0.39 * RATE)].max(), out[round(0.4 * RATE) :].max()
    plain = np.abs(play(make_engine(neurality=0.0), quiet_then_loud)[:, 0])
    scaled = [e.scaled[0] for e in hits_of(engine)]
    expected = 10 ** (40 * (scaled[1] - scaled[0]) / 20)
    plain_ratio = plain[round(0.4 * RATE) :].max() / plain[: round(0.39 * RATE)].max()
    assert loud / soft == pytest.approx(expected * plain_ratio, rel=0.05)


def test_dry_signal_passes_unchanged_at_dry_wet_zero(source):
    out = play(make_engine(dry_wet=0.0), source)
    np.testing.assert_allclose(out[:, 0], source[:, 0], rtol=1e-6, atol=1e-9)


def test_mute_silences_but_hits_are_still_reported(source):
    engine = make_engine(mute=1.0)
    assert not play(engine, source).any()
    assert len(hits_of(engine)) == len(TIMES)


def test_solo_silences_the_others(source):
    setups = [TrackSetup(load_model_named("velocity"), parameters={"pan": pan, "solo": pan < 0}) for pan in (-1, 1)]
    out = play(Engine(RATE, 1, 2, setups), source)
    assert out[:, 0].any()
    assert not out[:, 1].any()


def test_one_output_gets_the_mean_and_further_ones_are_silent(source):
    stereo = play(make_engine(), source)
    mono = play(make_engine(outputs=1), source)
    np.testing.assert_allclose(mono[:, 0], stereo.mean(axis=1), atol=1e-6)
    assert not play(make_engine(outputs=5), source)[:, 2:].any()
    assert play(make_engine(outputs=0), source).shape == (len(source), 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_silenced_and_counted(source, bad):
    spoilt = source.copy()
    spoilt[[10, 5000, 30000]] = bad
    engine, clean = make_engine(dry_wet=0.5), make_engine(dry_wet=0.5)
    silenced = source.copy()
    silenced[[10, 5000, 30000]] = 0.0
    np.testing.assert_array_equal(play(engine, spoilt), play(clean, silenced))
    assert engine.status().non_finite == 3
    assert [e.onset_s for e in hits_of(engine)] == [e.onset_s for e in hits_of(clean)]


def test_huge_input_leaves_within_the_ceiling():
    source = (np.random.default_rng(0).standard_normal((RATE.__int__(), 1)) * 1e30).astype(np.float32)
    out = play(make_engine(dry_wet=0.5), source)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 10 ** (-0.3 / 20) * (1 + 1e-6)


def test_changes_arrive_in_one_piece_at_a_block_border(source):
    engine = make_engine()
    play(engine, source[:4800])
    with engine.change():
        engine.set_parameter(0, "mute", 1.0)
        play(engine, source[4800:9600])
        assert engine.status().hits == [1]
    out = play(engine, source[9600:])
    assert not out[round(0.01 * RATE) :].any()


def test_model_and_preset_are_swapped_while_sounding(source):
    engine = make_engine()
    play(engine, source[: round(0.2 * RATE)])
    engine.load_preset(0, load_preset_named("open_snare"))
    play(engine, source[round(0.2 * RATE) : round(0.4 * RATE)])
    engine.load_model(0, load_model_named("velocity"), load_preset_named("tom_1"))
    play(engine, source[round(0.4 * RATE) :])
    events = hits_of(engine)
    assert [round(e.values["noise_filter.freq"], -3) > 8000 for e in events] == [False, True, True, True]
    assert engine.shared.record["status"]["program"][0] == 1


def test_panic_silences_at_once(source):
    engine = make_engine()
    play(engine, source[: round(0.11 * RATE)])
    assert engine.is_sounding
    engine.panic()
    assert not play(engine, np.zeros((480, 1), np.float32)).any()


def test_reset_starts_over_with_the_same_result(source):
    engine = make_engine()
    first = play(engine, source)
    events = engine.events.read()
    engine.reset()
    np.testing.assert_array_equal(play(engine, source), first)
    assert engine.events.read() == events


@pytest.mark.parametrize("rate", [44100.0, 88200.0, 96000.0])
def test_sample_rates_behave_alike(rate):
    def onsets_and_loudness(at):
        engine = make_engine(rate=at)
        play(engine, hits(TIMES, 1.0, at))
        return [(e.onset_s, e.trigger_s - e.onset_s) for e in hits_of(engine)]

    expected, got = np.array(onsets_and_loudness(RATE)), np.array(onsets_and_loudness(rate))
    np.testing.assert_allclose(got, expected, atol=0.001)


def test_a_track_without_a_channel_hears_silence(source):
    engine = Engine(RATE, 1, 2, [TrackSetup(load_model_named("velocity"), input_channel=3)])
    assert not play(engine, source).any()


def test_rejected_candidates_carry_a_reason():
    engine = make_engine(**{"onset.hold_ms": 200.0})
    play(engine, hits([0.1, 0.15, 0.2], 0.5))
    rejected = [e for e in engine.events.read() if isinstance(e, RejectedEvent)]
    assert any(e.reason == "within hold" for e in rejected)
    assert sum(engine.status().rejected.values()) == len(rejected)
    assert list(rejected[0].as_dict()) == ["track", "time_s", "reason", "level_db", "floor_db", "strength_db"]


def test_readers_are_independent_and_told_what_they_missed(source):
    engine = make_engine()
    late = EventReader(engine.shared.record)
    play(engine, source)
    early = engine.events.read()
    assert late.read() == early
    assert late.lost == 0


@pytest.mark.parametrize(
    ("name", "value"), [("neurality", 4.5), ("pan", float("nan")), ("mute", 0.5), ("gain_db", "loud"), ("volume", 1.0)]
)
def test_bad_parameters_are_refused_by_name(name, value):
    engine = make_engine()
    with pytest.raises(FieldError, match=name):
        engine.set_parameter(0, name, value)


def test_what_can_be_set_on_a_track_is_one_table():
    table = track_settings("snare808")
    engine = make_engine()
    for parameter in table:
        engine.set(0, parameter.name, parameter.maximum)
    assert engine.parameter(0, "neurality") == 4.0
    with pytest.raises(FieldError, match=r"did you mean lock\.osc1\.freq"):
        engine.set(0, "lock.osc1.frq", 1.0)


def test_unknown_track_is_refused():
    with pytest.raises(FieldError, match="track"):
        make_engine().set_parameter(1, "pan", 0.0)
