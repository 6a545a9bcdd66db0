"""``remapd experiment`` from the outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("torch")

from remapd import extras
from remapd.cli import main
from remapd.commands import experiment
from remapd.training import recipes
from tests.experiments import InlinePool, short, write_drums


@pytest.fixture(scope="module")
def drums(tmp_path_factory) -> Path:
    return write_drums(tmp_path_factory.mktemp("drums"), "one", "two")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Jobs run in this process, recipes are over at once; jobs leave the threads alone."""
    monkeypatch.setattr(experiment, "_pool", lambda workers, dask: InlinePool())
    monkeypatch.setattr("remapd.training.experiment_jobs._use_one_thread", lambda: None)
    monkeypatch.setattr(recipes, "RECIPES", {name: short(name) for name in recipes.RECIPES})
    monkeypatch.setattr(recipes, "DIRECT", short("direct"))


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["experiment", *map(str, arguments)])


def test_writes_tables_and_goes_on(drums, tmp_path):
    options = ("--presets", "snare_1", "--recipes", "bare,nime2024", "--recipes", "direct", "--seeds", 2)
    first = command(drums, *options, "--drums", "two", "-o", tmp_path / "out")
    assert first.exit_code == 0, first.output
    assert "6 jobs: 6 done, 0 there already" in first.stdout
    second = command(drums, *options, "-o", tmp_path / "out", "--keep-models")
    assert second.exit_code == 0, second.output
    assert "12 jobs: 8 done, 4 there already" in second.stdout
    assert "12 of 12 jobs: 0 s left" in second.stderr
    tables = {path.name: path.read_text() for path in (tmp_path / "out").glob("tables.*")}
    assert sorted(tables) == ["tables.csv", "tables.md", "tables.tex"]
    assert "## All drums" in tables["tables.md"]
    assert all(rf"differences: {drum}." in tables["tables.tex"] for drum in ("All drums", "one", "two"))
    (tmp_path / "out" / "tables.md").unlink()
    again = command("--tables-only", "-o", tmp_path / "out", "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    assert (tmp_path / "out" / "tables.md").read_text() == tables["tables.md"]


def test_published_rows_and_presets_are_the_default(drums):
    plan = experiment._plan(drums, (), (), (), 1, 0, "1")
    assert len(plan) == 2 * 5 * 9
    assert {method.name for method in plan.methods} >= {"bare", "direct", "default", "nime2024-mlp-large-2048"}
    everything = experiment._plan(drums, (), ("all",), ("bare",), 1, 0, "mix")
    assert {preset.synth for preset in everything.presets} > {"snare808", "kick808"}


def test_quiet_says_what_is_wrong_alone(drums, tmp_path):
    (tmp_path / "drums" / "empty").mkdir(parents=True)
    options = ("--recipes", "bare", "--presets", "snare_1", "--quiet")
    result = command(drums, *options, "-o", tmp_path / "out")
    assert (result.exit_code, result.output) == (0, "")
    result = command(tmp_path / "drums", *options, "-o", tmp_path / "none")
    assert result.exit_code == 1
    assert "no recording" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--drums", "three"), ("--drums", "one, two")),
        (("--drums", "one,one"), ("--drums", "each once")),
        (("--presets", "snare_9"), ("preset", "snare_3")),
        (("--recipes", "nime"), ("--recipes", "nime2024", "bare")),
        (("--recipes", "bare,bare"), ("--recipes", "each once")),
        (("--seeds", "0"), ("--seeds",)),
        (("--channel", "0"), ("channel", "from 1")),
        (("--workers", "0"), ("--workers",)),
    ],
)
def test_refused(drums, tmp_path, options, words):
    result = command(drums, *options, "-o", tmp_path / "out")
    assert result.exit_code != 0
    line = result.stderr.strip().splitlines()[-1]
    assert all(word in line for word in words), line
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_faults_of_folders(drums, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    for arguments, words in [
        (("-o", tmp_path / "out"), "FOLDER"),
        ((tmp_path / "nowhere", "-o", tmp_path / "out"), "no such folder"),
        ((drums / "one", "-o", tmp_path / "out"), "one folder of recordings for each drum"),
        ((drums, "-o", tmp_path / "file"), "cannot be made"),
        (("--tables-only", "-o", tmp_path), "no results"),
    ]:
        result = command(*arguments)
        assert result.exit_code == 1, result.output
        assert words in result.stderr
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    result = command(drums, "-o", tmp_path / "out")
    assert "pip install 'remapd[train]'" in result.stderr


def test_workers_are_for_this_machine(monkeypatch, tmp_path, drums):
    monkeypatch.undo()
    result = command(drums, "--dask", "tcp://x:1", "--workers", "2", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "--workers" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_can_be_broken_off(drums, tmp_path, number):
    command_line = [sys.executable, "-m", "remapd", "experiment", str(drums), "-o", str(tmp_path / "out")]
    with subprocess.Popen(
        command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        assert process.stderr is not None
        assert "0 of 90 jobs" in process.stderr.readline()
        os.killpg(process.pid, number)
        # Ends only when the workers have ended too.
        said, told = process.communicate()
    assert process.returncode != 0
    assert said == ""
    assert "Traceback" not in told
