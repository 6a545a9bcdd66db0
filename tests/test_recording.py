"""Recording of the input by the engine process: sample by sample, in bounds, and with every fault told."""

import contextlib
import json
import os
import queue
import resource
import threading
import time

import numpy as np
import pytest
import soundfile

from remapd.audio.backend import StreamSettings
from remapd.audio.file import AudioReader
from remapd.daemon.child import EngineChild
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.shared import SharedBlock
from remapd.engine.tape import Tape, put
from remapd.engine_process import Spec
from remapd.engine_process import recorder as module
from remapd.engine_process.flac_length import note_length
from remapd.engine_process.recorder import Recorder, RecordingOrder
from remapd.errors import FieldError, RemapdError
from remapd.mapping.library import load_model_named
from tests.live_run import PATIENCE_S
from tests.test_tape import noise, record_of

RATE = 48000


class Heard:
    """Reports as they come."""

    def __init__(self):
        self._queue = queue.Queue()

    def tell(self, line):
        self._queue.put(json.loads(line)["recording"])

    def await_state(self, *states):
        """The next report with one of these states."""
        while (report := self._queue.get(timeout=PATIENCE_S))["state"] not in states:
            pass
        return report


def order(path, kind="wav", max_s=1000.0):
    return RecordingOrder(str(path), kind, max_s)


def feed(tape, samples, block=64):
    """Put samples in as the callback would."""
    for start in range(0, len(samples), block):
        piece = np.ascontiguousarray(samples[start : start + block])
        put(record_of(tape), piece, len(piece))


@pytest.fixture
def tape():
    return Tape(1, float(RATE))


@pytest.fixture
def heard():
    return Heard()


@pytest.mark.parametrize(("kind", "tolerance"), [("wav", 0.0), ("flac", 2.0**-23)])
def test_a_file_holds_what_was_put_in(tmp_path, tape, heard, kind, tolerance):
    samples, recorder = noise(100_000), Recorder(tape, heard.tell)
    recorder.start(order(tmp_path / "take", kind))
    feed(tape, samples)
    recorder.stop(PATIENCE_S)
    report = heard.await_state("stopped")
    assert report == {
        "path": str(tmp_path / "take"),
        "seconds": pytest.approx(100_000 / RATE),
        "dropped_frames": 0,
        "state": "stopped",
        "error": "",
    }
    read, rate = soundfile.read(tmp_path / "take", dtype="float32", always_2d=True)
    assert rate == RATE
    np.testing.assert_allclose(read, samples, rtol=0, atol=tolerance)
    assert os.stat(tmp_path / "take").st_mode & 0o777 == 0o600


def test_one_recording_follows_another(tmp_path, tape, heard):
    recorder = Recorder(tape, heard.tell)
    for turn in range(3):
        samples = noise(1000 + turn, seed=turn)
        recorder.start(order(tmp_path / str(turn)))
        feed(tape, samples)
        recorder.stop()
        heard.await_state("stopped")
        feed(tape, noise(500))
        np.testing.assert_array_equal(soundfile.read(tmp_path / str(turn), dtype="float32", always_2d=True)[0], samples)


def test_it_ends_at_its_limit_to_the_frame(tmp_path, tape, heard):
    Recorder(tape, heard.tell).start(order(tmp_path / "take", max_s=0.5))
    feed(tape, noise(RATE))
    assert heard.await_state("stopped")["seconds"] == 0.5
    assert soundfile.info(tmp_path / "take").frames == RATE // 2


def test_a_wav_file_never_outgrows_its_format():
    recorder = Recorder(Tape(8, 48000.0), print)
    assert recorder._limit(order("/x", "wav", 1e12)) * 8 * 4 < 2**32
    assert recorder._limit(order("/x", "flac", 1e12)) < 2**36


def test_what_finds_no_room_is_counted(tmp_path, tape, heard, monkeypatch):
    go = threading.Event()
    write = Recorder._write
    monkeypatch.setattr(Recorder, "_write", lambda self, *args: go.wait() and write(self, *args))
    recorder = Recorder(tape, heard.tell)
    recorder.start(order(tmp_path / "take"))
    samples = noise(tape.capacity + 6400)
    feed(tape, samples)
    go.set()
    recorder.stop()
    report = heard.await_state("stopped")
    assert report["dropped_frames"] == 6400
    read = soundfile.read(tmp_path / "take", dtype="float32", always_2d=True)[0]
    np.testing.assert_array_equal(read, samples[: tape.capacity])


def test_the_length_of_what_is_no_flac_file_is_left_alone(tmp_path):
    path = tmp_path / "take"
    path.write_bytes(b"RIFF" + bytes(100))
    note_length(str(path), 100_000)
    note_length(str(tmp_path / "none"), 100_000)
    assert path.read_bytes() == b"RIFF" + bytes(100)


def test_progress_is_told(tmp_path, tape, heard, monkeypatch):
    monkeypatch.setattr(module, "_TOLD_EVERY", 1)
    recorder = Recorder(tape, heard.tell)
    recorder.start(order(tmp_path / "take"))
    assert heard.await_state("recording")["seconds"] == 0.0
    feed(tape, noise(4800))
    while heard.await_state("recording")["seconds"] != 0.1:
        pass
    assert json.loads(recorder.last_report()[0])["recording"]["state"] == "recording"
    recorder.stop(PATIENCE_S)


def test_what_is_no_number_is_silence_in_a_flac_file(tmp_path, tape, heard):
    samples = noise(1000)
    samples[5], samples[6] = np.nan, np.inf
    recorder = Recorder(tape, heard.tell)
    recorder.start(order(tmp_path / "take", "flac"))
    feed(tape, samples)
    recorder.stop()
    heard.await_state("stopped")
    read = soundfile.read(tmp_path / "take", dtype="float32")[0]
    assert read[5] == 0.0
    assert read[6] == pytest.approx(1.0)


def test_no_file_is_overwritten_and_one_recording_runs_at_a_time(tmp_path, tape, heard):
    recorder = Recorder(tape, heard.tell)
    (tmp_path / "there").write_text("mine")
    with pytest.raises(RemapdError, match="File exists"):
        recorder.start(order(tmp_path / "there"))
    with pytest.raises(RemapdError, match="No such file"):
        recorder.start(order(tmp_path / "no" / "folder"))
    recorder.start(order(tmp_path / "first"))
    with pytest.raises(RemapdError, match="runs already"):
        recorder.start(order(tmp_path / "second"))
    recorder.stop(PATIENCE_S)
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "second").exists()
    with pytest.raises(RemapdError, match="no input"):
        Recorder(Tape(0, 48000.0), heard.tell).start(order(tmp_path / "third"))


def test_a_format_that_cannot_hold_the_channels_leaves_no_file(tmp_path, heard):
    with pytest.raises(RemapdError, match="FLAC"):
        Recorder(Tape(9, 48000.0), heard.tell).start(order(tmp_path / "take", "flac"))
    assert not (tmp_path / "take").exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"path": "here.wav"}, "record.path"),
        ({"path": 3}, "record.path"),
        ({"format": "mp3"}, "record.format"),
        ({"max_s": 0}, "record.max_s"),
        ({"max_s": True}, "record.max_s"),
        ({"max_s": float("nan")}, "record.max_s"),
        ({"max_s": None}, "record.max_s"),
    ],
)
def test_an_order_is_checked_by_field(change, field):
    with pytest.raises(FieldError) as error:
        RecordingOrder.from_values({"path": "/x", "format": "wav", "max_s": 1.0} | change)
    assert error.value.field == field


# -- in the engine's own process -------------------------------------------------------------------------------------


@contextlib.contextmanager
def playing(path, **stream):
    """An engine process that plays a file on a virtual device; yields the child and a queue of its reports."""
    shared = SharedBlock.create()
    EngineControl(shared).set_up([TrackSetup(load_model_named("velocity"))])
    settings = StreamSettings(backend="virtual", input_file=str(path), loop=True, **stream)
    child, reports = EngineChild(Spec(str(shared.path), settings)), queue.Queue()
    listener = threading.Thread(target=lambda: [reports.put(report) for report in child.reports()], daemon=True)
    listener.start()
    try:
        await_report(reports, "playing")
        yield child, reports, EngineControl(shared)
    finally:
        child.stop()
        child.end()
        listener.join()
        shared.close()


def await_report(reports, name, state=None):
    while True:
        report = reports.get(timeout=PATIENCE_S)
        if name in report and (state is None or report[name]["state"] == state):
            return report[name]


@pytest.fixture
def numbered(tmp_path):
    """Two channels of a signal in which every frame can be told: its number, in both directions."""
    n = np.arange(2 * RATE, dtype=np.float32) / (4 * RATE)
    path = tmp_path / "numbered.wav"
    soundfile.write(path, np.stack([n, -n], axis=1), RATE, subtype="FLOAT")
    return path


def order_line(path, kind="wav", max_s=60.0):
    return {"record": {"path": str(path), "format": kind, "max_s": max_s}}


def test_the_engine_process_records_its_input_sample_by_sample(tmp_path, numbered):
    source = soundfile.read(numbered, dtype="float32")[0]
    with playing(numbered, input_channels=2) as (child, reports, control):
        before = control.status().callbacks
        child.order(order_line(tmp_path / "take.wav"))
        await_report(reports, "recording", "recording")
        await_report(reports, "recording", "recording")  # a second later
        child.order({"stop_recording": True})
        report = await_report(reports, "recording", "stopped")
        assert control.status().callbacks > before
    take = soundfile.read(tmp_path / "take.wav", dtype="float32")[0]
    assert report["dropped_frames"] == 0
    assert len(take) == round(report["seconds"] * RATE) > RATE // 2
    first = round(float(take[0, 0]) * 4 * RATE)
    expected = source[(first + np.arange(len(take))) % len(source)]
    np.testing.assert_array_equal(take, expected)


@pytest.mark.parametrize(("kind", "missing"), [("wav", 0), ("flac", 8192)])
def test_a_recording_is_whole_after_the_engine_was_killed(tmp_path, numbered, kind, missing):
    with playing(numbered, input_channels=2) as (child, reports, _):
        child.order(order_line(tmp_path / "take", kind))
        await_report(reports, "recording", "recording")
        seconds = await_report(reports, "recording", "recording")["seconds"]
        child.process.kill()
        child.process.wait()
    with AudioReader(tmp_path / "take") as reader:
        assert round(seconds * RATE) - missing <= reader.frames < 2**30
        assert np.concatenate(list(reader.blocks(4096))).shape == (reader.frames, 2)


def test_a_recording_is_completed_when_the_engine_is_stopped(tmp_path, numbered):
    with playing(numbered, input_channels=2) as (child, reports, _):
        child.order(order_line(tmp_path / "take.flac", "flac"))
        await_report(reports, "recording", "recording")
        await_report(reports, "recording", "recording")
        child.stop()
        report = await_report(reports, "recording", "stopped")
    assert soundfile.info(tmp_path / "take.flac").frames == round(report["seconds"] * RATE)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_full_disk_is_told_and_the_music_goes_on(tmp_path, numbered, kind):
    with playing(numbered, input_channels=2) as (child, reports, control):
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        child.order(order_line(tmp_path / "take", kind))
        report = await_report(reports, "recording", "stopped")
        assert "is the disk full?" in report["error"]
        callbacks = control.status().callbacks
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        child.order(order_line(tmp_path / "next", kind, 0.1))
        await_report(reports, "recording", "stopped")
        assert control.status().callbacks > callbacks
    with AudioReader(tmp_path / "take") as reader:
        assert round(report["seconds"] * RATE) - 8192 <= reader.frames < 2**30
        assert np.concatenate(list(reader.blocks(4096))).shape == (reader.frames, 2)
    assert soundfile.info(tmp_path / "next").frames == RATE // 10


def test_orders_that_are_none_are_refused_and_do_no_harm(tmp_path, numbered):
    with playing(numbered) as (child, reports, control):
        child._send(b"no json\n")
        assert await_report(reports, "refused") == "no json"
        child.order({"fly": 1})
        assert await_report(reports, "refused") == "fly"
        child.order({"stop_recording": True})
        child.order({"record": 5})
        assert await_report(reports, "recording", "failed")["error"].startswith("record: expected path")
        child.order(order_line("/proc/take.wav"))
        assert "cannot record into" in await_report(reports, "recording", "failed")["error"]
        callbacks, deadline = control.status().callbacks, time.monotonic() + PATIENCE_S
        while control.status().callbacks == callbacks:
            assert time.monotonic() < deadline
            time.sleep(0.01)
