"""Another device while the daemon runs, with the real engine: what was set stays, and a device that fails is left."""

import contextlib
import os
import queue
import signal

import pytest
import soundfile

from remapd.audio.backend import StreamSettings
from remapd.daemon.supervisor import Supervisor
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Spec
from remapd.mapping.library import load_model_named
from tests.engines import hits
from tests.live_run import PATIENCE_S

VIRTUAL = StreamSettings(backend="virtual")


@contextlib.contextmanager
def supervised(stream):
    """A supervisor whose engine plays; yields it, the control and the reports."""
    shared, reports = SharedBlock.create(), queue.Queue()
    control = EngineControl(shared)
    control.set_up([TrackSetup(load_model_named("velocity"), parameters={"neurality": 2.0})])
    supervisor = Supervisor(Spec(str(shared.path), stream), lambda line: None, lambda: control.mark_running(False))
    supervisor.on_report.append(reports.put)
    supervisor.start()
    try:
        await_report(reports, "playing")
        yield supervisor, control, reports
    finally:
        supervisor.stop()
        shared.close()


def await_report(reports, name):
    while name not in (report := reports.get(timeout=PATIENCE_S)):
        pass
    return report[name]


@pytest.mark.parametrize("change", [{"block_size": 256}, {"sample_rate": 44100.0}, {"input_channels": 2}])
def test_another_stream_plays_with_what_was_set(change):
    with supervised(VIRTUAL) as (supervisor, control, reports):
        supervisor.reopen(VIRTUAL.changed(**change))
        assert await_report(reports, "reopen")["error"] == ""
        info = supervisor.playing.stream
        for name, value in change.items():
            assert getattr(info, name) == value
        assert control.parameter(0, "neurality") == 2.0
        assert control.is_running


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"input_file": "/no/such.wav"}, "no such file"),
        ({"input_file": "FILE", "sample_rate": 44100.0}, "the rate of the input file"),
        ({"backend": "portaudio", "input_device": "no such device"}, " device"),
    ],
)
def test_a_stream_that_cannot_be_had_is_told_and_the_former_one_plays_on(change, text, tmp_path):
    path = tmp_path / "hits.wav"
    soundfile.write(path, hits([0.1], 0.5), 48000)
    change = {name: str(path) if value == "FILE" else value for name, value in change.items()}
    with supervised(VIRTUAL) as (supervisor, control, reports):
        supervisor.reopen(VIRTUAL.changed(**change))
        told = await_report(reports, "reopen")
        assert text in told["error"]
        assert told["stream"] == VIRTUAL.changed(**change).as_dict()
        await_report(reports, "playing")
        assert supervisor.stream == VIRTUAL
        assert supervisor.failure is None
        assert control.is_running


def test_an_engine_that_was_killed_is_back_on_the_device_it_had_last():
    with supervised(VIRTUAL) as (supervisor, _, reports):
        supervisor.reopen(VIRTUAL.changed(block_size=128))
        await_report(reports, "reopen")
        os.kill(supervisor.engine_pid, signal.SIGKILL)
        assert await_report(reports, "ended") == -signal.SIGKILL
        await_report(reports, "playing")
        assert supervisor.playing.stream.block_size == 128
        assert supervisor.starts == 3
