"""Recordings: of the input, uploads, what is listed of them, and what becomes of those that are broken off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from remapd.control.bulletin import Bulletin
from remapd.control.recordings import probing
from remapd.control.recordings import recorder as recorder_module
from remapd.control.recordings import recordings as recordings_module
from remapd.control.recordings.limits import RecordingLimits
from remapd.control.recordings.probing import FileReader
from remapd.control.recordings.recordings import Recordings
from remapd.control.recordings.store import RecordingStore
from remapd.errors import (
    AudioFileError,
    BusyError,
    ConflictError,
    DeviceError,
    DiskFullError,
    FieldError,
    NotFoundError,
    RemapdError,
    TooLargeError,
)
from tests.recording_host import RATE, RecordingHost, write_noise

_KILLED_FLAC = """
import os, sys, numpy, soundfile
with soundfile.SoundFile(sys.argv[1], "w", 48000, 2, "PCM_24") as file:
    for _ in range(20):
        file.write(numpy.random.default_rng(0).uniform(-0.5, 0.5, (24000, 2)))
        file.flush()
    os.kill(os.getpid(), 9)
"""


class Bench:
    """Recordings of a folder, their host, and everything that was told."""

    def __init__(self, folder: Path, host: RecordingHost | None = None, **limits: float) -> None:
        self.folder, self.host = folder / "recordings", host or RecordingHost()
        self.news: list[dict[str, Any]] = []
        self._told = asyncio.Event()
        bulletin = Bulletin()
        bulletin.subscribe(self._note)
        self.recordings = Recordings(self.folder, self.host, bulletin, RecordingLimits(**limits))
        self.store, self.recorder = self.recordings.store, self.recordings.recorder

    def _note(self, kind: str, data: dict[str, Any]) -> None:
        assert kind == "recording"
        self.news.append(data)
        self._told.set()

    async def until(self, **members: Any) -> None:
        while not any(members.items() <= news.items() for news in self.news):
            self._told.clear()
            await asyncio.wait_for(self._told.wait(), 60)

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if not path.name.endswith(".info")}


@contextlib.asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Bench]:
    await bench.recordings.start()
    try:
        yield bench
    finally:
        await bench.recordings.stop()


async def pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("file_format", ["wav", "flac"])
def test_the_input_is_recorded(tmp_path, file_format):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            begun = await bench.recorder.begin("take", file_format, 60.0)
            assert (begun.state, begun.name) == ("recording", "take")
            order = bench.host.orders[0]["record"]
            assert (order["format"], order["max_s"]) == (file_format, 60.0)
            assert Path(order["path"]).parent == bench.folder
            assert await bench.recordings.entries() == []
            bench.host.say("recording", seconds=0.5)
            await bench.until(state="recording", seconds=0.5)
            entry = await bench.recorder.end()
            assert (entry.name, entry.path.name) == ("take", f"take.{file_format}")
            assert bench.news[-1]["state"] == "idle"
            await bench.until(changed="take", what="stored")
            (entry,) = await bench.recordings.entries()
            assert entry.info is not None
            assert (entry.info.channels, entry.info.sample_rate_hz, entry.info.duration_s) == (1, RATE, 1.0)
            assert entry.info.peaks == (0.5,)
            assert bench.files() == {f"take.{file_format}"}
            assert await bench.recordings.entry("take") == entry

    asyncio.run(go())


def test_a_recording_without_a_name_is_called_by_date_and_time(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            assert (await bench.recorder.begin()).name.startswith("take-20")
            with pytest.raises(ConflictError, match="under way"):
                await bench.recorder.begin()
            await bench.recorder.end()
            with pytest.raises(ConflictError, match="under way"):
                await bench.recorder.end()

    asyncio.run(go())


def test_one_that_ends_by_itself_is_kept_and_told(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            await bench.recorder.begin("take")
            bench.host.dropped = 12
            bench.host.say("stopped", "No space left on device")
            await bench.until(state="idle", error="No space left on device", dropped_frames=12)
            assert [entry.name for entry in await bench.recordings.entries()] == ["take"]

    asyncio.run(go())


def test_an_engine_that_dies_leaves_what_it_wrote(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "_WATCH_S", 0.01)

    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            await bench.recorder.begin("take")
            bench.host.die()
            await bench.until(state="idle", error="the engine ended while it recorded")
            assert [entry.name for entry in await bench.recordings.entries()] == ["take"]
            await bench.recorder.begin("another")

    asyncio.run(go())


def test_what_cannot_begin_is_told(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, RecordingHost(fault="Permission denied"))) as bench:
            with pytest.raises(RemapdError, match="not recorded: Permission denied"):
                await bench.recorder.begin("take")
            assert bench.recorder.recording.state == "idle"
            bench.host.playing = None
            with pytest.raises(DeviceError, match="no engine plays"):
                await bench.recorder.begin("take")
            with pytest.raises(FieldError, match="format"):
                await bench.recorder.begin("take", "mp3")
            with pytest.raises(FieldError, match="longest_s"):
                await bench.recorder.begin("take", "wav", 1e9)
            bench.host = RecordingHost()

    asyncio.run(go())


def test_an_engine_that_does_not_answer_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "_ANSWER_S", 0.01)

    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            monkeypatch.setattr(bench.host, "order", lambda message: None)
            with pytest.raises(DeviceError, match="did not begin"):
                await bench.recorder.begin("take")
            assert bench.recorder.recording.state == "idle"
            monkeypatch.undo()
            await bench.recorder.begin("take")

    asyncio.run(go())


def test_a_name_is_taken_once(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            await bench.recorder.begin("take")
            await bench.recorder.end()
            with pytest.raises(ConflictError, match="free"):
                await bench.recorder.begin("take")
            with pytest.raises(ConflictError, match="free"):
                await bench.recordings.upload("take", pieces(b"x"))
            with pytest.raises(FieldError, match="name"):
                await bench.recorder.begin("../take")

    asyncio.run(go())


def test_a_recording_that_another_control_process_began_is_taken_up(tmp_path):
    async def go() -> None:
        bench = Bench(tmp_path)
        bench.host.path = write_noise(bench.store.recording_path("earlier", ".wav"))
        async with running(bench):
            bench.host.say("recording")
            await bench.until(state="recording", name="earlier")
            assert (await bench.recorder.end()).name == "earlier"
            bench.host.path = tmp_path / ".other.recording.wav"
            bench.host.say("recording")
            bench.host.say("stopped")

    asyncio.run(go())


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_what_was_broken_off_is_kept_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(recordings_module, "_SETTLED_S", 0.01)

    async def go() -> None:
        bench = Bench(tmp_path)
        bench.folder.mkdir()
        killed = bench.store.recording_path("killed", ".flac")
        done = subprocess.run([sys.executable, "-c", _KILLED_FLAC, str(killed)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert soundfile.info(str(killed)).frames > 1 << 60
        write_noise(bench.store.recording_path("take", ".wav"), 2.0)
        write_noise(bench.folder / "take.wav")
        bench.store.recording_path("empty", ".wav").touch()
        bench.store.upload_path().write_bytes(b"RIFF")
        bench.store.recording_path("riddle", ".wav").write_bytes(bytes(10_000))
        async with running(bench):
            for name, what in (("killed", "stored"), ("take_2", "stored"), ("empty", "lost"), ("riddle", "stored")):
                await bench.until(changed=name, what=what)
            entries = {entry.name: entry for entry in await bench.recordings.entries()}
            assert list(entries) == ["killed", "riddle", "take", "take_2"]
            assert "no audio file" in (await bench.recordings.entry("riddle")).problem
            known = [await bench.recordings.entry(name) for name in entries]
            durations = [entry.info.duration_s for entry in known if entry.info]
            assert durations[1:] == [1.0, 2.0]
            assert 9.5 < durations[0] <= 10.0
            assert soundfile.info(str(entries["killed"].path)).duration == durations[0]

    asyncio.run(go())


def test_an_upload_is_stored(tmp_path):
    async def go() -> None:
        content = write_noise(tmp_path / "any.flac", 2.0, channels=2).read_bytes()
        async with running(Bench(tmp_path)) as bench:
            entry = await bench.recordings.upload("my take", pieces(content))
            assert (entry.path.name, entry.path.read_bytes() == content) == ("my take.flac", True)
            assert entry.info is not None
            assert (entry.info.format, entry.info.encoding, entry.info.channels) == ("FLAC", "PCM_24", 2)
            assert bench.files() == {"my take.flac"}
            assert (bench.news[-1]["changed"], bench.news[-1]["what"]) == ("my take", "stored")

    asyncio.run(go())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"no sound", "is no audio file"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "bad"),
        (b"fLaC" + bytes(40), "bad"),
    ],
)
def test_an_upload_that_is_no_audio_is_refused(tmp_path, content, words):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            with pytest.raises(AudioFileError) as raised:
                await bench.recordings.upload("bad", pieces(content))
            assert words in str(raised.value)
            assert str(tmp_path) not in str(raised.value)
            assert bench.files() == set()

    asyncio.run(go())


def test_uploads_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(recordings_module, "_SILENCE_S", 0.05)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(100_000)

    async def silent() -> AsyncIterator[bytes]:
        yield b"RIFF"
        await asyncio.Event().wait()

    async def go() -> None:
        async with running(Bench(tmp_path, upload_mb=1, quota_mb=2)) as bench:
            with pytest.raises(TooLargeError, match="larger than 1 MB"):
                await bench.recordings.upload("a", endless())
            with pytest.raises(BusyError, match="nothing more came"):
                await bench.recordings.upload("a", silent())
            waiting = [asyncio.create_task(bench.recordings.upload(name, silent())) for name in "ab"]
            await asyncio.sleep(0)
            with pytest.raises(BusyError, match="already"):
                await bench.recordings.upload("c", silent())
            await asyncio.gather(*waiting, return_exceptions=True)
            write_noise(bench.folder / "large.wav", 8.0)
            with pytest.raises(DiskFullError, match="no room"):
                await bench.recordings.upload("a", endless())
            (bench.folder / "large.wav").write_bytes(bytes(3_000_000))
            with pytest.raises(DiskFullError, match="no room"):
                await bench.recorder.begin("b")
            assert bench.files() == {"large.wav"}

    asyncio.run(go())


def test_the_room_bounds_the_length(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, quota_mb=2)) as bench:
            await bench.recorder.begin("take")
            channels = bench.host.playing.stream.input_channels
            assert bench.host.orders[0]["record"]["max_s"] == pytest.approx(2e6 / 4 / 48000 / channels, abs=0.001)

    asyncio.run(go())


def test_the_number_of_recordings_is_bounded(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, most=1)) as bench:
            write_noise(bench.folder / "one.wav")
            with pytest.raises(DiskFullError, match="as many as there may be"):
                await bench.recorder.begin("two")

    asyncio.run(go())


def test_files_that_somebody_put_there_are_recordings(tmp_path):
    async def go() -> None:
        bench = Bench(tmp_path)
        write_noise(bench.folder / "mine.wav", 0.5)
        (bench.folder / "text.txt").write_text("no sound")
        (bench.folder / "broken.wav").write_text("no sound")
        (bench.folder / "-odd.wav").write_text("no name")
        os.mkfifo(bench.folder / "pipe.wav")
        async with running(bench):
            assert [entry.name for entry in await bench.recordings.entries()] == ["broken", "mine"]
            mine, broken = await bench.recordings.entry("mine"), await bench.recordings.entry("broken")
            assert mine.info is not None
            assert mine.document()["info"]["duration_s"] == 0.5
            assert "is no audio file" in broken.problem
            again = RecordingStore(bench.folder)
            assert again.entry("mine").info == mine.info
            write_noise(bench.folder / "mine.wav", 0.25)
            assert again.entry("mine").info is None

    asyncio.run(go())


def test_rename_and_delete(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            await bench.recordings.upload("a", pieces(write_noise(tmp_path / "x.wav").read_bytes()))
            entry = await bench.recordings.rename("a", "b")
            assert (entry.path.name, entry.info is not None) == ("b.wav", True)
            with pytest.raises(NotFoundError, match="recording"):
                await bench.recordings.rename("a", "c")
            with pytest.raises(ConflictError, match="new_name"):
                await bench.recordings.rename("b", "b")
            with pytest.raises(FieldError, match="new_name"):
                await bench.recordings.rename("b", "../b")
            await bench.recordings.delete("b")
            assert not list(bench.folder.iterdir())
            assert bench.news[-1]["what"] == "deleted"
            with pytest.raises(NotFoundError):
                await bench.recordings.delete("b")

    asyncio.run(go())


def test_the_end_of_the_service_keeps_what_is_recorded(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            await bench.recorder.begin("take")
        assert bench.files() == {"take.wav"}
        await bench.recordings.stop()

    asyncio.run(go())


def test_the_end_of_the_service_does_not_wait_for_a_file_that_is_read(tmp_path):
    reader = FileReader()
    os.mkfifo(tmp_path / "never.wav")
    slow = [sys.executable, "-c", "open('never.wav').read()"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probing, "_COMMAND", [*slow[:2], f"import os; os.chdir({str(tmp_path)!r}); " + slow[2]])
        reading = threading.Thread(target=pytest.raises, args=(AudioFileError, reader.read, tmp_path, "x"))
        reading.start()
        descriptor = os.open(tmp_path / "never.wav", os.O_WRONLY)  # It is being read.
        reader.stop()
        reading.join(60)
        os.close(descriptor)
        assert not reading.is_alive()
        with pytest.raises(AudioFileError, match="was ended"):
            reader.read(tmp_path, "x")


def test_not_every_sample_is_a_number(tmp_path):
    async def go() -> None:
        samples = np.array([[np.nan, 0.1], [np.inf, -0.2]], np.float32)
        soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
        async with running(Bench(tmp_path)) as bench:
            entry = await bench.recordings.upload("a", pieces((tmp_path / "x.wav").read_bytes()))
            assert entry.info is not None
            assert entry.info.peaks[0] is None
            assert entry.info.peaks[1] == pytest.approx(0.2)

    asyncio.run(go())
