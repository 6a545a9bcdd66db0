"""The report folder: whole or not at all, never over anything else, and the same for the same training."""

import errno
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from remapd.errors import TrainingError
from remapd.features.descriptors import FEATURES, FeatureSpec
from remapd.training import report as report_module
from remapd.training.dataset import HitSet, Origin, Read
from remapd.training.long_term import LONG_TERM, SOUND_FRAMES, TRAINING_RATE_HZ
from remapd.training.report import check_report_folder, write_report
from remapd.training.report_audio import MOST_PAIRS
from remapd.training.report_svg import Range, spanning
from remapd.training.result import Answers, Differences, History, TrainingResult
from remapd.training.splits import even_split
from tests.models import make_model

NASTY = '<b>&"take".wav'


def make_result(hits: int = 40, epochs: int = 12) -> TrainingResult:
    random = np.random.default_rng(0)
    wanted = random.normal(0.0, 3.0, (hits, 7))
    differences = Differences(wanted, wanted + random.normal(0.0, 0.5, (hits, 7)), np.ones((hits, 7), bool))
    features = np.tile(FEATURES.default, (hits, 1))
    features[:, 0] = random.uniform(-50.0, -6.0, hits)
    split = even_split(features[:, 0], 0)
    path = Path(NASTY)
    loss = np.geomspace(3.0, 0.5, epochs)
    data = HitSet(
        (0.3 * random.uniform(-1.0, 1.0, (hits, SOUND_FRAMES))).astype(np.float32),
        features,
        np.full(hits, SOUND_FRAMES / TRAINING_RATE_HZ),
        tuple(Origin(path, 0, 0.5 * i, "drum & bass") for i in range(hits)),
        FeatureSpec(),
        recordings=(Read(path, "drum & bass", 0, 44100, 30.0, hits, (0.5,), 3, 0.0),),
    )
    answers = Answers(
        split.test,
        (1.6 * random.uniform(-1.0, 1.0, (len(split.test), SOUND_FRAMES))).astype(np.float32),
        differences.subset(split.test),
        np.full(7, 1e-3),
        np.full(7, 1e-5),
    )
    return TrainingResult(
        model=make_model(),
        recipe="default",
        settings={"epochs": "250", "note": "a < b"},
        seed=3,
        hits=data,
        split=split,
        reference=7,
        history=History(loss, 1.1 * loss, np.full(epochs, 5e-4), max(0, epochs - 1)),
        differences=differences,
        answers=answers,
        ending="finished",
        elapsed_s=61.0,
    )


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class Page(HTMLParser):
    """Checks that elements close in order, and keeps links and text."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.links, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_whole_and_links_only_what_lies_beside_it(tmp_path):
    write_report(tmp_path / "report", make_result())
    text = (tmp_path / "report" / "index.html").read_text()
    page = Page(text)
    assert len(page.links) == 2 * 4 + 2
    assert all((tmp_path / "report" / link).is_file() for link in page.links)
    assert "http" not in text
    assert any(NASTY in word for word in page.words)
    assert "<b>&" not in text
    assert "warning: 3 samples infinite or no number, silenced" in "".join(page.words)
    charts = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text)]
    assert len(charts) == 7 + 2


def test_figures_are_those_of_the_result(tmp_path):
    result = make_result()
    write_report(tmp_path / "report", result)
    figures = json.loads((tmp_path / "report" / "report.json").read_text())
    assert [feature["name"] for feature in figures["features"]] == list(LONG_TERM.names)
    test = result.part("test")
    np.testing.assert_allclose(figures["errors"]["test"]["after"]["mean"], np.abs(test.reached - test.wanted).mean(0))
    np.testing.assert_allclose(figures["errors"]["test"]["before"]["mean"], np.abs(test.wanted).mean(0))
    assert figures["errors"]["test"]["after"]["overall"] == pytest.approx(test.errors().overall)
    assert figures["history"]["train_loss"] == result.history.train_loss.tolist()
    assert figures["split"]["test"] == result.split.test.tolist()
    np.testing.assert_array_equal([hit["wanted"] for hit in figures["test"]], test.wanted)
    assert figures["data"]["drums"] == {"drum & bass": 40}
    assert (figures["recipe"], figures["seed"], figures["elapsed_s"]) == ("default", 3, 61.0)


def test_sounds_are_the_test_hits_and_their_answers_from_soft_to_loud(tmp_path):
    result = make_result()
    write_report(tmp_path / "report", result)
    figures = json.loads((tmp_path / "report" / "report.json").read_text())
    heard = [pair["hit"] for pair in figures["listen"]]
    assert sorted(heard) == result.split.test.tolist()
    assert np.all(np.diff(result.hits.loudness_db[heard]) >= 0.0)
    peak = np.abs(result.answers.sounds).max()
    for pair in figures["listen"]:
        hit, rate = soundfile.read(tmp_path / "report" / pair["hit_file"])
        answer, _ = soundfile.read(tmp_path / "report" / pair["answer_file"])
        assert rate == TRAINING_RATE_HZ
        np.testing.assert_allclose(hit, result.hits.sounds[pair["hit"]], atol=1e-4)
        place = result.answers.indices.tolist().index(pair["hit"])
        np.testing.assert_allclose(answer, result.answers.sounds[place] / peak, atol=1e-4)
    whole, _ = soundfile.read(tmp_path / "report" / "audio" / "all_hits.wav")
    np.testing.assert_allclose(whole, result.hits.sounds[heard].ravel(), atol=1e-4)


def test_of_many_test_hits_some_are_listened_to(tmp_path):
    write_report(tmp_path / "report", make_result(hits=300))
    figures = json.loads((tmp_path / "report" / "report.json").read_text())
    assert len(figures["listen"]) == MOST_PAIRS
    assert len(figures["test"]) == 30


def test_the_same_training_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_report(tmp_path / name, make_result())
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_what_is_not_known_is_null_and_a_dash(tmp_path):
    result = make_result(epochs=0)
    counted = result.differences.counted.copy()
    counted[:, 6] = False
    unknown = replace(result, differences=replace(result.differences, counted=counted), ending="stopped")
    write_report(tmp_path / "report", unknown)
    figures = json.loads((tmp_path / "report" / "report.json").read_text())
    assert figures["errors"]["test"]["after"]["mean"][6] is None
    page = Page((tmp_path / "report" / "index.html").read_text())
    assert any("–" in word for word in page.words)
    assert any("stopped by hand" in word for word in page.words)
    assert "No epoch was completed." in page.words


def test_a_training_without_a_test(tmp_path):
    result = make_result()
    none = np.zeros(0, np.int64)
    split = replace(result.split, train=np.sort(np.concatenate([result.split.train, result.split.test])), test=none)
    answers = replace(
        result.answers,
        indices=none,
        sounds=np.zeros((0, SOUND_FRAMES), np.float32),
        differences=result.differences.subset(none),
        largest=np.full(7, np.nan),
        mean=np.full(7, np.nan),
    )
    write_report(tmp_path / "report", replace(result, split=split, answers=answers))
    page = Page((tmp_path / "report" / "index.html").read_text())
    assert page.links == []
    assert "No hit was kept out for a test." in page.words
    figures = json.loads((tmp_path / "report" / "report.json").read_text())
    assert figures["errors"]["test"]["after"]["overall"] is None
    assert figures["engine"]["largest_distance"] == [None] * 7
    assert not list((tmp_path / "report" / "audio").iterdir())


def test_an_older_report_is_replaced_with_all_that_it_held(tmp_path):
    folder = tmp_path / "report"
    write_report(folder, make_result(hits=100))
    write_report(folder, make_result(hits=20))
    assert len(list((folder / "audio").iterdir())) == 2 * 2 + 2
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "report").mkdir()
    write_report(tmp_path / "report", make_result())
    assert (tmp_path / "report" / "index.html").exists()


@pytest.mark.parametrize("name", ["notes.txt", "index.html", "report.json", "audio/mine.wav", "audio/hit_01.aiff"])
def test_what_is_no_report_is_never_touched(tmp_path, name):
    folder = tmp_path / "report"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("mine")
    before = content(tmp_path)
    with pytest.raises(TrainingError, match=rf"holds {re.escape(name)}, which is no part of a report"):
        write_report(folder, make_result())
    assert content(tmp_path) == before


def test_sounds_of_ones_own_that_are_called_like_ours_are_never_touched(tmp_path):
    sounds = tmp_path / "take" / "audio"
    sounds.mkdir(parents=True)
    (sounds / "hit_01.wav").write_text("mine")
    with pytest.raises(TrainingError, match="holds audio, which is no part of a report"):
        write_report(sounds.parent, make_result())
    assert (sounds / "hit_01.wav").read_text() == "mine"


def test_a_report_with_a_file_of_ones_own_is_not_replaced(tmp_path):
    folder = tmp_path / "report"
    write_report(folder, make_result())
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match=r"holds notes\.txt"):
        check_report_folder(folder)


def test_places_that_cannot_hold_a_report_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="is a file"):
        check_report_folder(tmp_path / "file")
    with pytest.raises(TrainingError, match="no folder"):
        check_report_folder(tmp_path / "missing" / "report")
    check_report_folder(tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["write_audio", "report_page"])
def test_what_fails_half_way_leaves_the_older_report(tmp_path, monkeypatch, fault, step):
    folder = tmp_path / "report"
    write_report(folder, make_result(hits=20))
    before = content(tmp_path)

    def fail(*_):
        raise fault

    monkeypatch.setattr(report_module, step, fail)
    with pytest.raises((TrainingError, KeyboardInterrupt), match=r"No space left|^$"):
        write_report(folder, make_result())
    assert content(tmp_path) == before


def test_a_move_that_fails_puts_the_older_report_back(tmp_path, monkeypatch):
    folder = tmp_path / "report"
    write_report(folder, make_result(hits=20))
    before = content(tmp_path)
    rename = Path.rename

    def fail(self, target):
        if Path(target) == folder and not self.name.endswith("old"):
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(TrainingError, match="Input/output error"):
        write_report(folder, make_result())
    assert content(tmp_path) == before


def test_what_a_killed_writing_left_is_put_back_and_removed(tmp_path, monkeypatch):
    folder = tmp_path / "report"
    write_report(folder, make_result(hits=20))
    before = content(folder)
    # As after a kill between the two moves: the report is away, and beside it lies half of a new one.
    folder.rename(tmp_path / ".report.remapd-old")
    (tmp_path / ".report.remapd-new" / "audio").mkdir(parents=True)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(report_module, "write_audio", fail)
        with pytest.raises(TrainingError, match="No space left"):
            write_report(folder, make_result())
    assert content(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    # And after one that came before the older report was removed.
    (tmp_path / ".report.remapd-old").mkdir()
    write_report(folder, make_result())
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_kill_between_the_moves_leaves_what_the_next_writing_looks_for(tmp_path, monkeypatch):
    folder = tmp_path / "report"
    write_report(folder, make_result(hits=20))
    rename = Path.rename
    left = []

    def noted(self, target):
        left.append(sorted(path.name for path in tmp_path.iterdir()))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", noted)
    write_report(folder, make_result())
    assert left == [[".report.remapd-new", "report"], [".report.remapd-new", ".report.remapd-old"]]


@pytest.mark.parametrize(
    "shown",
    [Range(0.0, 1.0), Range(-3.2, 7.9), Range(1e-4, 3.0, True), Range(0.4, 0.9, True), spanning([5e-4], is_log=True),
     spanning([2.0]), spanning([]), spanning([], is_log=True), spanning([0.0, 1e-9]), Range(0.0, 3001.0)],
)  # fmt: skip
def test_axes_have_a_few_round_ticks_within_their_range(shown):
    ticks = shown.ticks()
    assert 2 <= len(ticks) <= 12
    assert all(-1e-9 <= shown.place(tick) <= 1.0 + 1e-9 for tick in ticks)
    assert np.all(np.diff(ticks) > 0.0)
    assert all(float(f"{tick:.4g}") == pytest.approx(tick) for tick in ticks)
