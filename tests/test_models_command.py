"""`remapd models`: what is there, what it is, whether it works, and the way to TorchDrum and back."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from remapd import extras
from remapd.cli import main
from remapd.mapping import library
from remapd.mapping.bundle import load_model, save_model
from remapd.mapping.network import Network
from remapd.offline import verify
from remapd.offline.verify import independent_modulation, verify_model
from remapd.synth.presets import Preset
from tests.models import SHIPPED, changed_file, make_model
from tests.networks import MLP_LARGE, linear, mlp

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
VELOCITY = SHIPPED / "velocity.safetensors"


def models(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


@pytest.fixture
def user(tmp_path, monkeypatch):
    """The user's own folder, empty."""
    folder = tmp_path / "own" / "models"
    monkeypatch.setattr(library, "user_folder", lambda: folder)
    return folder


def damaged(path: Path) -> Path:
    path.write_bytes(changed_file(lambda fields: fields["preset"]["damping"].update({"osc1.freq": 2.0})))
    return path


# list


def test_list_has_a_line_for_each(user):
    user.mkdir(parents=True)
    save_model(make_model(mlp(MLP_LARGE), provenance={"recipe": "nime2024"}), user / "mine.safetensors")
    damaged(user / "broken.safetensors")
    result = models("list")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert set(lines) == {"mine", "broken", *(path.stem for path in SHIPPED.glob("*.safetensors"))}
    for text in ("snare808", "snare_1", "mlp 3-64-64-64-14", "nime2024", "CC0-1.0", str(user / "mine.safetensors")):
        assert text in lines["mine"]
    assert "damaged: " in lines["broken"]
    assert "preset.damping.osc1.freq: expected a number from 0 to 1" in lines["broken"]


def test_list_as_json(user):
    user.mkdir(parents=True)
    damaged(user / "broken.safetensors")
    rows = {row["name"]: row for row in json.loads(models("list", "--json").output)}
    assert "damping" in rows["broken"]["error"]
    assert rows["velocity"]["recipe"] == "set by hand"


def test_no_models_are_told(monkeypatch):
    monkeypatch.setattr(library, "folders", list)
    assert models("list").output == "There are no models.\n"


# show


def test_show_has_all_of_a_model(user):
    result = models("show", "velocity")
    assert result.exit_code == 0
    model = load_model(VELOCITY)
    for text in ("MIT", "linear 3-14", "set by hand", model.table.fingerprint, *model.table.names, "2500  Hz", "0.650"):
        assert text in result.output


def test_show_as_json_is_the_description(user):
    shown = json.loads(models("show", VELOCITY, "--json").output)
    assert shown.pop("path") == str(VELOCITY)
    assert shown == json.loads(json.dumps(load_model(VELOCITY).describe()))


def test_show_as_markdown_is_the_card(user):
    result = models("show", "velocity", "--markdown")
    assert result.output.startswith("# velocity\n")
    assert "| noise\\_filter.freq | 2500 | Hz | 1 |" in result.output


def test_text_of_a_file_is_no_markup(user, tmp_path):
    save_model(make_model(description="[red]x[/red]", provenance={"[b]": "[/nonsense]"}), tmp_path / "x.safetensors")
    output = models("show", tmp_path / "x.safetensors").output
    assert "[red]x[/red]" in output
    assert "[/nonsense]" in output


def test_an_unknown_name_is_told(user):
    result = models("show", "velocty")
    assert result.exit_code == 1
    assert "did you mean velocity?" in result.output


# verify


def test_all_that_is_shipped_is_verified(user):
    result = models("verify")
    assert result.exit_code == 0, result.output
    assert "fail" not in result.output
    for path in SHIPPED.glob("*.safetensors"):
        assert str(path) in result.output
    assert "synth.fingerprint" in result.output


def test_verify_names_the_field_that_fails(user, tmp_path):
    result = models("verify", "velocity", damaged(tmp_path / "broken.safetensors"))
    assert result.exit_code == 1
    assert "fail file: model" in result.output
    assert "preset.damping.osc1.freq" in result.output
    assert "ok   sound" in result.output
    assert models("verify", tmp_path / "none.safetensors").exit_code == 1


def test_verify_as_json(user, tmp_path):
    result = models("verify", "velocity", damaged(tmp_path / "broken.safetensors"), "--json")
    assert result.exit_code == 1
    assert [one["ok"] for one in json.loads(result.output)] == [True, False]


@pytest.mark.parametrize(
    "network", [linear(scale=3.0), mlp(), mlp(MLP_LARGE, scale=2.0)], ids=["linear", "mlp", "large"]
)
def test_a_sound_model_passes_every_check(network):
    checks = list(verify_model(make_model(network)))
    assert all(check.passed for check in checks), checks
    assert [c.field for c in checks] == ["synth.fingerprint", "network", "modulation", "forward", "preset", "sound"]


def test_a_forward_pass_that_differs_is_found(monkeypatch):
    monkeypatch.setattr(verify, "independent_modulation", lambda *arguments: independent_modulation(*arguments) + 1e-5)
    assert [check.field for check in verify_model(make_model()) if not check.passed] == ["forward"]


def test_a_silent_model_is_found(monkeypatch):
    # At its softest the synth is still at -75 dB.
    monkeypatch.setattr(verify, "SILENCE_DB", -60.0)
    preset = make_model().preset
    values = preset.table.mapping(preset.values)
    values |= {"osc1_gain.gain": -60.0, "osc2_gain.gain": -60.0, "noise_gain.gain": -60.0, "tanh.in_gain": -24.0}
    silent = Preset("silent", "snare808", preset.table.vector(values), np.zeros(14))
    failed = [check.field for check in verify_model(make_model(preset=silent)) if not check.passed]
    assert failed == ["preset", "sound"]


# import and export


@needs_torch
def test_there_and_back(user, tmp_path):
    file = tmp_path / "x.pt"
    result = models("export", "velocity", "--torchdrum", file)
    assert result.exit_code == 0, result.output
    assert "velocity, linear 3-14, preset snare_1" in result.output
    result = models("import", file)
    assert result.exit_code == 0, result.output
    assert (user / "velocity.safetensors").read_bytes() == VELOCITY.read_bytes()
    before = file.read_bytes()
    for again in (("import", file), ("export", "velocity", "--torchdrum", file)):
        result = models(*again)
        assert result.exit_code == 1
        assert "output: expected a file that is not there yet, or --force" in result.output
    assert file.read_bytes() == before
    assert models("import", file, "--force", "--name", "mine", "-o", tmp_path / "y.safetensors").exit_code == 0
    assert load_model(tmp_path / "y.safetensors").name == "mine"


@needs_torch
def test_each_process_writes_the_same_file(tmp_path):
    files = [tmp_path / "a.pt", tmp_path / "b.pt"]
    command = [sys.executable, "-m", "remapd", "models", "export", str(VELOCITY), "--torchdrum"]
    running = [subprocess.Popen([*command, str(file)], stdout=subprocess.DEVNULL) for file in files]
    assert [process.wait() for process in running] == [0, 0]
    assert files[0].read_bytes() == files[1].read_bytes()


@needs_torch
def test_what_is_no_model_leaves_nothing_behind(user, tmp_path):
    source = tmp_path / "x.pt"
    source.write_text("no model")
    result = models("import", source)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "file: expected a TorchScript file" in result.output
    assert not user.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


@needs_torch
def test_another_window_than_torchdrums_is_told(tmp_path, user):
    save_model(make_model(), tmp_path / "x.safetensors")
    result = models("export", tmp_path / "x.safetensors", "--torchdrum", tmp_path / "x.pt")
    assert result.exit_code == 0
    assert "TorchDrum measures 256 samples, and this model was trained on 42.7 ms" in result.output


def test_without_torch_the_message_names_the_extra(user, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    (tmp_path / "x.pt").write_bytes(b"")
    for arguments in (("import", tmp_path / "x.pt"), ("export", "velocity", "--torchdrum", tmp_path / "y.pt")):
        result = models(*arguments)
        assert result.exit_code == 1
        assert "pip install 'remapd[train]'" in result.output
    assert not (tmp_path / "y.pt").exists()


def test_bad_names_are_refused_before_anything_is_read(user, tmp_path):
    result = models("import", tmp_path / "none.pt", "--name", "a/b")
    assert result.exit_code == 1
    assert "--name: expected 1 to 64 letters" in result.output
    assert "cannot be read" in models("import", tmp_path / "none.pt").output


def test_the_independent_forward_pass_is_one_of_a_batch():
    network: Network = mlp()
    inputs = np.random.default_rng(0).normal(size=(5, 3))
    expected = [network.modulation(x) for x in inputs]
    np.testing.assert_allclose(independent_modulation(network, inputs), expected, rtol=0, atol=1e-9)
