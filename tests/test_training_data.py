"""Recordings become hits: where they are, what is measured, what is cut out."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import resample_poly

from remapd.audio.file import MIX
from remapd.engine.control import TrackSetup
from remapd.errors import AudioFileError, FieldError, TrainingDataError
from remapd.features.descriptors import FEATURES, FeatureSpec, measure_array
from remapd.mapping.library import load_model_named
from remapd.offline.render import render
from remapd.offline.render_job import RenderFiles, RenderSettings
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.training import recording as recording_module
from remapd.training.dataset import ENDS_TOO_SOON, NEXT_TOO_SOON, load_drums, load_hits
from remapd.training.detection import find_hits
from remapd.training.long_term import FRAME, HOP, SOUND_FRAMES, TRAINING_RATE_HZ
from remapd.training.recording import read_recording
from remapd.training.resample import resampled_piece
from remapd.training.segments import FADE_FRAMES, LEAST_FRAMES, is_clipped
from remapd.training.sources import find_sources
from tests.recordings import SNARES, require_audio_folder
from tests.training_takes import RATE, sample, take, write


def engine_events(path, folder, channel=0):
    """Hits and rejected candidates as a render reports them, and the spec they were measured with."""
    model = load_model_named("velocity")
    files = RenderFiles(folder / "out.wav", folder / "hits.jsonl", folder / "rejected.jsonl")
    render(path, files, RenderSettings([TrackSetup(model, None, 0, {})], [channel]))
    read = [[json.loads(line) for line in (folder / name).read_text().splitlines()] for name in
            ("hits.jsonl", "rejected.jsonl")]  # fmt: skip
    return read[0], read[1], model.features


def assert_as_the_engine(path, folder, channel=0):
    hits, rejected, spec = engine_events(path, folder, channel)
    recording = read_recording(path, channel)
    found = find_hits(recording, spec)
    np.testing.assert_array_equal(found.onset_frames / recording.sample_rate, [hit["onset_s"] for hit in hits])
    wanted = [[hit["features"][name] for name in FEATURES.names] for hit in hits]
    np.testing.assert_array_equal(found.onset_features, wanted)
    assert [(one.onset_s, one.reason, one.level_db) for one in found.rejected] == [
        (one["time_s"], one["reason"], one["level_db"]) for one in rejected
    ]
    return len(hits)


@pytest.mark.parametrize(("snare", "name"), SNARES)
def test_performances_are_heard_exactly_as_the_engine_hears_them(snare, name, tmp_path):
    path = require_audio_folder() / snare / f"{name}.flac"
    assert assert_as_the_engine(path, tmp_path) > 70


@pytest.mark.parametrize("rate", [22050, 48000, 96000])
def test_any_rate_stereo_and_odd_samples_are_heard_as_the_engine_hears_them(rate, tmp_path):
    left = take(12, rate=rate)
    left[[100, 200, 30000]] = [np.nan, np.inf, -np.inf]
    right = 0.3 * take(12, gap_s=0.37, rate=rate)
    frames = min(len(left), len(right))
    path = write(tmp_path / "take.wav", np.stack([left[:frames], right[:frames]], axis=1), rate)
    for channel in (0, 1, MIX):
        assert assert_as_the_engine(path, tmp_path, channel) >= 12
    assert load_hits([path], channel=1).recordings[0].non_finite == 0
    assert load_hits([path], channel=0).recordings[0].non_finite == 3
    assert all(np.isfinite(load_hits([path]).sounds).ravel())


def test_a_hit_at_the_very_end_is_heard_as_the_engine_hears_it(tmp_path):
    path = write(tmp_path / "take.wav", take(12)[: round((0.5 + 0.4 * 11 + 0.003) * RATE)])
    assert assert_as_the_engine(path, tmp_path) == 12
    last = load_hits([path]).rejected[-1]
    assert last.reason == ENDS_TOO_SOON
    assert last.time_s == pytest.approx(4.9, abs=0.002)


@pytest.mark.parametrize("folder", ["snare_fs14x65maple", "snare_fs14x8al", "snare_gogodze", "body_percussion"])
def test_every_hit_of_a_library_is_found_at_its_start(folder):
    hits = load_hits([require_audio_folder() / folder / "hits"])
    first = {}
    for origin in hits.origins:
        first.setdefault(origin.path, origin.onset_s)
    assert len(first) == len(hits.recordings)
    assert max(first.values()) < 0.01
    assert len(hits) - len(first) <= 2


def test_a_sample_that_begins_on_its_onset_is_one_hit(tmp_path):
    hits = load_hits([write(tmp_path / "one.wav", sample())])
    assert [origin.onset_s for origin in hits.origins] == [pytest.approx(0.0, abs=0.001)]
    window = np.concatenate([np.zeros(FeatureSpec().pre_roll_frames(RATE)), sample().astype(np.float32)])
    onset = round(hits.origins[0].onset_s * RATE)
    np.testing.assert_allclose(hits.onset_features[0], measure_array(window[onset:], RATE), rtol=1e-12)


def test_features_follow_the_spec(tmp_path):
    path = write(tmp_path / "take.wav", take())
    long = FeatureSpec(window_ms=40.0, pre_roll_ms=1.0)
    hits = load_hits([path], spec=long)
    assert hits.spec == long
    x = read_recording(path).samples
    for origin, features in zip(hits.origins, hits.onset_features, strict=True):
        start = round(origin.onset_s * RATE) - long.pre_roll_frames(RATE)
        np.testing.assert_array_equal(features, measure_array(x[start:], RATE, long))


def test_detector_parameters_are_passed_on(tmp_path):
    path = write(tmp_path / "take.wav", take())
    assert len(load_hits([path], onset_parameters={"on_threshold_db": 40.0})) == 0
    with pytest.raises(FieldError, match="on_threshold_db"):
        load_hits([path], onset_parameters={"on_threshold_db": 400.0})
    with pytest.raises(FieldError, match="unknown"):
        load_hits([path], onset_parameters={"unknown": 1.0})


def test_sounds_are_the_recordings_own_from_the_pre_roll_to_the_fade(tmp_path):
    samples = take(levels_db=(-20.0, -4.0))
    hits = load_hits([write(tmp_path / "take.wav", samples)])
    x = samples.astype(np.float32)
    onsets = [round(origin.onset_s * RATE) for origin in hits.origins]
    lead = hits.spec.pre_roll_frames(RATE)
    for i, (sound, onset) in enumerate(zip(hits.sounds, onsets, strict=True)):
        end = onsets[i + 1] - onset if i + 1 < len(onsets) else SOUND_FRAMES
        whole = min(end - FADE_FRAMES, SOUND_FRAMES) if end < SOUND_FRAMES else SOUND_FRAMES
        assert hits.horizon_s[i] == pytest.approx(whole / RATE)
        np.testing.assert_array_equal(sound[:whole], x[onset - lead :][:whole])
        assert np.all(np.abs(sound[whole:end]) <= np.abs(x[onset - lead :][whole:end]))
        assert not sound[end:].any()
    assert hits.sounds.dtype == np.float32
    assert hits.sounds.shape == (24, SOUND_FRAMES)


def test_horizon_frames_lie_within_the_horizon(tmp_path):
    hits = load_hits([write(tmp_path / "take.wav", take(gap_s=0.3))])
    samples = np.round(hits.horizon_s * TRAINING_RATE_HZ)
    frames = hits.horizon_frames
    assert np.all(FRAME + (frames - 1) * HOP <= samples)
    assert np.all((frames == 66) | (FRAME + frames * HOP > samples))
    assert frames[-1] == 66
    assert np.all(frames[:-1] < 30)


def test_the_recordings_end_ends_the_horizon(tmp_path):
    hits = load_hits([write(tmp_path / "take.wav", take(12)[: round(5.2 * RATE)])])
    assert hits.horizon_s[-1] == pytest.approx(5.2 - hits.origins[-1].onset_s, abs=0.001)


def test_hits_too_close_are_left_out_and_told(tmp_path):
    x = take(20, gap_s=0.5)
    x = np.concatenate([x, take(20, gap_s=0.066)])
    hits = load_hits([write(tmp_path / "take.wav", x)])
    close = [one for one in hits.rejected if one.reason == NEXT_TOO_SOON]
    assert len(close) >= 15
    assert np.all(hits.horizon_s * TRAINING_RATE_HZ >= LEAST_FRAMES - 1e-6)
    assert all(one.time_s > len(take(20, gap_s=0.5)) / RATE for one in close)


def test_a_fade_leaves_the_first_frames_whole(tmp_path):
    x = take(12, gap_s=0.08)
    hits = load_hits([write(tmp_path / "take.wav", x)])
    lead, samples = hits.spec.pre_roll_frames(RATE), x.astype(np.float32)
    assert len(hits) >= 10
    for sound, origin in zip(hits.sounds, hits.origins, strict=True):
        start = round(origin.onset_s * RATE) - lead
        np.testing.assert_array_equal(sound[:LEAST_FRAMES], samples[start:][:LEAST_FRAMES])


@pytest.mark.parametrize("rate", [8000, 22050, 48000, 88200, 96000, 192000, 44101])
def test_resampling_is_exact_in_time_and_level(rate):
    tones = (110.0, 1234.0, 3300.0) if rate < 20000 else (110.0, 1234.0, 9000.0)

    def sound(t):
        return sum(0.3 * np.sin(2 * np.pi * f * t + f) for f in tones)

    first = 12347 % rate
    x = sound(np.arange(2 * rate) / rate).astype(np.float32)
    got = resampled_piece(x, rate, first, 20000)
    np.testing.assert_allclose(got, sound(first / rate + np.arange(20000) / TRAINING_RATE_HZ), atol=3e-5)


def test_resampling_agrees_with_scipy_and_is_silent_outside():
    x = take(3, rate=48000)
    whole = resample_poly(x, 147, 160)
    piece = resampled_piece(x.astype(np.float32), 48000, 24000, 8820)
    assert np.max(np.abs(piece - whole[22050:][:8820])) < 0.01 * np.max(np.abs(piece))
    assert not resampled_piece(x.astype(np.float32), 48000, len(x) + 4800, 100).any()
    assert not resampled_piece(x.astype(np.float32), 48000, -48000, 100).any()


def test_the_same_playing_at_another_rate_gives_nearly_the_same_hits(tmp_path):
    one = load_hits([write(tmp_path / "a.wav", take(rate=44100), 44100)])
    other = load_hits([write(tmp_path / "b.wav", take(rate=96000), 96000)])
    assert len(one) == len(other)
    times = [[origin.onset_s for origin in hits.origins] for hits in (one, other)]
    np.testing.assert_allclose(times[0], times[1], atol=2e-4)
    np.testing.assert_allclose(one.onset_features[:, 0], other.onset_features[:, 0], atol=0.5)


def test_clipping_is_seen_and_full_scale_alone_is_not_clipping():
    for rate in (44100, 96000):
        tone = np.sin(2 * np.pi * 50.0 * np.arange(rate) / rate)
        assert not is_clipped(np.round(tone * 32767).astype(np.float32) / 32768, rate)
        assert is_clipped(np.clip(1.2 * tone, -1.0, 1.0 - 2**-15).astype(np.float32), rate)
        assert is_clipped(np.clip(1.2 * tone, -1.0, 2.0).astype(np.float32), rate)
    assert not is_clipped(np.zeros(0, np.float32), 44100)
    assert not is_clipped(np.full(100, 0.5, np.float32), 44100)


def test_clipped_hits_are_marked(tmp_path):
    x = np.clip(take(levels_db=(-20.0, 14.0)), -1.0, 1.0)
    hits = load_hits([write(tmp_path / "take.wav", x, subtype="PCM_16")])
    clipped = [origin.clipped for origin in hits.origins]
    assert not any(clipped[:12])
    assert all(clipped[-2:])


def test_folders_are_read_in_order_and_what_is_no_audio_is_told(tmp_path):
    for name in ("b/2.WAV", "b/1.wav", "a.wav", ".hidden/x.wav", ".x.wav"):
        write(tmp_path / "drum" / name, sample())
    (tmp_path / "drum" / "notes.txt").write_text("no audio")
    (tmp_path / "drum" / "broken.flac").write_bytes(b"fLaC and then nothing")
    hits = load_hits([tmp_path / "drum", tmp_path / "drum" / "a.wav"])
    assert [origin.path.relative_to(tmp_path / "drum").as_posix() for origin in hits.origins] == [
        "a.wav",
        "b/1.wav",
        "b/2.WAV",
    ]
    assert {origin.drum for origin in hits.origins} == {"drum"}
    assert [one.path.name for one in hits.skipped] == ["notes.txt", "broken.flac"]
    assert "no audio" in hits.skipped[1].reason


@pytest.mark.parametrize(
    ("names", "drums"),
    [
        (["a/take.wav"], ["take"]),
        (["a/take.wav", "b/take.wav"], ["a", "b"]),
        (["a/take.wav", "a/other.wav"], ["a", "a"]),
        (["b", "a/take.wav"], ["b", "take"]),
    ],
)
def test_a_drum_is_what_the_recordings_lie_in(tmp_path, names, drums):
    for name in ("a/take.wav", "a/other.wav", "b/take.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    sources, _ = find_sources([tmp_path / name for name in names])
    assert [source.drum for source in sources] == drums


def test_what_is_named_itself_must_be_readable(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no audio at all")
    with pytest.raises(AudioFileError, match=r"broken\.wav"):
        load_hits([tmp_path / "broken.wav"])
    with pytest.raises(TrainingDataError, match="no such file or folder"):
        load_hits([tmp_path / "missing.wav"])
    with pytest.raises(TrainingDataError, match=r"1 file passed over.*no audio"):
        load_hits([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingDataError, match="no recordings"):
        load_hits([tmp_path / "empty"])
    with pytest.raises(AudioFileError, match="no channel 2"):
        load_hits([write(tmp_path / "mono.wav", sample())], channel=1)


def test_a_recording_that_is_too_long_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(recording_module, "MAX_FRAMES", 60 * RATE)
    path = write(tmp_path / "long.wav", np.zeros(61 * RATE, np.float32))
    with pytest.raises(TrainingDataError, match="more than 1 min at 44100 Hz"):
        load_hits([path])


def test_drums_by_folder(tmp_path):
    for drum, count in (("birch", 2), ("steel", 3)):
        for i in range(count):
            write(tmp_path / drum / "close" / "mic" / f"{i}.wav", sample(seed=i))
    (tmp_path / "papers").mkdir()
    drums = load_drums(tmp_path)
    assert {name: len(hits) for name, hits in drums.items()} == {"birch": 2, "steel": 3}
    assert {origin.drum for origin in drums["steel"].origins} == {"steel"}
    with pytest.raises(TrainingDataError, match="no folders"):
        load_drums(tmp_path / "papers")
    with pytest.raises(TrainingDataError, match="no such folder"):
        load_drums(tmp_path / "missing")
    (tmp_path / "papers" / "x").mkdir()
    with pytest.raises(TrainingDataError, match="no recording"):
        load_drums(tmp_path / "papers")


def test_subset_keeps_hits_together(tmp_path):
    hits = load_hits([write(tmp_path / "take.wav", take())])
    part = hits.subset([5, 2])
    assert part.origins == (hits.origins[5], hits.origins[2])
    np.testing.assert_array_equal(part.sounds, hits.sounds[[5, 2]])
    np.testing.assert_array_equal(part.loudness_db, hits.loudness_db[[5, 2]])
    np.testing.assert_array_equal(part.horizon_frames, hits.horizon_frames[[5, 2]])
    assert replace(part, origins=hits.origins[:1]).origins == hits.origins[:1]


def test_loading_twice_gives_the_same_bytes(tmp_path):
    path = write(tmp_path / "take.wav", take(rate=48000), 48000)
    one, other = load_hits([path]), load_hits([path])
    assert one.sounds.tobytes() == other.sounds.tobytes()
    assert one.onset_features.tobytes() == other.onset_features.tobytes()


def test_a_lead_of_silence_outlasts_the_settling_of_the_detector():
    from remapd.training import detection

    assert ONSET_PARAMETERS["settle_ms"].default <= 1000.0 * detection._LEAD_S
