"""``remapd train`` from the outside: what it writes, what it says, and what it refuses before and after the work."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

pytest.importorskip("torch")

from remapd import extras
from remapd.cli import main
from remapd.commands import _train_setup
from remapd.commands._train_lines import STAGES
from remapd.mapping import library
from remapd.mapping.bundle import load_model
from remapd.training import fit
from remapd.training.long_term import TRAINING_RATE_HZ
from remapd.training.recipes import RECIPES
from tests.recordings import require_audio_folder
from tests.training_hits import played_hits

SHORT = ("--recipe", "nime2024", "--epochs", "2")


@pytest.fixture(scope="module")
def take(tmp_path_factory) -> Path:
    """Twenty hits, each with its ring, as one recording."""
    path = tmp_path_factory.mktemp("recordings") / "my take.wav"
    order = np.random.default_rng(0).permutation(20)
    sounds = played_hits(20).sounds[order]
    soundfile.write(path, np.pad(sounds, ((0, 0), (2000, 0))).ravel(), TRAINING_RATE_HZ, subtype="FLOAT")
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(_train_setup, "user_folder", lambda: tmp_path / "own")
    monkeypatch.setattr(library, "user_folder", lambda: tmp_path / "own")
    return tmp_path


def train(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


def assert_refused(result: Result, folder: Path, *words: str) -> None:
    assert result.exit_code != 0, result.output
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith(("remapd: ", "Error: ")), result.stderr
    assert all(word in line for word in words), line
    assert "Traceback" not in result.output
    assert not [path for path in folder.rglob("*") if path.suffix in (".safetensors", ".tmp")]


def test_writes_a_model_that_can_be_named(take, folder):
    result = train(take, *SHORT)
    assert result.exit_code == 0, result.output
    model = load_model(folder / "own" / "my_take.safetensors")
    assert (model.name, model.preset.name, model.licence) == ("my_take", "snare_1", "not stated")
    assert "20 hits in 1 recording" in result.stdout
    assert "remapd demo --model my_take\n" in result.stdout
    assert "epoch 2 of 2" in result.stderr
    assert not list(folder.rglob("*.checkpoint"))


def test_options_reach_the_training(take, folder):
    out, report = folder / "m.safetensors", folder / "page"
    options = ("--preset", "snare_3", "--seed", 3, "--name", "mine", "--licence", "CC0-1.0", "--test", 0.3)
    result = train(take, *SHORT, *options, "-o", out, "--report", report, "--device", "cpu", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    model = load_model(out)
    assert (model.name, model.preset.name, model.licence) == ("mine", "snare_3", "CC0-1.0")
    assert model.provenance["seed"] == "3"
    assert "6 tested on" in model.provenance["data.hits"]
    assert (report / "index.html").is_file()
    assert json.loads((report / "report.json").read_text())


def json_lines(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_program_is_told_of_each_step(take, folder):
    result = train(take, *SHORT, "-o", folder / "m.safetensors", "--progress", "json")
    assert result.exit_code == 0, result.output
    lines = json_lines(result)
    assert [line["stage"] for line in lines if "stage" in line][-4:] == list(STAGES[1:])
    assert next(line["hits"] for line in lines if "hits" in line)["hits"] == 20
    epochs = [line for line in lines if "epoch" in line]
    assert [(line["epoch"], line["epochs"]) for line in epochs] == [(1, 2), (2, 2)]
    assert epochs[0]["left_s"] > 0.0
    assert epochs[0]["train_loss"] > 0.0
    done = lines[-1]["result"]
    assert (done["name"], done["ending"], done["epochs"], done["test_hits"]) == ("m", "finished", 2, 2)
    assert done["errors"]["model"] > 0.0


def test_a_program_is_told_what_is_wrong(take, folder):
    out = folder / "m.safetensors"
    result = train(take, *SHORT, "-o", out, "--channel", 2, "--progress", "json")
    assert result.exit_code == 1
    error = json_lines(result)[-1]["error"]
    assert "channel" in error["text"]
    result = train(take, "-o", out, "--progress", "json", "--recipe", "nime")
    error = json_lines(result)[-1]["error"]
    assert (error["field"], error["got"]) == ("recipe", "nime")
    assert "nime2024" in error["expected"]
    assert train(take, "--quiet", "--progress", "json").exit_code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="priorities and signals as POSIX has them")
def test_in_the_background_it_gives_way_and_ends_with_its_parent(take, folder):
    options = ("--recipe", "nime2024", "--epochs", "100000", "--progress", "json", "--background")
    command = [sys.executable, "-m", "remapd", "train", str(take), *options, "-o", str(folder / "m.safetensors")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdin is not None
    assert child.stdout is not None
    for line in child.stdout:
        if "epoch" in json.loads(line):
            break
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 15)
    child.stdin.close()
    child.stdout.read()
    assert child.wait(30) == -signal.SIGKILL


def test_same_command_gives_the_same_bytes(take, folder):
    contents = []
    for name in ("a", "b"):
        assert train(take, *SHORT, "-o", folder / f"{name}.safetensors", "--name", "same").exit_code == 0
        contents.append((folder / f"{name}.safetensors").read_bytes())
    assert contents[0] == contents[1]


def test_all_hits_may_be_trained_on(take, folder):
    result = train(take, *SHORT, "-o", folder / "m.safetensors", "--test", 0, "--report", folder / "r")
    assert result.exit_code == 0, result.output
    assert "18 hits trained on" in result.stdout


def test_help_lists_the_recipes():
    text = train("--help").stdout
    assert all(f"\n  {name}" in text for name in RECIPES)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--preset", "snare_9"), ("preset", "snare_3")),
        (("--synth", "snare909"), ("--synth", "snare808")),
        (("--synth", "kick808", "--preset", "snare_1"), ("--preset", "kick808", "snare808")),
        (("--recipe", "nime"), ("recipe", "nime2024-linear")),
        (("--epochs", "0"), ("--epochs",)),
        (("--channel", "0"), ("channel", "from 1")),
        (("--channel", "2"), ("channel",)),
        (("--set", "neurality=1"), ("--set", "onset.NAME")),
        (("--set", "onset.hold_ms=900"), ("onset.hold_ms", "200")),
        (("--output", "model.wav"), ("--output", ".safetensors")),
        (("--output", "nowhere/m.safetensors"), ("nowhere",)),
        (("--name", "/"), ("--name",)),
        (("--device", "cuda"), ("--device cuda", "CPU")),
        (("--resume",), ("no checkpoint", "resume")),
        (("--validation", "0"), ("--validation",)),
        (("--set", "onset.on_threshold_db=40"), ("16",)),
    ],
)
def test_refused(take, folder, options, words, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert_refused(train(take, *SHORT, *options), folder, *words)


def test_faults_are_told_before_the_work(take, folder, monkeypatch):
    monkeypatch.setattr("remapd.training.dataset.load_hits", lambda *_, **__: pytest.fail("work was done"))
    (folder / "kept").mkdir()
    (folder / "kept" / "letter.txt").write_text("dear")
    assert_refused(train(take, "-o", folder / "m.safetensors", "--report", folder / "kept"), folder, "letter.txt")
    (folder / "dir.safetensors").mkdir()
    result = train(take, "-o", folder / "dir.safetensors")
    assert result.exit_code == 1
    assert "is no file" in result.stderr
    (folder / "dir.safetensors").rmdir()
    monkeypatch.setattr(_train_setup, "_LEAST_FREE_BYTES", 1 << 70)
    assert_refused(train(take, "-o", folder / "m.safetensors"), folder, "disk is full")
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert_refused(train(take, "-o", folder / "m.safetensors"), folder, "pip install 'remapd[train]'")


@pytest.mark.parametrize("name", ["silence", "one_hit", "clipped", "same", "missing", "text"])
def test_recordings_that_teach_nothing(take, folder, name):
    samples, rate = soundfile.read(take)
    made = {
        "silence": np.zeros(rate * 5),
        "one_hit": samples[: rate // 2],
        "clipped": np.clip(samples * 1e5, -1.0, 1.0),
        "same": np.tile(samples[: round(0.8 * rate)], 20),
    }
    path = folder / f"{name}.wav"
    if name in made:
        soundfile.write(path, made[name], rate, subtype="FLOAT")
    elif name == "text":
        path.write_text("no sound")
    assert_refused(train(path, *SHORT, "-o", folder / "m.safetensors"), folder, f"{name}.wav")


def test_speech_is_refused(folder):
    speech = sorted((require_audio_folder() / "negatives").glob("*speech*"))
    assert speech
    assert_refused(train(speech[0], *SHORT, "-o", folder / "m.safetensors"), folder, speech[0].name)


@pytest.mark.parametrize("rate", [22050, 96000])
def test_stereo_at_another_rate_is_fine(take, folder, rate):
    signal_module = pytest.importorskip("scipy.signal")
    samples, own = soundfile.read(take)
    other = signal_module.resample_poly(samples, rate // 50, own // 50)
    path = folder / "other.wav"
    soundfile.write(path, np.stack([np.zeros_like(other), other], axis=1), rate, subtype="FLOAT")
    result = train(path, *SHORT, "--channel", 2, "-o", folder / "m.safetensors")
    assert result.exit_code == 0, result.output
    assert load_model(folder / "m.safetensors").name == "m"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_keeps_what_was_learnt_and_can_be_gone_on_from(take, folder, monkeypatch, number):
    whole, broken = folder / "whole.safetensors", folder / "broken.safetensors"
    options = ("--recipe", "nime2024", "--epochs", "3", "--name", "same")
    assert train(take, *options, "-o", whole).exit_code == 0
    handler = signal.getsignal(number)
    with monkeypatch.context() as patch:
        epoch = fit.Fit._epoch
        patch.setattr(fit.Fit, "_epoch", lambda *given: (epoch(*given), os.kill(os.getpid(), number)))
        result = train(take, *options, "-o", broken)
    assert result.exit_code == 0, result.output
    assert "1 epochs" in result.stdout
    assert "stopped before the end" in result.stdout
    assert "--resume" in result.stdout
    assert "what was learnt so far is kept" in result.stderr
    assert signal.getsignal(number) == handler
    assert "stopped by hand" in load_model(broken).provenance["epochs"]
    assert (folder / "broken.safetensors.checkpoint").is_file()
    assert train(take, *options, "-o", broken, "--resume").exit_code == 0
    assert broken.read_bytes() == whole.read_bytes()
    assert not (folder / "broken.safetensors.checkpoint").exists()


def test_a_model_that_is_there_is_replaced_by_force_alone(take, folder):
    (folder / "own").mkdir()
    for out, options in ((folder / "m.safetensors", ("-o", folder / "m.safetensors")),
                         (folder / "own" / "my_take.safetensors", ())):  # fmt: skip
        out.write_bytes(b"what was there before")
        result = train(take, *SHORT, *options)
        assert result.exit_code == 1
        assert f"{out}: there is a model already; --force replaces it, --output" in result.stderr
        assert out.read_bytes() == b"what was there before"
    assert train(take, *SHORT, "-o", folder / "m.safetensors", "--force").exit_code == 0
    assert load_model(folder / "m.safetensors").name == "m"


def test_what_was_broken_off_is_gone_on_from_or_begun_anew_as_told(take, folder):
    out = folder / "m.safetensors"
    left = folder / "m.safetensors.checkpoint"
    left.write_bytes(b"of another training")
    result = train(take, *SHORT, "-o", out)
    assert_refused(result, folder, str(left), "--resume", "--force")
    assert left.read_bytes() == b"of another training"
    assert_refused(train(take, *SHORT, "-o", out, "--resume"), folder, "is damaged")
    assert train(take, *SHORT, "-o", out, "--force").exit_code == 0
    assert not left.exists()


def test_second_interrupt_breaks_off(take, folder, monkeypatch):
    def interrupt_twice(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(fit.Fit, "_epoch", interrupt_twice)
    result = train(take, *SHORT, "-o", folder / "m.safetensors")
    assert result.exit_code != 0
    assert not list(folder.rglob("*.safetensors"))


def test_full_disk_leaves_no_half_model(take, folder, monkeypatch):
    out = folder / "m.safetensors"
    out.write_bytes(b"what was there before")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("remapd.files.os.fsync", full)
    result = train(take, *SHORT, "-o", out, "--force")
    assert result.exit_code == 1
    assert result.stderr.strip().endswith("cannot be written: No space left on device")
    assert out.read_bytes() == b"what was there before"
    assert [path.name for path in folder.iterdir()] == [out.name]


def test_other_synths_have_a_preset_to_start_from(take, folder):
    out = folder / "m.safetensors"
    result = train(take, *SHORT, "--synth", "kick808", "-o", out)
    assert result.exit_code == 0, result.output
    assert load_model(out).synth == "kick808"
