"""The command that makes the models that ship: what it refuses before the work, and which recordings it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from remapd import extras
from remapd.features.descriptors import FeatureSpec
from remapd.training import shipped
from remapd.training.dataset import HitSet, Origin
from remapd.training.recipes import RECIPES
from tests.models import SHIPPED


@pytest.fixture
def drums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Drums with their tables, and nobody who would train."""
    monkeypatch.setattr(extras, "find_spec", lambda name: name)
    monkeypatch.setattr(shipped, "make", lambda *_: pytest.fail("work was done"))
    for drum in shipped.DRUMS:
        (tmp_path / drum).mkdir()
        (tmp_path / drum / "hits.csv").write_text("file,mic\nhits/a.flac,top\nhits/b.flac,oh\nhits/c.flac,snare_mic\n")
    return tmp_path


def refusal(*arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        shipped.main([str(argument) for argument in arguments])
    assert ended.value.code
    return str(ended.value.code)


def test_without_a_folder_its_usage_is_shown(capsys):
    assert refusal() == "2"
    assert "FOLDER" in capsys.readouterr().err


def test_an_unknown_model_is_refused_with_those_there_are(drums):
    text = refusal(drums, "snare_1", "snare_9")
    assert all(word in text for word in ("NAME", "snare_1-nime2024", "snare_9"))


def test_what_training_needs_is_told(drums, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert "pip install 'remapd[train]'" in refusal(drums)


def test_it_needs_a_checkout(drums, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "MODELS_FOLDER", tmp_path / "models")
    assert "checkout" in refusal(drums)


def test_the_main_microphone_of_each_drum_is_heard(drums):
    names = [path.relative_to(drums).as_posix() for path in shipped.recordings(drums, shipped.DRUMS[:2])]
    assert names == [f"{drum}/hits/{file}.flac" for drum in shipped.DRUMS[:2] for file in ("a", "c")]


def test_a_drum_is_called_like_its_own_folder(drums):
    paths = shipped.recordings(drums, shipped.DRUMS)
    origins = tuple(Origin(path, 0, 0.0, "hits") for path in paths)
    hits = HitSet(np.zeros((6, 4), np.float32), np.zeros((6, 7)), np.ones(6), origins, FeatureSpec())
    named = shipped.named_by_drum(hits, drums)
    assert [one.drum for one in named.origins[::2]] == list(shipped.DRUMS)


@pytest.mark.parametrize(("table", "word"), [(None, "cannot be read"), ("file\na.flac\n", "no column 'mic'")])
def test_a_drum_without_a_table_is_told(drums, table, word, monkeypatch):
    monkeypatch.setattr(shipped, "make", lambda name, folder: shipped.recordings(folder, shipped.DRUMS))
    path = drums / shipped.DRUMS[1] / "hits.csv"
    path.unlink()
    if table is not None:
        path.write_text(table)
    text = refusal(drums, "snare_1")
    assert f"{path}: " in text
    assert word in text


def test_every_model_has_a_preset_and_a_recipe():
    for preset, recipe, drums in shipped.MODELS.values():
        assert (SHIPPED / "presets" / f"{preset}.json").is_file()
        assert recipe in RECIPES
        assert set(drums) <= set(shipped.DRUMS)
