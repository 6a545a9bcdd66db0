import dataclasses
import threading

import numpy as np
import pytest

from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.controls import track_settings
from remapd.engine.engine import Engine
from remapd.engine.events import EventReader, RejectedEvent
from remapd.engine.layout import EVENT_SLOTS
from remapd.errors import DeviceError, FieldError
from remapd.features.descriptors import FEATURES, FeatureSpec
from remapd.mapping.library import load_model_named, load_preset_named
from remapd.mapping.network import Network
from remapd.mapping.scaling import Scaling
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
    assert tuple(line["features"]) == FEATURES.names
    assert len(line["scaled"]) == len(FEATURES)
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
    slot = int(engine.shared.record["status"]["program"][0])
    engine.load_preset(0, load_preset_named("open_snare"))
    play(engine, source[round(0.2 * RATE) : round(0.4 * RATE)])
    engine.load_model(0, load_model_named("velocity"), load_preset_named("tom_1"))
    play(engine, source[round(0.4 * RATE) :])
    events = hits_of(engine)
    assert [round(e.values["noise_filter.freq"], -3) > 8000 for e in events] == [False, True, True, True]
    assert engine.shared.record["status"]["program"][0] == 1 - slot


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


def test_readers_are_independent(source):
    engine = make_engine()
    late = EventReader(engine.shared.record)
    play(engine, source)
    early = engine.events.read()
    assert late.read() == early
    assert late.lost == 0


def test_a_reader_is_told_how_many_events_it_missed(source):
    engine = make_engine()
    reader = EventReader(engine.shared.record)
    play(engine, source)
    count = len(engine.events.read())
    rounds = EVENT_SLOTS // count + 2
    for _ in range(rounds - 1):
        engine.reset()
        play(engine, source)
    events = reader.read()
    assert reader.lost > 0
    assert len(events) + reader.lost == rounds * count
    assert reader.read() == []


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


@pytest.mark.parametrize("block", [1, 17, 64])
def test_changes_give_the_same_samples_for_any_block_size(source, block):
    """Two tracks of which one sounds; parameters of both and the output change while it does."""

    def performance(size):
        setups = [TrackSetup(load_model_named("velocity"), parameters={"mute": 0.0}, input_channel=c) for c in (0, 5)]
        engine = Engine(RATE, 1, 2, setups)
        parts = [play(engine, source[:6000], size)]
        engine.set_parameter(1, "gain_db", -20.0)
        parts.append(play(engine, source[6000:6400], size))
        engine.set_parameter(0, "dry_wet", 0.3)
        engine.set_global("output_gain_db", 12.0)
        parts.append(play(engine, source[6400:], size))
        return np.concatenate(parts)

    np.testing.assert_array_equal(performance(block), performance(4096))


def test_an_idle_track_is_silent_while_its_level_moves(source):
    model = load_model_named("velocity")
    engine = Engine(RATE, 1, 2, [TrackSetup(model), TrackSetup(model, input_channel=5)])
    alone = make_engine()
    out, expected = play(engine, source[:6000]), play(alone, source[:6000])
    engine.set_parameter(1, "gain_db", 12.0)
    np.testing.assert_array_equal(np.concatenate([out, play(engine, source[6000:8000])]),
                                  np.concatenate([expected, play(alone, source[6000:8000])]))  # fmt: skip
    engine.panic()
    engine.set_parameter(0, "gain_db", -6.0)
    assert not play(engine, np.zeros((480, 1), np.float32)).any()


def test_output_gain_moves_without_a_step(source):
    steady = make_engine(dry_wet=0.0)
    tone = (0.1 * np.sin(2 * np.pi * 200 * np.arange(4800) / RATE)).astype(np.float32).reshape(-1, 1)
    before = play(steady, tone)
    steady.set_global("output_gain_db", 6.0)
    after = play(steady, tone)
    joined = np.concatenate([before, after])[:, 0]
    assert np.abs(np.diff(joined)).max() < 3 * np.abs(np.diff(tone[:, 0])).max()
    np.testing.assert_allclose(after[960:, 0], tone[960:, 0] * 10 ** (6 / 20), rtol=1e-5, atol=1e-7)


def test_a_hit_that_waits_is_measured_in_the_window_of_the_new_model(source):
    """The model changes between the decision and the end of the window."""
    short = load_model_named("velocity")
    long = dataclasses.replace(short, features=FeatureSpec(window_ms=20.0))
    expected = Engine(RATE, 1, 2, [TrackSetup(long)])
    play(expected, source[:9600])
    wanted = hits_of(expected)[0]
    engine = Engine(RATE, 1, 2, [TrackSetup(short)])
    decided = round(wanted.decided_s * RATE) + 2
    play(engine, source[:decided])
    engine.load_model(0, long)
    play(engine, source[decided:9600])
    assert hits_of(engine)[0] == wanted


def test_a_model_hears_the_features_that_it_names(source):
    """Two networks with one weight, on features that lie at other places among all."""
    velocity, names = load_model_named("velocity"), ("low_db", "crest_db")
    weights = np.zeros((len(velocity.table), 2), np.float32)
    weights[3] = [0.5, -0.25]
    scaling = Scaling(np.array([-50.0, 0.0]), np.array([0.0, 30.0]), np.array([0.5, 0.25]), names)
    model = dataclasses.replace(velocity, scaler=scaling, network=Network("linear", [weights]))
    engine = Engine(RATE, 1, 2, [TrackSetup(model)])
    play(engine, source[:9600])
    hit = hits_of(engine)[0]
    scaled = [hit.features["low_db"] / 50.0 + 1.0, hit.features["crest_db"] / 30.0]
    expected = 0.5 * (scaled[0] - 0.5) - 0.25 * (scaled[1] - 0.25)
    assert list(hit.modulation.values())[3] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose([hit.scaled[FEATURES.index(name)] for name in names], scaled)


def test_a_whole_scene_is_changed_at_once_while_running(source):
    engine = make_engine(tracks=2)
    play(engine, source[:4800])
    engine.mark_running(True)
    model = load_model_named("velocity")
    with engine.change():
        for _ in range(3):
            for track in range(2):
                engine.load_model(track, model, load_preset_named("tom_1"))
        engine.set_parameter(0, "pan", -1.0)
    play(engine, source[4800:9600])
    assert list(engine.shared.record["status"]["program"][:2]) == [0, 0]
    engine.set_up([TrackSetup(model)] * 3)
    play(engine, source[9600:])
    assert engine.status().hits[2] > 0


def test_a_running_engine_that_does_not_answer_is_an_error(monkeypatch):
    monkeypatch.setattr("remapd.engine.program_slots._FLIP_TIMEOUT_S", 0.01)
    engine = make_engine()
    engine.mark_running(True)
    with pytest.raises(DeviceError, match="does not answer"):
        engine.load_model(0, load_model_named("velocity"))


def test_a_change_that_fails_leaves_everything_as_it_was(source):
    engine, untouched = make_engine(), make_engine()

    def change():
        with engine.change():
            engine.set_parameter(0, "pan", 1.0)
            engine.load_preset(0, load_preset_named("tom_1"))
            engine.set_parameter(0, "gain_db", 99.0)

    with pytest.raises(FieldError, match="gain_db"):
        change()
    with pytest.raises(FieldError, match="volume"):
        engine.set_up([TrackSetup(load_model_named("velocity"), parameters={"volume": 1.0})] * 2)
    with pytest.raises(FieldError, match="input_channel"):
        engine.set_up([TrackSetup(load_model_named("velocity"), input_channel=-1)])
    np.testing.assert_array_equal(play(engine, source), play(untouched, source))
    assert engine.parameter(0, "pan") == 0.0


def test_a_control_that_comes_later_goes_on_from_the_state_there_is(source):
    engine = make_engine(pan=-1.0)
    later = EngineControl(engine.shared)
    later.set(0, "lock.osc1.freq", 1.0)
    later.load_preset(0, load_preset_named("tom_1"))
    assert later.parameter(0, "pan") == -1.0
    assert later.model(0) is None
    play(engine, source)
    assert hits_of(engine)[0].values["osc1.freq"] == pytest.approx(135.0)


def test_a_track_that_comes_back_starts_afresh(source):
    model = load_model_named("velocity")
    engine, fresh = Engine(RATE, 1, 2, [TrackSetup(model)] * 2), Engine(RATE, 1, 2, [TrackSetup(model)])
    play(engine, source[:7000])
    engine.set_up([TrackSetup(model)])
    play(engine, source[:480])
    engine.set_up([TrackSetup(model, parameters={"mute": 1.0}), TrackSetup(model)])
    assert not np.array_equal(play(engine, source), np.zeros_like(source))
    play(fresh, source)
    onsets = [e.onset_s for e in hits_of(engine) if e.track == 1 and e.onset_s > 7480 / RATE]
    np.testing.assert_allclose(onsets, [e.onset_s + 7480 / RATE for e in hits_of(fresh)], atol=0.001)


def test_one_fault_of_a_channel_is_counted_once(source):
    spoilt = source.copy()
    spoilt[100] = np.nan
    engine = make_engine(tracks=3)
    play(engine, spoilt)
    assert engine.status().non_finite == 1


@pytest.mark.parametrize(
    ("source", "sink"),
    [
        (np.zeros((64, 1), np.float32), np.zeros((16, 2), np.float32)),
        (np.zeros((64, 2), np.float32), np.zeros((64, 2), np.float32)),
        (np.zeros((64, 1)), np.zeros((64, 2), np.float32)),
        (np.zeros((64, 1), np.float32), np.zeros((2, 64), np.float32).T),
    ],
)
def test_blocks_of_another_shape_are_refused(source, sink):
    with pytest.raises(FieldError, match="float32 in C order"):
        make_engine().process(source, sink)


def test_parameters_and_models_may_change_while_blocks_are_processed(source):
    """A control thread that changes everything as fast as it can, against an engine that releases the GIL."""
    engine = make_engine()
    control = EngineControl(engine.shared)
    control.set_up([TrackSetup(load_model_named("velocity"))])
    engine.mark_running(True)
    done = threading.Event()

    def change():
        presets = [load_preset_named(name) for name in ("snare_1", "tom_1", "open_snare")]
        for i in range(150):
            with control.change():
                control.set_parameter(0, "neurality", i / 50)
                control.load_model(0, load_model_named("velocity"), presets[i % 3])
        done.set()

    thread = threading.Thread(target=change)
    thread.start()
    while not done.is_set():
        assert np.isfinite(play(engine, source[:9600], 256)).all()
    thread.join()
    play(engine, source[:480])
    assert engine.shared.record["status"]["program"][0] == engine.shared.record["mailbox"]["track"]["program"][0]


def test_a_track_is_added_and_removed_while_it_plays():
    engine = control = make_engine(tracks=2)
    play(engine, hits([], 0.1))
    control.set(1, "gain_db", -6.0)
    assert control.add_track(TrackSetup(load_model_named("snare_1"), parameters={"gain_db": -12.0})) == 2
    play(engine, hits([], 0.1))
    assert engine.status().hits == [0, 0, 0]
    control.remove_track(0)
    play(engine, hits([], 0.1))
    assert [control.parameter(track, "gain_db") for track in (0, 1)] == [-6.0, -12.0]
    assert control.model(1).name == "snare_1"
    values, damping = control.sound(1)
    np.testing.assert_allclose(values, control.model(1).preset.values, rtol=1e-12)
    np.testing.assert_array_equal(damping, control.model(1).preset.damping)
    source = hits([0.5], 1.0)
    play(engine, source)
    assert sorted(event.track for event in hits_of(engine)) == [0, 1]


def test_a_moved_track_sounds_as_it_did():
    source = hits([0.5, 0.8], 1.3)
    kept = Engine(RATE, 1, 2, [TrackSetup(load_model_named("snare_1"))])
    moved = Engine(RATE, 1, 2, [TrackSetup(load_model_named("velocity")), TrackSetup(load_model_named("snare_1"))])
    moved.remove_track(0)
    np.testing.assert_array_equal(play(kept, source), play(moved, source))


def test_the_last_track_stays_and_there_is_a_most():
    control = make_engine()
    with pytest.raises(FieldError, match="not the only one"):
        control.remove_track(0)
    control.set_up([TrackSetup(load_model_named("velocity"))] * 32)
    with pytest.raises(FieldError, match="1 to 32"):
        control.add_track(TrackSetup(load_model_named("velocity")))


def test_the_detection_signal_has_a_peak_that_falls_slowly():
    engine = make_engine()
    play(engine, hits([0.1], 0.15), 64)
    peak_db = engine.status().track_signal_peak_db[0]
    play(engine, np.zeros((4800, 1), np.float32), 64)
    assert peak_db > 10.0
    assert engine.status().track_signal_peak_db[0] == pytest.approx(peak_db - 4.0, abs=0.1)
    play(engine, np.zeros((96000, 1), np.float32), 64)
    assert engine.status().track_signal_peak_db == [0.0]


def test_rejected_candidates_are_counted_by_track_and_reason():
    engine = make_engine(tracks=2)
    engine.set_parameter(1, "onset.on_threshold_db", 40.0)
    play(engine, hits(TIMES, 1.2))
    status = engine.status()
    assert status.hits[1] < status.hits[0]
    assert sum(status.track_rejected[1].values()) > sum(status.track_rejected[0].values())
    for reason, count in status.rejected.items():
        assert sum(track[reason] for track in status.track_rejected) == count


def test_a_channel_that_cannot_be_is_silent():
    engine = make_engine(dry_wet=0.0)
    with engine.change():
        engine._draft["track"][0]["input_channel"] = -10_000
    assert not play(engine, np.ones((640, 1), np.float32)).any()
