"""`remapd demo` plays to whatever there is, ends by itself, and leaves every file it names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import mido
import pytest
import soundfile
from click.testing import CliRunner, Result

from remapd.audio.backend import StreamInfo, StreamSettings
from remapd.audio.virtual import VirtualBackend
from remapd.cli import main
from remapd.demo import devices
from remapd.demo.report import FILES
from remapd.errors import DeviceError

EVENT_KEYS = {"track", "onset_s", "trigger_s", "features", "scaled", "modulation", "values"}


def demo(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["demo", "--output-folder", str(folder), "--seconds", "2.2", *arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "new" / "folder"
    result = demo(path, "--fast")
    assert result.exit_code == 0, result.output
    assert "count-in  heard 4 of 4 strokes" in result.output
    assert "0 without a stroke" in result.output
    assert all(name in result.output for name in FILES)
    return path


def test_leaves_every_file_and_nothing_else(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_sound_is_what_was_played(folder: Path) -> None:
    heard, rate = soundfile.read(folder / "input.wav", always_2d=True)
    played, played_rate = soundfile.read(folder / "output.wav", always_2d=True)
    assert rate == played_rate == 48000
    assert heard.shape == (round(2.2 * rate), 1)
    assert played.shape == (len(heard), 2)
    assert not played[: round(0.49 * rate)].any()
    assert 0.01 < abs(played).max() <= 1.0


def test_events_have_the_form_that_is_promised(folder: Path) -> None:
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert len(events) == 4
    for event, time_s in zip(events, (0.5, 1.0, 1.5, 2.0), strict=True):
        assert set(event) == EVENT_KEYS
        assert event["onset_s"] == pytest.approx(time_s, abs=0.005)
        assert event["trigger_s"] > event["onset_s"]
    for line in (folder / "rejected.jsonl").read_text().splitlines():
        assert json.loads(line)["reason"]


def test_midi_and_picture_can_be_read(folder: Path) -> None:
    notes = [m for track in mido.MidiFile(folder / "performance.mid").tracks for m in track if m.type == "note_on"]
    assert len([note for note in notes if note.velocity > 0]) == 4
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_same_run_same_bytes(folder: Path, tmp_path: Path) -> None:
    assert demo(tmp_path, "--fast").exit_code == 0
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_settings_and_preset_reach_the_engine(folder: Path, tmp_path: Path) -> None:
    assert demo(tmp_path, "--fast", "--preset", "snare_2", "--set", "neurality=0").exit_code == 0
    event = json.loads((tmp_path / "events.jsonl").read_text().splitlines()[0])
    assert event["values"]["osc2.freq"] == pytest.approx(366.0)
    assert (tmp_path / "input.wav").read_bytes() == (folder / "input.wav").read_bytes()
    assert (tmp_path / "output.wav").read_bytes() != (folder / "output.wav").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "neurality"], "--set: expected NAME=VALUE"),
        (["--set", "neuralty=1"], "did you mean neurality?"),
        (["--set", "neurality=5"], "--set neurality: expected a number from 0 to 4"),
        (["--set", "neurality=much"], "got 'much'"),
        (["--device", "Studio"], "with --fast"),
        (["--model", "nothing"], "model: expected the name of a model"),
        (["--preset", "snare1"], "did you mean snare_1?"),
    ],
)
def test_wrong_options_are_refused_in_one_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = demo(tmp_path / "folder", "--fast", *arguments)
    assert result.exit_code == 1
    assert words in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "folder").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = demo(tmp_path / "file", "--fast")
    assert result.exit_code == 1
    assert "no folder can be made there" in result.output


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILES[0]).mkdir()  # As good as a folder without rights, which a test run by root does not see.
    monkeypatch.setattr("remapd.demo.session.find_device", None)
    result = demo(tmp_path, "--fast")
    assert result.exit_code == 1
    assert "is a folder" in result.output
    assert [path.name for path in tmp_path.iterdir()] == [FILES[0]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_breaks_off_and_what_was_heard_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    # Like a live device, it has not come to its end when the signal comes.
    monkeypatch.setattr("remapd.audio.feed.Feed.is_over", False)
    signals = [number]
    monkeypatch.setattr(
        "remapd.audio.virtual.VirtualBackend.failure",
        lambda self: signal.raise_signal(signals.pop()) if signals else None,
    )
    result = demo(tmp_path / "new", "--fast")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(FILES)
    assert "written to" in result.output


def test_reader_that_goes_away_does_not_cost_the_files(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "remapd", "demo", "--fast", "--seconds", "2.2", "--output-folder", str(tmp_path)]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


class FakeDevice(VirtualBackend):
    """An output device of any temper: it stands in for PortAudio's, and runs without waiting for the clock."""

    fails_at = ""
    goes_away = False

    def __init__(self, settings: StreamSettings) -> None:
        quick = settings.changed(backend="virtual", realtime=False, output_device=None, sample_rate=44100.0)
        super().__init__(quick)
        self._check("create")

    def _check(self, step: str) -> None:
        if step == self.fails_at:
            raise DeviceError(f"it fails at {step}; see there")

    def negotiate(self) -> StreamSettings:
        self._check("negotiate")
        return super().negotiate()

    def open(self, callback_address: int, userdata_address: int) -> StreamInfo:
        self._check("open")
        return super().open(callback_address, userdata_address)

    def start(self) -> None:
        self._check("start")
        if self.fails_at != "silent":
            super().start()

    def failure(self) -> str | None:
        return "the device went away" if self.goes_away else super().failure()


@pytest.fixture
def fake_device(monkeypatch: pytest.MonkeyPatch) -> type[FakeDevice]:
    monkeypatch.setattr("remapd.audio.playback.PlaybackBackend", FakeDevice)
    monkeypatch.setattr(devices, "_START_TIMEOUT_S", 0.05)
    monkeypatch.setattr("remapd.demo.report.draw_picture", lambda path, picture: None)
    # The substitute would keep the time of the clock.
    virtual = devices.virtual_device
    monkeypatch.setattr(devices, "virtual_device", lambda realtime, rate=None: virtual(False, rate))
    monkeypatch.setattr(FakeDevice, "fails_at", "")
    monkeypatch.setattr(FakeDevice, "goes_away", False)
    return FakeDevice


def test_plays_on_the_default_device_at_its_rate(fake_device: type[FakeDevice], tmp_path: Path) -> None:
    result = demo(tmp_path)
    assert result.exit_code == 0, result.output
    assert "Nothing is played aloud" not in result.output
    assert soundfile.info(tmp_path / "output.wav").samplerate == 44100


@pytest.mark.parametrize("step", ["negotiate", "open", "start", "silent"])
def test_default_device_that_fails_is_replaced_and_named_device_is_refused(
    fake_device: type[FakeDevice], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    monkeypatch.setattr(fake_device, "fails_at", step)
    result = demo(tmp_path / "default")
    assert result.exit_code == 0, result.output
    assert result.output.count("Nothing is played aloud: ") == 1
    assert sorted(path.name for path in (tmp_path / "default").iterdir()) == sorted(FILES)
    named = demo(tmp_path / "named", "--device", "Studio")
    assert named.exit_code == 1
    assert "it fails at" in named.output or "does not play" in named.output
    assert not (tmp_path / "named").exists()


def test_device_that_goes_away_ends_the_demo_with_nothing_half_written(
    fake_device: type[FakeDevice], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fake_device, "goes_away", True)
    monkeypatch.setattr("remapd.audio.feed.Feed.is_over", False)
    result = demo(tmp_path)
    assert result.exit_code == 1
    assert "cut short: the device went away" in result.output
    assert list(tmp_path.iterdir()) == []


def test_rendering_the_input_finds_the_same(folder: Path, tmp_path: Path) -> None:
    files = ["--events", str(tmp_path / "events.jsonl"), "--rejected", str(tmp_path / "rejected.jsonl")]
    result = CliRunner().invoke(main, ["render", str(folder / "input.wav"), str(tmp_path / "output.wav"), *files])
    assert result.exit_code == 0, result.output
    for name in ("events.jsonl", "rejected.jsonl"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
