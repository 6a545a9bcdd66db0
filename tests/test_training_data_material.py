"""What was found is told, and what nothing can be learnt from is refused with advice."""

import json

import numpy as np
import pytest

from remapd.errors import TrainingDataError
from remapd.training.dataset import load_hits
from remapd.training.material import check_material, hit_report
from tests.drum_signals import BASE_RATE, coloured_noise
from tests.recordings import SNARES, require_audio_folder
from tests.training_takes import RATE, sample, take, write


def refusal(path, **options):
    with pytest.raises(TrainingDataError) as raised:
        check_material(load_hits([path], **options))
    text = str(raised.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def test_a_crescendo_is_enough(tmp_path):
    check_material(load_hits([write(tmp_path / "take.wav", take(16, levels_db=(-12.0, -4.0)))]))


@pytest.mark.parametrize(("snare", "name"), SNARES)
def test_performances_are_enough(snare, name):
    check_material(load_hits([require_audio_folder() / snare / f"{name}.flac"]))


def test_silence_is_refused(tmp_path):
    text = refusal(write(tmp_path / "take.wav", np.zeros(5 * RATE)))
    assert "no hits: channel 1 is silent" in text
    assert "16 hits are needed" in text


def test_noise_is_refused(tmp_path):
    noise = coloured_noise(3.0, 5.0, RATE, -20.0, 1)
    text = refusal(write(tmp_path / "take.wav", noise))
    assert "are needed" in text or "does not sound like drums" in text


def test_a_silent_channel_points_to_the_other(tmp_path):
    x = take()
    path = write(tmp_path / "take.wav", np.stack([0.0 * x, x], axis=1))
    assert "--channel 2" in refusal(path)
    check_material(load_hits([path], channel=1))


def test_one_hit_is_refused(tmp_path):
    text = refusal(write(tmp_path / "one.wav", sample()))
    assert "only 1 hit, and 16 are needed" in text
    assert "play longer" in text
    assert "onset.on_threshold_db" in text


def test_uniform_hits_are_refused(tmp_path):
    text = refusal(write(tmp_path / "take.wav", take(levels_db=(-10.0, -7.0))))
    assert "of loudness" in text
    assert "6 dB are needed" in text
    assert "soft" in text


def test_a_roll_is_refused(tmp_path):
    text = refusal(write(tmp_path / "take.wav", take(60, gap_s=0.066)))
    assert "the next comes too soon; play slower" in text


def test_clipped_hits_are_told_and_many_are_refused(tmp_path):
    some = load_hits([write(tmp_path / "some.wav", np.clip(take(levels_db=(-20.0, 10.0)), -1.0, 1.0))])
    check_material(some)
    assert 0 < hit_report(some).clipped < 12
    assert "less input gain" in hit_report(some).text
    text = refusal(write(tmp_path / "most.wav", np.clip(take(levels_db=(0.0, 30.0)), -1.0, 1.0)))
    assert "clipped; turn the input down" in text


@pytest.mark.parametrize("name", ["speech_198-209-0000", "speech_3436-172162-0000", "music_strings_hungarian_dance"])
def test_speech_and_music_are_refused(name):
    text = refusal(require_audio_folder() / "negatives" / f"{name}.flac")
    assert "does not sound like drums" in text
    assert "not sustained" in text


def test_speech_that_goes_on_for_long_is_refused():
    folder = require_audio_folder() / "negatives"
    hits = load_hits(sorted(folder.glob("*.flac")))
    assert len(hits) >= 16
    with pytest.raises(TrainingDataError, match="12 recordings: does not sound like drums"):
        check_material(hits)


def test_the_report_counts_what_was_found(tmp_path):
    x = take(levels_db=(-30.0, -4.0))
    x[10] = np.nan
    write(tmp_path / "a" / "take.wav", x)
    write(tmp_path / "b.wav", take(20, gap_s=0.066, rate=BASE_RATE), BASE_RATE)
    (tmp_path / "a" / "notes.txt").write_text("")
    hits = load_hits([tmp_path / "a", tmp_path / "b.wav"])
    report = hit_report(hits)
    assert report.hits == len(hits)
    assert report.recordings == 2
    assert report.drums["a"] == 24
    assert sum(report.drums.values()) == len(hits)
    low, high = report.ranges["loudness_db"]
    assert 20.0 < high - low < 35.0
    assert report.rejected["next hit too soon"] >= 10
    assert report.non_finite == 1
    assert list(report.skipped) == [str(tmp_path / "a" / "notes.txt")]
    assert json.loads(json.dumps(report.as_dict()))["drums"] == report.drums
    for part in (f"{len(hits)} hits in 2 recordings", "by drum: 24 a", "loudness -", "next hit too soon", "notes.txt",
                 "warning: 1 sample infinite or no number"):  # fmt: skip
        assert part in report.text


def test_the_report_of_nothing(tmp_path):
    report = hit_report(load_hits([write(tmp_path / "take.wav", np.zeros(RATE))]))
    assert report.hits == 0
    assert report.text.splitlines()[0] == "0 hits in 1 recording of 1.0 s, 0 ring out"


def test_a_low_rate_is_told(tmp_path):
    hits = load_hits([write(tmp_path / "take.wav", take(rate=16000), 16000)])
    assert "at 16000 Hz there is nothing above 8 kHz" in hit_report(hits).text
