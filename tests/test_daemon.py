"""The daemon with the real engine on a virtual device: a death of either process, and the state that survives it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

from remapd.control.settings.config import load_config
from remapd.daemon.composition import Daemon
from remapd.daemon.session import Tally, summary
from remapd.daemon.startup import Flags
from remapd.engine.events import HitEvent
from remapd.engine.shared import SharedBlock
from remapd.errors import RemapdError
from tests.demo_events import status
from tests.engines import RATE, hits
from tests.live_run import PATIENCE_S, LiveRun

needs_posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def loop(tmp_path):
    """A file with four hits a second."""
    path = tmp_path / "loop.wav"
    soundfile.write(path, hits([0.1, 0.35, 0.6, 0.85], 1.0), int(RATE))
    return str(path)


def make_daemon(file, notice=lambda line: None, *, ports=None, fresh=False, loops=True, **values):
    """A daemon on a virtual device that hears a file; its folders are those of the test."""
    config = load_config(None, {"http": {"port": 0}, "osc": {"udp_port": 0, "tcp_port": 0}, **(ports or {})})
    tracks = [{"model": "velocity", **values}] if values is not None else ()
    flags = Flags({"/device/backend": "virtual"}, tracks)
    return Daemon(config, flags, {"input_file": file, "loop": loops, "tail_s": 0.0}, notice, fresh=fresh)


def await_hit(daemon, is_wanted=lambda hit: True):
    """The next hit that fits."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for event in daemon.control.events.read():
            if isinstance(event, HitEvent) and is_wanted(event):
                return event
        assert not daemon.supervisor.wait(0.01), daemon.supervisor.failure
    raise AssertionError("no hit came")


@needs_posix
def test_what_was_set_survives_the_death_of_the_engine(loop):
    notices = []
    with make_daemon(loop, notices.append, neurality=2.0) as daemon:
        await_hit(daemon)
        daemon.set({"/track/1/synth/osc1/freq": 321.0, "/track/1/lock/noise_gain/gain": True})
        before = await_hit(daemon, lambda hit: hit.values["osc1.freq"] == pytest.approx(321.0))
        pid = daemon.supervisor.engine_pid
        os.kill(pid, signal.SIGKILL)
        while daemon.supervisor.engine_pid in (pid, None):
            daemon.supervisor.wait(0.01)
        daemon.control.events.read()
        after = await_hit(daemon, lambda hit: hit.onset_s < 0.3)
        assert after.values["osc1.freq"] == pytest.approx(321.0)
        assert after.modulation["noise_gain.gain"] == before.modulation["noise_gain.gain"] == 0.0
        assert daemon.control.parameter(0, "neurality") == 2.0
    assert [line.split(":")[0] for line in notices if "compiling" not in line] == [
        "page and REST at http",
        "playing",
        "the engine was ended by SIGKILL; starting it again",
        "playing again",
    ]


@needs_posix
def test_the_engine_ends_when_its_parent_is_killed(loop):
    code = f"""
import time
from tests.test_daemon import await_hit, make_daemon
with make_daemon({loop!r}, ports={{"engine": {{"orphan_s": 0.0}}}}) as daemon:
    await_hit(daemon)
    print(daemon.supervisor.engine_pid, daemon.control.shared.path, flush=True)
    time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    number, left_behind = parent.stdout.readline().split()
    pid = int(number)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + PATIENCE_S
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert Path(left_behind).exists()
    # The next one removes it, as soon as the last thread of the engine is gone.
    while Path(left_behind).exists():
        assert time.monotonic() < deadline
        SharedBlock.create().close()


def is_running(pid):
    """Whether a process exists and is more than a name that nobody has asked after."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_leaves_no_shared_memory_behind(loop):
    with make_daemon(loop, loops=False) as daemon:
        path = daemon.control.shared.path
        assert path.exists()
        assert daemon.supervisor.wait(PATIENCE_S)
    assert not path.exists()
    assert daemon.supervisor.failure is None


def test_a_port_that_is_taken_leaves_nothing_behind(loop):
    with socket.create_server(("127.0.0.1", 0)) as other:
        daemon = make_daemon(loop, ports={"http": {"port": other.getsockname()[1]}})
        path = daemon.control.shared.path
        with pytest.raises(RemapdError, match=r"http\.port"):
            daemon.__enter__()
    assert not path.exists()
    assert daemon.supervisor.engine_pid is None
    # The folders are free again.
    with make_daemon(loop) as again:
        await_hit(again)


def test_a_start_that_fails_after_a_crash_does_not_hide_the_crash(loop):
    folders = load_config().directories()
    folders.make()
    mark = folders.state / "running"
    mark.write_text("4711\n")  # What a daemon leaves that is killed.
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(RemapdError, match=r"http\.port"),
        make_daemon(loop, ports={"http": {"port": other.getsockname()[1]}}),
    ):
        pass
    assert mark.read_bytes() != b""
    with make_daemon(loop) as daemon:
        await_hit(daemon)
    assert mark.read_bytes() == b""


def test_a_start_without_the_device_after_a_crash_does_not_hide_the_crash_either():
    folders = load_config().directories()
    folders.make()
    mark = folders.state / "running"
    mark.write_text("4711\n")
    config = load_config(None, {"http": {"port": 0}, "osc": {"udp_port": 0, "tcp_port": 0}})
    with Daemon(config, Flags({"/device/backend": "portaudio", "/device/input": "no such device"})) as daemon:
        assert daemon.supervisor.wait(PATIENCE_S)
        assert daemon.supervisor.failure is not None
    assert mark.read_bytes() != b""


def test_a_session_that_could_not_be_taken_whole_is_kept(loop):
    session = load_config().directories().session_file
    session.parent.mkdir(parents=True)
    document = b'{"format": 1, "values": {"/track/1/model": "not_here", "/track/1/synth/osc1/freq": 234.0}}'
    session.write_bytes(document)
    config = load_config(None, {"http": {"port": 0}, "osc": {"udp_port": 0, "tcp_port": 0}})
    told = []
    for _ in range(2):
        with Daemon(config, Flags({"/device/backend": "virtual"}), {"input_file": loop, "loop": True}, told.append):
            pass
    assert [line for line in told if "session.json.before" in line] == [
        "the session as it was is kept as session.json.before"
    ]
    assert session.with_name("session.json.before").read_bytes() == document
    assert b"not_here" not in session.read_bytes()


def test_a_second_daemon_keeps_away_from_the_folders_of_the_first(loop):
    with make_daemon(loop), pytest.raises(RemapdError, match=rf"process {os.getpid()}\).*REMAPD_PATHS__STATE"):
        make_daemon(loop)


@pytest.mark.parametrize("token", [None, "a-token-that-nobody-guesses"])
def test_where_a_generated_token_is_stands_in_the_log_too(loop, token):
    told = []
    with make_daemon(loop, told.append, ports={"http": {"port": 0, "require_token": True, "token": token}}) as daemon:
        file = daemon.plane.directories.token_file
        logged = [line.text for line in daemon.plane.logs.lines("info", 200)]
    assert [any(str(file) in line for line in lines) for lines in (told, logged)] == [token is None] * 2
    assert file.exists() is (token is None)


def test_what_was_set_comes_back_at_the_next_start(loop):
    with make_daemon(loop, neurality=2.5) as daemon:
        daemon.set({"/track/1/synth/osc1/freq": 234.0, "/output_gain_db": -7.0})
        await_hit(daemon)
    config = load_config(None, {"http": {"port": 0}, "osc": {"udp_port": 0, "tcp_port": 0}})
    file = {"input_file": loop, "loop": True}
    with Daemon(config, Flags({"/device/backend": "virtual"}), file) as again:
        hit = await_hit(again)
        assert hit.values["osc1.freq"] == pytest.approx(234.0, rel=0.5)
        assert again.control.parameter(0, "neurality") == 2.5
    with Daemon(config, Flags({"/device/backend": "virtual"}), file, fresh=True) as fresh:
        await_hit(fresh)
        assert fresh.control.parameter(0, "neurality") == 1.0


def test_run_plays_a_file_to_its_end(loop):
    with LiveRun("--backend", "virtual", "--input-file", loop) as run:
        assert run.wait() == 0
    assert run.hits == 4
    assert "4 hits, 0 rejected candidates" in run.lines


def test_a_partial_last_block_is_not_the_period_that_is_told():
    fast = status(sample_rate=44100.0, block_frames=32, callbacks=10)
    assert summary(Tally(), fast, 0, 64)[1].endswith("of 1451 us")
    assert summary(Tally(), fast, 0)[1].endswith("of 726 us")


def test_run_can_be_quiet_and_has_tracks_of_their_own(loop):
    options = ["--backend", "virtual", "--input-file", loop, "--quiet"]
    with LiveRun(*options, "--track", "1", "--track", "1,preset=tom_1,gain_db=-6") as run:
        assert run.wait() == 0
    assert run.hits == 0
    assert "8 hits, 0 rejected candidates" in run.lines


@needs_posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_ends_cleanly_on_a_signal(loop, number):
    with LiveRun("--backend", "virtual", "--input-file", loop, "--loop") as run:
        run.await_hits(2)
        assert run.end(number) == 0
    assert any(line.startswith("callbacks: ") for line in run.lines)


def test_run_ends_after_the_time_that_was_given(loop):
    with LiveRun("--backend", "virtual", "--input-file", loop, "--loop", "--duration", "0.5") as run:
        assert run.wait() == 0
    assert run.hits >= 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--track", "0"], "an input channel from 1"),
        (["--track", "1,volume=3"], "volume"),
        (["--track", "65"], "--track: expected a whole number from 1 to 64"),
        (["--neurality", "5"], "from 0 to 4"),
        (["--input-file", "/no/such.wav"], "/no/such.wav: no such file"),
        (["--model", "no_such_model"], "no_such_model"),
        (["--duration", "-1"], "--duration: expected more than 0 s"),
        (["--loop"], "--loop: expected an --input-file"),
        (["--device", "Studio"], "--device: expected no such choice with --backend virtual"),
        (["--host-api", "JACK"], "--host-api: "),
        (["--block-size", "5000"], "from 16 to 4096 frames"),
        (["--osc-out", "localhost"], "--osc-out: expected HOST:PORT"),
        (["--osc-out", "localhost:9000=vectr"], "--osc-out: expected one of vector, parameters"),
        (["--midi-out", "x=no_such_device"], "--midi-out.profile: expected "),
    ],
)
def test_run_refuses_bad_input_in_one_line(options, text):
    with LiveRun("--backend", "virtual", *options) as run:
        assert run.wait() == 1
    usual = ("compiling", "page and REST")
    assert [line for line in run.lines if not line.startswith(usual)] == run.lines[-1:]
    assert run.lines[-1].startswith("remapd: ")
    assert text in run.lines[-1]
