"""Models and presets by name."""

from __future__ import annotations

import pytest

from remapd.errors import FieldError, ModelError
from remapd.mapping import library
from remapd.mapping.bundle import load_model, save_model
from remapd.synth.presets import default_preset, save_preset
from tests.models import SHIPPED, make_model


@pytest.fixture
def user(tmp_path, monkeypatch):
    """The user's own folder, empty."""
    folder = tmp_path / "models"
    (folder / "presets").mkdir(parents=True)
    monkeypatch.setattr(library, "user_folder", lambda: folder)
    return folder


@pytest.mark.usefixtures("user")
def test_what_is_shipped_is_found_by_name():
    assert list(library.list_models()) == sorted(path.stem for path in SHIPPED.glob("*.safetensors"))
    assert list(library.list_presets()) == sorted(path.stem for path in SHIPPED.glob("presets/*.json"))
    for name in library.list_models():
        assert library.load_model_named(name).name == name
    for name in library.list_presets():
        assert library.load_preset_named(name).name == name


def test_the_users_own_comes_first(user):
    save_model(make_model(name="mine"), user / "velocity.safetensors")
    save_preset(default_preset(), user / "presets" / "snare_1.json")
    assert library.load_model_named("velocity").name == "mine"
    assert library.load_preset_named("snare_1").name == "default"
    assert library.list_models()["velocity"].parent == user


def test_names_may_have_dots_and_blanks(user):
    save_model(make_model(), user / "kit 2.1.safetensors")
    assert library.find_model("kit 2.1") == user / "kit 2.1.safetensors"


def test_case_matters(user):
    save_model(make_model(), user / "Mine.safetensors")
    assert library.find_model("Mine").name == "Mine.safetensors"
    with pytest.raises(FieldError, match="did you mean Mine"):
        library.find_model("mine")


def test_paths_are_taken_as_they_are(user, tmp_path, monkeypatch):
    save_model(make_model(), tmp_path / "elsewhere.safetensors")
    monkeypatch.chdir(tmp_path)
    for path in ("elsewhere.safetensors", "./elsewhere.safetensors", tmp_path / "elsewhere.safetensors"):
        assert library.load_model_named(path).name == "a model"
    with pytest.raises(ModelError, match=r"none\.safetensors"):
        library.load_model_named("none.safetensors")
    with pytest.raises(ModelError, match="presets/velocity"):
        library.load_model_named("presets/velocity")


@pytest.mark.usefixtures("user")
def test_an_unknown_name_is_refused_with_a_near_one():
    with pytest.raises(FieldError, match=r"did you mean velocity\?.*'velocty'"):
        library.load_model_named("velocty")
    with pytest.raises(FieldError, match=r"did you mean snare_1\?|did you mean snare_2\?|did you mean snare_3\?"):
        library.load_preset_named("snare1")
    with pytest.raises(FieldError, match=f"there are {', '.join(list(library.list_presets())[:3])}"):
        library.load_preset_named("qqqq")


def test_without_any_folder_there_is_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "folders", lambda: [tmp_path / "nowhere"])
    assert library.list_models() == {}
    with pytest.raises(FieldError, match="there are none"):
        library.find_model("velocity")


def test_other_and_hidden_files_are_no_models(user):
    for name in (".hidden.safetensors", "notes.txt", "model.pt"):
        (user / name).touch()
    assert set(library.list_models()) == {path.stem for path in SHIPPED.glob("*.safetensors")}


def test_a_listed_model_that_is_damaged_says_so_when_loaded(user):
    (user / "broken.safetensors").write_bytes(b"nothing")
    assert "broken" in library.list_models()
    with pytest.raises(ModelError, match=r"broken\.safetensors"):
        library.load_model_named("broken")
    load_model(library.list_models()["velocity"])


def test_a_preset_that_does_not_fit_is_named_with_its_file(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"preset": {"osc1.freq": 180.0}}')
    with pytest.raises(ModelError, match=r"broken\.json.*osc1\.mod"):
        library.load_preset_named(path)
