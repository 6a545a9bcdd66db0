"""An engine that outlives its control process, with real processes: it plays on, is found and taken over."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile

from remapd.audio.backend import StreamSettings
from remapd.daemon import adoption
from remapd.daemon.adoption import find_orphan
from remapd.daemon.engine_file import EngineFile
from remapd.daemon.other_process import OtherProcess, started_at
from remapd.daemon.supervisor import Supervisor
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.engine import Engine
from remapd.engine.events import HitEvent
from remapd.engine.shared import SharedBlock
from remapd.engine_process.parent import await_peer
from remapd.mapping.library import load_model_named
from tests.engines import RATE, hits, hits_of, play
from tests.live_run import PATIENCE_S
from tests.parents import ParentProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are held by descriptors of Linux")


@pytest.fixture
def runtime(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def stream(tmp_path):
    """A virtual device that hears four hits a second."""
    path = tmp_path / "loop.wav"
    soundfile.write(path, hits([0.1, 0.35, 0.6, 0.85], 1.0), int(RATE))
    return StreamSettings(backend="virtual", input_file=str(path), loop=True)


@contextlib.contextmanager
def adopted(runtime):
    """The orphan under a supervisor of this process; yields it, its control and its reports."""
    orphan = find_orphan(runtime)
    assert orphan is not None
    control, reports = EngineControl(orphan.shared), queue.Queue()
    supervisor = Supervisor(
        orphan.spec,
        lambda line: None,
        lambda: control.mark_running(False),
        found=orphan.link,
        on_start=EngineFile(runtime).write,
    )
    supervisor.on_report.append(reports.put)
    supervisor.start()
    await_report(reports, "playing")
    try:
        yield supervisor, control, reports
    finally:
        supervisor.stop()
        orphan.shared.close()


def await_report(reports, name):
    while name not in (report := reports.get(timeout=PATIENCE_S)):
        pass
    return report[name]


def await_hits(control, count):
    found, deadline = [], time.monotonic() + PATIENCE_S
    while len(found) < count:
        found += [event for event in control.events.read() if isinstance(event, HitEvent)]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def await_end(pid, started):
    process = OtherProcess.find(pid, started)
    assert process is None or process.wait(PATIENCE_S)


def test_the_music_goes_on_when_control_is_killed_and_the_next_takes_it_over(runtime, stream, tmp_path):
    parent = ParentProcess(runtime, stream)
    watcher = EngineControl(SharedBlock.attach(parent.block))
    await_hits(watcher, 2)
    parent.kill()
    heard = await_hits(watcher, 4)  # without any control process
    with adopted(runtime) as (supervisor, control, reports):
        assert supervisor.engine_pid == parent.pid
        assert supervisor.playing.stream.sample_rate == RATE
        assert supervisor.stream == stream
        assert control.is_running
        assert control.parameter(0, "neurality") == 2.0
        heard += await_hits(watcher, 4)
        control.set_parameter(0, "gain_db", -6.0)
        supervisor.order({"record": {"path": str(tmp_path / "take.wav"), "format": "wav", "max_s": 0.5}})
        while await_report(reports, "recording")["state"] != "stopped":
            pass
        started = started_at(parent.pid)
        heard += await_hits(watcher, 1)
        status = control.status()
    await_end(parent.pid, started)
    assert not parent.block.exists()
    assert soundfile.info(tmp_path / "take.wav").frames == RATE // 2
    # Not a hit is missing, nor a frame: the onsets are those of the file, in the time of the stream.
    places = [round(hit.onset_s % 1.0, 2) for hit in heard]
    first = [0.1, 0.35, 0.6, 0.85].index(min((0.1, 0.35, 0.6, 0.85), key=lambda place: abs(place - places[0])))
    expected = [[0.1, 0.35, 0.6, 0.85][(first + i) % 4] for i in range(len(places))]
    np.testing.assert_allclose(places, expected, atol=0.011)
    assert status.hits_dropped == 0


def test_it_can_be_taken_over_again_and_mended_after_a_crash(runtime, stream):
    parent = ParentProcess(runtime, stream)
    parent.kill()
    first = find_orphan(runtime)
    first.leave()
    first.shared.close()
    with adopted(runtime) as (supervisor, control, reports):
        assert supervisor.engine_pid == parent.pid
        os.kill(parent.pid, signal.SIGKILL)
        assert await_report(reports, "ended") == 256
        assert await_report(reports, "playing")
        assert supervisor.engine_pid != parent.pid
        assert EngineFile(runtime).read().pid == supervisor.engine_pid
        await_hits(control, 1)


def test_control_can_leave_its_engine_to_the_next(runtime, stream):
    parent = ParentProcess(runtime, stream)
    parent.say("leave")
    assert parent.process.returncode == 0
    assert started_at(parent.pid) is not None
    with adopted(runtime) as (supervisor, control, _):
        assert supervisor.engine_pid == parent.pid
        await_hits(control, 1)


def test_another_device_for_an_engine_that_was_taken_over(runtime, stream):
    parent = ParentProcess(runtime, stream)
    parent.kill()
    with adopted(runtime) as (supervisor, control, reports):
        supervisor.reopen(stream.changed(block_size=256))
        assert await_report(reports, "reopen")["error"] == ""
        assert supervisor.engine_pid != parent.pid
        assert control.status().block_frames == 256
        await_hits(control, 1)


def test_a_supervisor_that_adopted_can_leave_too(runtime, stream):
    parent = ParentProcess(runtime, stream)
    parent.kill()
    with adopted(runtime) as (supervisor, control, _):
        supervisor.leave()
        assert supervisor.wait(PATIENCE_S)
        assert control.is_running
        with adopted(runtime) as (_, other, _):
            await_hits(other, 1)


def test_an_orphan_that_nobody_takes_ends_by_itself(runtime, stream):
    parent = ParentProcess(runtime, stream, orphan_s=0.3)
    started = started_at(parent.pid)
    parent.kill()
    await_end(parent.pid, started)
    assert find_orphan(runtime) is None
    assert list(runtime.iterdir()) == []


def test_an_engine_that_is_stopped_is_no_orphan(runtime, stream):
    parent = ParentProcess(runtime, stream)
    started = started_at(parent.pid)
    parent.say("stop")
    await_end(parent.pid, started)
    assert list(runtime.iterdir()) == []


def test_an_engine_of_another_version_is_ended(runtime, stream, caplog):
    parent = ParentProcess(runtime, stream)
    started = started_at(parent.pid)
    parent.kill()
    path = runtime / "engine.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "0.0.0"}))
    assert find_orphan(runtime) is None
    await_end(parent.pid, started)
    assert "of version 0.0.0" in caplog.text


def test_an_engine_that_does_not_listen_is_ended(runtime, stream, monkeypatch):
    monkeypatch.setattr(adoption, "PATIENCE_S", 0.1)
    monkeypatch.setattr(adoption, "STOP_S", 0.1)
    parent = ParentProcess(runtime, stream)
    started = started_at(parent.pid)
    os.kill(parent.pid, signal.SIGSTOP)
    parent.kill()
    assert find_orphan(runtime) is None
    await_end(parent.pid, started)


def test_a_parent_that_reads_late_loses_no_recording(runtime, stream, tmp_path):
    parent = ParentProcess(runtime, stream)
    parent.kill()
    with adopted(runtime) as (supervisor, _, reports):
        supervisor.order({"record": {"path": str(tmp_path / "take.wav"), "format": "wav", "max_s": 600.0}})
        assert await_report(reports, "recording")["state"] == "recording"
        supervisor.leave()
        with adopted(runtime) as (other, _, later):
            assert await_report(later, "recording")["state"] == "recording"
            other.order({"stop_recording": True})
            while await_report(later, "recording")["state"] != "stopped":
                pass
    assert soundfile.info(tmp_path / "take.wav").frames > 0


@pytest.mark.parametrize("at", [0.1021, 0.15, 0.36])
def test_the_same_state_set_up_by_another_control_changes_no_sample(at):
    """Within the window of a hit, while a voice sounds, and while it decays."""
    source, setups = hits([0.1, 0.35], 0.6), [TrackSetup(load_model_named("velocity"), parameters={"neurality": 2.0})]
    left_alone, taken_over = (Engine(RATE, 1, 2, setups) for _ in range(2))
    expected, place = play(left_alone, source, 64), round(at * RATE)
    before = play(taken_over, source[:place], 64)
    EngineControl(taken_over.shared).set_up(setups)
    after = play(taken_over, source[place:], 64)
    np.testing.assert_array_equal(np.concatenate([before, after]), expected)
    assert [hit.as_dict() for hit in hits_of(taken_over)] == [hit.as_dict() for hit in hits_of(left_alone)]


def test_a_connection_that_comes_too_late_is_tried_again(runtime):
    """The engine has taken another parent, which then dies: what waited in line is closed, not taken."""
    path = runtime / "s"
    process = OtherProcess.find(os.getpid(), started_at(os.getpid()))
    queued = threading.Event()

    def engine():
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(1)
            queued.wait()
        path.unlink()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(1)
            with listener.accept()[0] as connection:
                connection.sendall(b"\n")
                connection.recv(1)

    thread = threading.Thread(target=engine)
    thread.start()
    threading.Timer(0.05, queued.set).start()
    connected = adoption._connected(str(path), process)
    connected.close()
    thread.join()
    process.close()


# -- what is found without an engine ---------------------------------------------------------------------------------


def sleeper():
    return subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)


@pytest.mark.parametrize(
    "content",
    ["", "no json", "[]", "{}", '{"spec": {}, "pid": 1, "started": 1, "version": ""}', "x" * 20_000],
)
def test_a_file_that_says_nothing_is_removed(runtime, content):
    (runtime / "engine.json").write_text(content)
    assert find_orphan(runtime) is None
    assert list(runtime.iterdir()) == []


def test_a_file_in_a_folder_of_everybody_is_not_trusted(runtime, stream, caplog):
    file = EngineFile(runtime)
    file.write(file.spec("/no/block", stream, 5.0), os.getpid())
    assert file.read().pid == os.getpid()
    runtime.chmod(0o777)
    assert file.read() is None
    assert "only this user" in caplog.text


def test_a_process_with_the_number_of_the_engine_is_left_alone(runtime, stream):
    other, file = sleeper(), EngineFile(runtime)
    file.write(file.spec("/no/block", stream, 5.0), other.pid)
    path = runtime / "engine.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"started": values["started"] - 1}))
    assert find_orphan(runtime) is None
    assert other.poll() is None
    other.communicate()


def test_no_file_is_written_for_an_engine_that_ends_with_its_parent(runtime, stream):
    file = EngineFile(runtime)
    file.write(file.spec("/no/block", stream, 0.0), os.getpid())
    assert file.read() is None


def test_a_folder_whose_name_is_too_long_for_a_socket_is_told(tmp_path, stream, caplog):
    folder = tmp_path / ("x" * 100)
    folder.mkdir(mode=0o700)
    assert EngineFile(folder).spec("/no/block", stream, 5.0).orphan_s == 0.0
    assert "too long" in caplog.text


def test_a_full_disk_is_told_when_the_file_cannot_be_written(runtime, stream, caplog):
    file = EngineFile(runtime / "none")
    file.write(file.spec("/no/block", stream, 5.0), os.getpid())
    assert "will not survive" in caplog.text


def test_a_process_is_held_and_ended():
    other = sleeper()
    process = OtherProcess.find(other.pid, started_at(other.pid))
    assert not process.wait(0.0)
    process.end(PATIENCE_S)
    assert other.wait(PATIENCE_S) == -signal.SIGTERM
    process.send(signal.SIGKILL)
    process.close()
    assert OtherProcess.find(other.pid, 1) is None
    assert started_at(other.pid) is None


def test_the_socket_is_this_users_alone_and_goes_with_the_waiting(runtime, monkeypatch):
    path, modes, listen = runtime / "s", [], socket.socket.listen
    listening = threading.Event()

    def watched(listener, backlog):
        modes.append(path.stat().st_mode & 0o777)  # Nobody can connect before this.
        listen(listener, backlog)
        listening.set()

    def connect():
        listening.wait()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.recv(1)

    monkeypatch.setattr(socket.socket, "listen", watched)
    thread = threading.Thread(target=connect)
    thread.start()
    path.write_text("left behind")
    with await_peer(str(path), PATIENCE_S):
        pass
    thread.join()
    assert modes == [0o600]
    assert not path.exists()
    assert await_peer(str(path), 0.01) is None
    assert not path.exists()
