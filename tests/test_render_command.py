from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from remapd.audio.file import MIX
from remapd.cli import main
from remapd.commands.render import parsed_tracks
from remapd.errors import FieldError
from remapd.offline.no_hits import explain_no_hits
from remapd.offline.render_job import RenderSummary
from tests.engines import hits

RATE = 48000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "in.wav"
    soundfile.write(path, hits([0.1, 0.4], 0.8), RATE, subtype="FLOAT")
    return path


def remapd(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["render", *map(str, arguments)])


def test_command_writes_all_files_and_says_so_in_a_line(recording: Path, tmp_path: Path) -> None:
    names = {"--events": "hits.csv", "--rejected": "rejected.jsonl", "--midi": "a.mid", "--plot": "a.png"}
    options = [text for option, name in names.items() for text in (option, tmp_path / name)]
    result = remapd(recording, tmp_path / "out.flac", *options)
    assert result.exit_code == 0, result.output
    line = result.stdout.strip().splitlines()[-1]
    assert line.startswith(f"{tmp_path / 'out.flac'}: 2 hits, ")
    assert "0.80 s at 48000 Hz" in line
    assert {path.name for path in tmp_path.iterdir()} == {"in.wav", "out.flac", *names.values()}
    with (tmp_path / "hits.csv").open() as file:
        assert [round(float(row["onset_s"]), 2) for row in csv.DictReader(file)] == [0.1, 0.4]


def test_a_midi_file_of_sinks_of_ones_own(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "sink.toml").write_text("channel = 3\nnote = 50\n")
    options = ["--midi-sink", tmp_path / "sink.toml"]
    assert remapd(recording, tmp_path / "out.wav", "--midi", tmp_path / "a.mid", *options).exit_code == 0
    notes = [m for m in mido.MidiFile(tmp_path / "a.mid") if m.type == "note_on"]
    assert [(m.channel, m.note) for m in notes] == [(2, 50)] * 2
    alone = remapd(recording, tmp_path / "out.wav", *options)
    assert alone.exit_code != 0
    assert "--midi FILE" in alone.output


def test_sound_options_reach_the_engine(recording: Path, tmp_path: Path) -> None:
    outputs = {}
    for name, options in {
        "plain": [],
        "dry": ["--mix", "0"],
        "bare": ["--neurality", "0"],
        "tom": ["--preset", "tom_1"],
        "quiet": ["--set", "gain_db=-20"],
        "deaf": ["--set", "onset.on_threshold_db=40"],
    }.items():
        # A model that is quiet enough for the limiter to leave it alone.
        sound = ["--encoding", "float", "--model", "velocity"]
        result = remapd(recording, tmp_path / f"{name}.wav", *sound, *options)
        assert result.exit_code == 0, result.output
        outputs[name] = soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0][: round(0.8 * RATE)]
    np.testing.assert_array_equal(outputs["dry"], hits([0.1, 0.4], 0.8)[:, 0])
    np.testing.assert_allclose(outputs["quiet"], 0.1 * outputs["plain"], atol=1e-6)
    assert not outputs["deaf"].any()
    for name in ("bare", "tom"):
        assert not np.array_equal(outputs[name], outputs["plain"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["in.wav", "in.wav"],
        ["in.wav", "out.mp3"],
        ["in.wav", "nowhere/out.wav"],
        ["in.wav", "."],
        ["missing.wav", "out.wav"],
        [".", "out.wav"],
        ["empty.wav", "out.wav"],
        ["in.wav", "out.wav", "--channel", "2"],
        ["in.wav", "out.wav", "--channel", "0"],
        ["in.wav", "out.wav", "--channel", "left"],
        ["in.wav", "out.wav", "--track", "1,foo=1"],
        ["in.wav", "out.wav", "--set", "neurality"],
        ["in.wav", "out.wav", "--set", "neurality=nan"],
        ["in.wav", "out.wav", "--neurality", "9"],
        ["in.wav", "out.wav", "--mix", "-1"],
        ["in.wav", "out.wav", "--track", "1", "--channel", "1"],
        ["in.wav", "out.wav", "--block-size", "0"],
        ["in.wav", "out.flac", "--encoding", "float"],
        ["in.wav", "out.wav", "--model", "velocitty"],
        ["in.wav", "out.wav", "--model", "damaged.safetensors"],
        ["in.wav", "out.wav", "--preset", "wide.json"],
        ["in.wav", "out.wav", "--events", "a.xml"],
        ["in.wav", "out.wav", "--events", "out.wav"],
        ["in.wav", "out.wav", "--events", "a.csv", "--rejected", "a.csv"],
        ["in.wav", "out.wav", "--plot", "a.gif"],
    ],
    ids=" ".join,
)
def test_fault_is_told_in_one_line_and_leaves_nothing(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "damaged.safetensors").write_bytes(bytes(100))
    (tmp_path / "wide.json").write_text('{"preset": {"osc1.freq": 1e9}}')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    result = remapd(*arguments)
    assert result.exit_code == 1
    said = [line for line in result.stderr.splitlines() if not line.startswith("Compiling")]
    assert len(said) == 1
    assert said[0].startswith("remapd: ")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("arguments", [["missing.wav", "out.wav"], ["empty.wav", "out.wav"], ["in.wav", "out.mp3"]])
def test_a_file_at_fault_is_told_before_the_wait_for_the_compiler(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("remapd.dsp.kernel.is_cached", lambda: False)
    (tmp_path / "empty.wav").touch()
    assert "Compiling" not in remapd(*arguments).stderr
    assert "Compiling" in remapd("in.wav", "out.wav", "--channel", "2").stderr


@pytest.mark.parametrize("arguments", [[], ["in.wav"], ["a.wav", "b.wav", "--encoding", "8"], ["a.wav", "b.wav", "-x"]])
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    assert remapd(*arguments).exit_code == 2


def test_silenced_samples_are_warned_of(tmp_path: Path) -> None:
    samples = hits([0.1], 0.3)
    samples[100:103] = np.nan
    soundfile.write(tmp_path / "in.wav", samples, RATE, subtype="FLOAT")
    result = remapd(tmp_path / "in.wav", tmp_path / "out.wav", "--quiet")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.startswith("remapd: warning: silenced 3 samples ")


def test_no_hits_are_explained_in_a_line(tmp_path: Path) -> None:
    drum = hits([0.1, 0.4], 0.8)[:, 0]
    soundfile.write(tmp_path / "in.wav", np.stack([np.zeros(len(drum)), drum, 0.0 * drum], axis=1), RATE)
    said = remapd(tmp_path / "in.wav", tmp_path / "out.wav").stdout.splitlines()
    assert (
        said[1] == f"no hits: channel 1 is silent; channel 2 peaks at {20 * np.log10(drum.max()):.0f} dBFS: --channel 2"
    )
    loud = remapd(tmp_path / "in.wav", tmp_path / "out.wav", "--channel", "2")
    assert len(loud.stdout.splitlines()) == 1
    deaf = remapd(tmp_path / "in.wav", tmp_path / "out.wav", "--channel", "2", "--set", "onset.on_threshold_db=40")
    assert deaf.stdout.splitlines()[1].startswith("no hits: channel 2 peaks at ")


@pytest.mark.parametrize(
    ("peaks", "channels", "reasons", "line"),
    [
        ([0.0], [0], {}, "channel 1 is silent"),
        ([0.1], [0], {}, "channel 1 peaks at -20 dBFS; nothing in it rises fast enough to be a stroke"),
        (
            [0.1, 0.19],
            [0],
            {"masked": 2, "ringing": 5},
            "channel 1 peaks at -20 dBFS; candidates rejected: 5 of 7 as ringing",
        ),
        ([0.0, 1e-5], [0], {}, "channel 1 is silent"),
        ([0.01, 1.0], [0, 1], {}, "channel 2 peaks at 0 dBFS; nothing in it rises fast enough to be a stroke"),
        ([1.0, 0.01], [1], {"masked": 1}, "channel 2 peaks at -40 dBFS; channel 1 peaks at 0 dBFS: --channel 1"),
        (
            [0.1, 0.01],
            [MIX],
            {"masked": 1},
            "the loudest channel of the mix peaks at -20 dBFS; candidates rejected: 1 of 1 as masked",
        ),
    ],
)
def test_likeliest_reason_is_named(peaks: list[float], channels: list[int], reasons: dict[str, int], line: str) -> None:
    summary = RenderSummary(0, sum(reasons.values()), 1.0, 0.0, 1.0, RATE, 0, 0, channels, peaks, reasons)
    assert explain_no_hits(summary) == f"no hits: {line}"


def test_file_without_rights_is_no_wrong_usage(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK and access(path, mode))
    monkeypatch.setattr(Path, "open", refuse)
    result = remapd(recording, tmp_path / "out.wav")
    assert (result.exit_code, result.stderr) == (1, f"remapd: {recording}: Permission denied\n")


def test_option_that_does_not_fit_is_told_by_its_own_name(recording: Path, tmp_path: Path) -> None:
    for option, value in (("--mix", "2"), ("--neurality", "9")):
        assert remapd(recording, tmp_path / "out.wav", option, value).stderr.startswith(f"remapd: {option}: expected ")


def test_termination_removes_what_is_half_written(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from remapd.offline import render

    def terminate(path: Path, picture: object) -> None:
        assert len(list(tmp_path.iterdir())) == 3
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(render, "draw_picture", terminate)
    before = signal.getsignal(signal.SIGTERM)
    result = remapd(recording, tmp_path / "out.wav", "--plot", tmp_path / "a.png")
    assert result.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_tracks_name_channels_of_the_file_and_have_parameters_of_their_own() -> None:
    channels, setups = parsed_tracks(("3", "mix,pan=-1", "3, preset=tom_1, neurality=2"), "velocity", None, ("mute=1",))
    assert channels == [2, MIX]
    assert [setup.input_channel for setup in setups] == [0, 1, 0]
    assert [setup.parameters.get("pan") for setup in setups] == [None, -1.0, None]
    assert [setup.parameters.get("neurality") for setup in setups] == [None, None, 2.0]
    assert all(setup.parameters["mute"] == 1.0 for setup in setups)
    assert setups[2].preset is not None
    assert setups[2].preset.name == "tom_1"


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "²", "mixed", "left,pan=1"])
def test_channel_is_a_number_from_1_or_mix(text: str) -> None:
    with pytest.raises(FieldError, match="channel"):
        parsed_tracks((text,), "velocity", None, ())
