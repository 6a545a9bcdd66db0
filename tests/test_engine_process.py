"""The engine process from within: how it ends, whatever the device does, and what it says."""

import json
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from remapd.audio.backend import Backend, StreamInfo, StreamSettings
from remapd.daemon.child import ENGINE_COMMAND, EngineChild
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Ending, Playing, Spec
from remapd.engine_process import process as engine_process
from remapd.engine_process.process import EngineProcess
from remapd.errors import DeviceError, RemapdError
from remapd.mapping.library import load_model_named
from tests.engines import hits, make_engine, play
from tests.live_run import PATIENCE_S

STREAM = StreamSettings(backend="virtual", sample_rate=48000.0)
INFO = StreamInfo("drum", "amplifier", 48000.0, 64, 1, 2, 0.0, 0.0)


class BrokenDevice(Backend):
    """A device that asks for a few blocks, or none, and then does what it is told to."""

    def __init__(self, settings, blocks=3, fault=None):
        super().__init__(settings)
        self.blocks, self.fault, self.closed = blocks, fault, False

    def negotiate(self):
        return self.settings

    def open(self, callback_address, userdata_address):
        self.addresses = callback_address, userdata_address
        return INFO

    def start(self):
        from remapd.audio.clock import call_stream_callback
        from remapd.dsp.kernel import compiled

        @compiled
        def call(callback, source, sink, user):
            return call_stream_callback(callback, source, sink, 64, 0, 0, user)

        source, sink = np.zeros((64, 1), np.float32), np.zeros((64, 2), np.float32)
        for _ in range(self.blocks):
            call(self.addresses[0], source.ctypes.data, sink.ctypes.data, self.addresses[1])

    def stop(self):
        self.closed = True

    close = stop

    def failure(self):
        return self.fault


@pytest.fixture
def block():
    shared = SharedBlock.create()
    EngineControl(shared).set_up([TrackSetup(load_model_named("velocity"))])
    yield shared
    shared.close()


def run(block, device, monkeypatch, stop=None):
    """Run an engine process in this one on a device; returns how it ended and its reports."""
    monkeypatch.setattr(engine_process, "make_backend", lambda settings: device)
    monkeypatch.setattr(engine_process, "calm_python", lambda: None)
    monkeypatch.setattr(engine_process, "lock_memory", lambda: False)
    reports = []
    tell = lambda line: reports.append(json.loads(line))  # noqa: E731
    ending = EngineProcess(Spec(str(block.path), STREAM), tell, stop or threading.Event()).run()
    return ending, [report for report in reports if "compiling" not in report]


@pytest.mark.parametrize(("patience_s", "is_told"), [(0.0, True), (1000.0, False)])
def test_only_a_long_compilation_is_told(monkeypatch, patience_s, is_told):
    from numba.core import event

    monkeypatch.setattr(engine_process, "_LONG_COMPILATION_S", patience_s)
    told = threading.Event()
    done = engine_process.announce_compilation(lambda line: told.set())
    with event.trigger_event("numba:compile"):
        assert told.wait(60.0 if is_told else 0.0) == is_told
    done.set()


def test_a_device_that_falls_silent_is_lost(block, monkeypatch):
    monkeypatch.setattr(engine_process, "STALL_S", 0.05)
    device = BrokenDevice(STREAM)
    ending, reports = run(block, device, monkeypatch)
    assert ending is Ending.DEVICE_LOST
    assert Playing.from_values(reports[0]["playing"]).stream == INFO
    assert reports[1] == {"fault": "the device asks for no more sound"}
    assert not device.closed


def test_a_device_that_says_that_it_failed_is_lost(block, monkeypatch):
    ending, reports = run(block, BrokenDevice(STREAM, fault="the device went away"), monkeypatch)
    assert ending is Ending.DEVICE_LOST
    assert reports[1] == {"fault": "the device went away"}


def test_a_device_that_never_asks_for_sound_is_an_error(block, monkeypatch):
    monkeypatch.setattr(engine_process, "FIRST_BLOCK_S", 0.05)
    with pytest.raises(DeviceError, match="asks for no sound"):
        run(block, BrokenDevice(STREAM, blocks=0), monkeypatch)


def test_the_end_asked_for_closes_the_device(block, monkeypatch):
    stop = threading.Event()
    stop.set()
    device = BrokenDevice(STREAM)
    ending, _ = run(block, device, monkeypatch, stop)
    assert ending is Ending.STOPPED
    assert device.closed
    assert not EngineControl(block).is_running


def test_a_block_of_another_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "block"
    path.write_bytes(bytes(100))
    block = type("Block", (), {"path": path})
    with pytest.raises(RemapdError, match="another version"):
        run(block, BrokenDevice(STREAM), monkeypatch)


def test_spec_and_report_survive_the_pipe():
    spec = Spec("/dev/shm/x", STREAM)
    assert Spec.from_json(spec.to_json()) == spec
    playing = Playing(INFO, 64, True, False)
    assert Playing.from_values(json.loads(playing.to_json())["playing"]) == playing


def test_a_refusal_is_reported_before_the_end(tmp_path):
    child = EngineChild(Spec(str(tmp_path / "none"), STREAM))
    reports = [report for report in child.reports() if "compiling" not in report]
    assert child.end() == Ending.REFUSED
    assert [list(report) for report in reports] == [["fault"], ["ending"]]
    assert "No such file" in reports[0]["fault"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_sigterm_ends_it_and_ctrl_c_does_not(block):
    child = EngineChild(Spec(str(block.path), STREAM))
    for report in child.reports():
        if "playing" in report:
            child.process.send_signal(signal.SIGINT)
            seen = _callbacks(block)
            deadline = time.monotonic() + PATIENCE_S
            while _callbacks(block) < seen + 100:
                assert child.process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            child.process.terminate()
    assert child.end() == Ending.STOPPED


def _callbacks(block):
    return int(block.record["status"]["callbacks"])


def test_it_does_not_look_for_modules_in_the_current_folder(tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit(99)")
    code = "from remapd.daemon.child import EngineChild; from tests.test_engine_process import *; "
    code += f"import os; os.chdir({str(tmp_path)!r}); child = EngineChild(Spec('/no/block', STREAM)); "
    code += "list(child.reports()); print(child.end())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ENGINE_COMMAND[1] == "-P"
    assert int(run.stdout) == Ending.REFUSED


def test_fading_out_is_a_ramp_to_silence_until_something_is_set():
    engine = make_engine(dry_wet=0.0)
    source = np.full((4800, 1), 0.25, np.float32)
    before = play(engine, source)[-1, 0]
    engine.fade_out()
    faded = play(engine, source)[:, 0]
    assert np.abs(np.diff(np.concatenate([[before], faded]))).max() < 0.25 / 100
    assert not faded[480:].any()
    engine.set_parameter(0, "pan", 0.0)
    assert play(engine, source)[-1, 0] == before


def test_a_new_engine_drops_what_was_sent_to_the_one_before():
    engine = make_engine()
    engine.fade_out()
    engine.reset()
    assert np.abs(play(engine, hits([0.05], 0.3))).max() > 0.01
