"""Preset files: the shipped ones, the published form, round trips, and what is refused."""

from __future__ import annotations

import json
import os
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.errors import FieldError, ModelError, RemapdError
from remapd.synth import snare808
from remapd.synth.presets import (
    MAX_FILE_BYTES,
    Preset,
    default_preset,
    load_preset,
    preset_document,
    preset_from_document,
    save_preset,
)
from remapd.synth.registry import SYNTHS
from tests import models

SHIPPED = models.SHIPPED / "presets"
PUBLISHED = {
    "noisy_snare": [500, 0.42, 700, 1, 787, 100, 200, 1949, 3915, 6, -50, -50, -25, 13],
    "open_snare": [135, 0.43, 236, 0.53, 119, 558, 43, 100, 10000, 1.2, -10, -14, -53, -3],
    "snare_1": [180, 0.4, 240, 0.3, 50, 200, 150, 200, 2500, 2, -6, -12, -4, -12],
    "snare_2": [179, 0.1, 366, 0.34, 21.59, 133, 106.5, 108, 2295, 0.5, -18, -20, -10, 1],
    "snare_3": [173, 0.66, 351, 0.24, 33.19, 152.07, 91.15, 269, 1500, 1, -14, -13, -44, -3.5],
    "tom_1": [135, 0.43, 236, 0.53, 119, 558, 43, 100, 10000, 1.2, -10, -14, -53, -3],
}
VALUES = snare808.TABLE.mapping(snare808.TABLE.default)


def _document(**changes):
    return {"name": "a", "synth": "snare808", "description": "", "preset": dict(VALUES), "damping": {}, **changes}


def _written(tmp_path, text):
    path = tmp_path / "given.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_shipped_presets_are_the_published_ones(name):
    preset = load_preset(SHIPPED / f"{name}.json")
    assert (preset.name, preset.synth) == (name, "snare808")
    assert preset.description
    np.testing.assert_array_equal(preset.values, PUBLISHED[name])
    expected = np.ones(14)
    expected[[0, 2]] = 0.01
    np.testing.assert_array_equal(preset.damping, expected)


def test_the_synth_of_the_publication_has_no_others():
    assert {path.stem for path in models.shipped_presets("snare808")} == set(PUBLISHED)


def test_every_synth_has_presets_that_are_named_after_their_files():
    presets = {path.stem: load_preset(path) for path in SHIPPED.iterdir()}
    assert {preset.synth for preset in presets.values()} == set(SYNTHS)
    assert all(preset.name == name and preset.description for name, preset in presets.items())


def test_the_published_form_is_read_and_named_after_its_file(tmp_path):
    path = _written(tmp_path, json.dumps({"preset": VALUES, "damping": {"osc2.freq": 0.01}}))
    preset = load_preset(path)
    assert (preset.name, preset.synth) == ("given", "snare808")
    assert preset.damping[2] == 0.01
    assert preset.damping.sum() == pytest.approx(13.01)


def test_any_file_name_makes_a_valid_name(tmp_path):
    path = tmp_path / "·(snare) nº 1.json"
    path.write_text(json.dumps({"preset": VALUES}))
    assert load_preset(path).name == "snare_ n_ 1"


@given(seed=st.integers(0, 1000))
def test_key_order_never_matters(seed):
    shuffle = random.Random(seed)

    def shuffled(fields):
        items = list(fields.items())
        shuffle.shuffle(items)
        return dict(items)

    damping = {"osc1.freq": 0.01, "osc2.freq": 0.02, "noise_filter.q": 0.5}
    given_document = shuffled(_document(preset=shuffled(VALUES), damping=shuffled(damping)))
    preset = preset_from_document(given_document)
    np.testing.assert_array_equal(preset.values, snare808.TABLE.default)
    assert preset.damping[[0, 2, 9]].tolist() == [0.01, 0.02, 0.5]


@given(data=st.data())
def test_a_round_trip_changes_nothing(tmp_path_factory, data):
    fraction = st.lists(st.floats(0.0, 1.0), min_size=14, max_size=14)
    values = snare808.TABLE.denormalise(data.draw(fraction))
    preset = Preset("a b", "snare808", values, np.array(data.draw(fraction)), 'é – ‘quoted’ \\ "')
    path = tmp_path_factory.mktemp("presets") / "a.json"
    save_preset(preset, path)
    first = path.read_bytes()
    again = load_preset(path)
    save_preset(again, path)
    assert path.read_bytes() == first
    assert preset_document(again) == preset_document(preset)
    np.testing.assert_array_equal(again.values, values)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (_document(preset={k: v for k, v in VALUES.items() if k != "osc1.mod"}), "preset"),
        (_document(preset={**VALUES, "osc1.frq": 1.0}), "preset"),
        (_document(preset={**VALUES, "osc1.freq": 19.9}), "preset.osc1.freq"),
        (_document(preset={**VALUES, "osc1.freq": "180"}), "preset.osc1.freq"),
        (_document(preset={**VALUES, "osc1.freq": True}), "preset.osc1.freq"),
        (_document(preset={**VALUES, "osc1.freq": None}), "preset.osc1.freq"),
        (_document(preset={**VALUES, "noise_filter.q": float("nan")}), "preset.noise_filter.q"),
        (_document(preset={**VALUES, "noise_filter.q": float("inf")}), "preset.noise_filter.q"),
        (_document(preset=[180.0]), "preset"),
        ({"damping": {}}, "preset"),
        (_document(damping={"osc3.freq": 0.5}), "damping"),
        (_document(damping={"osc1.freq": 1.01}), "damping.osc1.freq"),
        (_document(damping={"osc1.freq": float("nan")}), "damping.osc1.freq"),
        (_document(damping={"osc1.freq": False}), "damping.osc1.freq"),
        (_document(damping=[1.0]), "damping"),
        (_document(name="../up"), "name"),
        (_document(name=""), "name"),
        (_document(name=5), "name"),
        (_document(description="two\nlines"), "description"),
        (_document(description="\ud800"), "description"),
        (_document(description="x" * 1001), "description"),
        (_document(synth="snare809"), "synth"),
        (_document(synth=808), "synth"),
        (_document(colour="red"), "preset file"),
        ([], "preset file"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path, document, field):
    path = _written(tmp_path, json.dumps(document))
    with pytest.raises(FieldError) as caught:
        load_preset(path)
    assert caught.value.field == field
    assert "\n" not in str(caught.value)


def test_missing_and_unknown_parameters_are_named():
    few = {k: v for k, v in VALUES.items() if k not in ("osc1.mod", "noise_filter.q")}
    with pytest.raises(FieldError, match=r"got none for osc1\.mod, noise_filter\.q$"):
        preset_from_document(_document(preset=few))
    with pytest.raises(FieldError, match=r"did you mean osc1\.freq.*got 'osc1\.frq'"):
        preset_from_document(_document(preset={**VALUES, "osc1.frq": 1.0}))
    with pytest.raises(FieldError, match="did you mean snare808"):
        preset_from_document(_document(synth="snare"))
    with pytest.raises(FieldError, match=r"preset: expected a JSON object .*, got none$"):
        preset_from_document({})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 60_000,
        b'{"preset": ' * 5000,
        b'{"preset": {"osc1.freq": 1}, "preset": {}}',
        json.dumps(_document()).replace("180.0", "1" + "0" * 5000).encode(),
        json.dumps(_document()).replace("180.0", "1e999").encode(),
        b" " * (MAX_FILE_BYTES + 1),
    ],
    ids=["empty", "cut", "binary", "deep", "deeper", "duplicate", "long number", "huge number", "oversize"],
)
def test_damaged_files_give_one_line(tmp_path, text):
    with pytest.raises(RemapdError) as caught:
        load_preset(_written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_duplicate_is_named(tmp_path):
    text = json.dumps(_document()).replace('"osc1.mod"', '"osc1.freq"')
    with pytest.raises(FieldError, match=r"osc1\.freq: expected one value, got 'two'"):
        load_preset(_written(tmp_path, text))


def test_files_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "a" / "b.json"):
        with pytest.raises(ModelError, match="cannot be read"):
            load_preset(path)


def test_a_failed_save_leaves_nothing_behind(tmp_path):
    target = tmp_path / "taken.json"
    target.mkdir()
    (target / "inside").touch()
    with pytest.raises(ModelError, match="cannot be written"):
        save_preset(default_preset(), target)
    with pytest.raises(ModelError, match="cannot be written"):
        save_preset(default_preset(), tmp_path / "nowhere" / "a.json")
    assert os.listdir(tmp_path) == ["taken.json"]


def test_a_save_replaces_the_old_file(tmp_path):
    path = _written(tmp_path, "old")
    save_preset(default_preset(), path)
    assert load_preset(path).name == "default"
    assert os.listdir(tmp_path) == ["given.json"]


def test_a_preset_cannot_be_changed_in_place():
    preset = default_preset()
    with pytest.raises(ValueError, match="read-only"):
        preset.values[0] = 20.0
    with pytest.raises(FieldError, match="14 numbers"):
        Preset("a", "snare808", np.zeros(3), np.ones(14))
    with pytest.raises(FieldError, match="14 numbers"):
        Preset("a", "snare808", preset.values, np.ones(3))
