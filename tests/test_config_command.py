"""`remapd config`: what it writes is a config, and what it says holds."""

from __future__ import annotations

import json
import os
import re
import tomllib

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from remapd.cli import main
from remapd.control.settings.config import Config, load_config
from remapd.control.settings.text import config_document, effective_text, example_text, settings_of
from remapd.daemon.health import config

SECRET = "a-token-that-nobody-is-to-see"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No environment and no folders of the one who runs the tests."""
    for name in [name for name in os.environ if name.startswith("REMAPD_")]:
        monkeypatch.delenv(name)
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"REMAPD_PATHS__{name}", str(tmp_path))


def _run(*arguments):
    return CliRunner().invoke(main, ["config", *map(str, arguments)])


def test_the_example_is_a_config_and_says_nothing(tmp_path):
    (tmp_path / "remapd.toml").write_text(_run("--default").output)
    assert config_document(load_config()) == config_document(Config())
    assert load_config().values() == {}


def test_the_examples_lines_hold_the_defaults(tmp_path):
    text = "\n".join(line.removeprefix("#") for line in example_text().splitlines() if not line.startswith("# "))
    (tmp_path / "remapd.toml").write_text(re.sub(r"^\w+ =$", "", text, flags=re.MULTILINE))
    loaded = load_config()
    assert loaded.track[0]["onset/hold_ms"] == 12.0
    assert [sink["id"] for sink in loaded.sinks] == ["config-1", "config-2"]
    assert {**config_document(loaded), "track": [], "sinks": []} == config_document(Config())


def test_the_example_explains_every_setting():
    text = example_text()
    for section in Config.model_fields:
        for setting in settings_of(section):
            assert f"# {setting.description.rstrip('.')}" in text
            assert re.search(rf"^#{setting.name} =", text, re.MULTILINE)
    assert "# Frames in each call of the engine (a whole number from 16 to 4096 frames)." in text


def test_what_is_shown_is_what_holds_and_can_be_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("REMAPD_HTTP__PORT", "8123")
    path = tmp_path / "mine.toml"
    sinks = "[[sinks]]\nkind = 'midi'\nprograms = {'a b' = 3}\ncontrols = [{source = 'velocity', kind = 'pressure'}]\n"
    track = "[[track]]\nmodel = 'velocity'\nonset.hold_ms = 20\nmute = true\n"
    path.write_text(f"[osc]\nallow = ['10.0.0.0/8']\n{track}{sinks}")
    shown = _run("--config", path).output
    assert str(path) in shown
    document = tomllib.loads(shown)
    assert document["http"]["port"] == 8123
    assert document["osc"]["allow"] == ["10.0.0.0/8"]
    assert document["paths"]["state"] == str(tmp_path)
    assert document["track"] == [{"model": "velocity", "onset/hold_ms": 20.0, "mute": True}]
    assert document["sinks"][0]["programs"] == {"a b": 3}
    assert document == json.loads(_run("--config", path, "--json").output)
    path.write_text(shown)
    assert config_document(load_config(path)) == document


def test_a_token_is_not_shown(tmp_path):
    path = tmp_path / "remapd.toml"
    path.write_text(f"[http]\ntoken = '{SECRET}'\n")
    for output in (_run().output, _run("--json").output, _run("--check").output):
        assert SECRET not in output
    assert "token is set" in _run().output
    path.write_text("[http]\ntoken = 'too short'\n")
    refused = _run("--check")
    assert refused.exit_code == 1
    assert "http.token" in refused.output
    assert "too short" not in refused.output


def test_a_check_loads_what_is_named(tmp_path):
    path = tmp_path / "remapd.toml"
    assert "is not there" in _run("--check").output
    path.write_text("[[track]]\nmodel = 'kick_long'\nclick_env.decay = 20\n")
    assert _run("--check").output == f"{path}: fits\n"
    for text, word in (
        ("model = 'kick_lon'", "did you mean kick_long?"),
        ("model = 'snare_1'\nclick_env.decay = 20", "click_env"),
        ("model = 'snare_1'\npreset = 'kick_long'", "preset"),
    ):
        path.write_text(f"[[track]]\n{text}\n")
        refused = _run("--check")
        assert refused.exit_code == 1
        assert word in refused.output


def test_a_config_that_does_not_fit_is_refused_in_a_line(tmp_path):
    (tmp_path / "remapd.toml").write_text("[http]\nprot = 1\n")
    refused = _run()
    assert refused.exit_code == 1
    assert refused.output.startswith("remapd: http.prot: ")
    assert "did you mean port?" in refused.output
    assert len(refused.output.splitlines()) == 1


@given(st.text(st.characters(codec="utf-8").filter(str.isprintable), max_size=30), st.floats(-60.0, 12.0))
def test_any_value_is_shown_as_it_is(name, gain_db):
    made = Config(discovery={"name": name}, mix={"output_gain_db": gain_db})
    document = tomllib.loads(effective_text(made))
    assert document["discovery"]["name"] == name
    assert document["mix"]["output_gain_db"] == gain_db
    assert config_document(made) == {"track": [], "sinks": [], **document}


def test_the_doctor_says_whether_the_config_fits(tmp_path, monkeypatch):
    assert [(f.topic, f.status) for f in config.check_config()] == [("config", "ok")]
    path = tmp_path / "remapd.toml"
    for text in ("[http]\nprot = 1\n", "[[track]]\nmodel = 'none'\n"):
        path.write_text(text)
        [finding] = config.check_config()
        assert finding.status == "fail"
        assert str(path) in finding.remedy
    path.unlink()
    monkeypatch.setattr(os, "access", lambda folder, mode: folder != tmp_path)
    statuses = [finding.status for finding in config.check_config()]
    assert statuses == ["ok", "warn", "warn"]
