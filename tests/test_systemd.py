"""What the service manager is told, and when it is told nothing so that it steps in."""

import asyncio
import os
import socket

import pytest

from remapd.daemon import systemd
from remapd.daemon.systemd import Progress, ServiceManager, SystemdWatch


class Manager:
    """A service manager that listens."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(60.0)

    def heard(self):
        return self.socket.recv(4096).decode()

    def is_silent(self):
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(60.0)


@pytest.fixture
def listening(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    yield manager, {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    manager.socket.close()


def progress(state="playing", callbacks=(0,)):
    counts = iter([*callbacks])
    last = [0]

    def count():
        last[0] = next(counts, last[0])
        return last[0]

    return Progress(lambda: state, count)


def test_it_is_told_in_lines(listening):
    manager, environment = listening
    ServiceManager(environment).tell(READY=1, STATUS="a line\nand another")
    assert manager.heard() == "READY=1\nSTATUS=a line and another"


@pytest.mark.skipif(not os.path.exists("/proc"), reason="abstract names are Linux's")
def test_a_name_without_a_file_is_understood():
    manager = Manager(f"\0remapd-test-{os.getpid()}")
    ServiceManager({"NOTIFY_SOCKET": f"@remapd-test-{os.getpid()}"}).tell(READY=1)
    assert manager.heard() == "READY=1"
    manager.socket.close()


@pytest.mark.parametrize("address", ["", "relative", "/no/such/socket", "vsock:2:1"])
def test_without_a_manager_nothing_happens(address):
    ServiceManager({"NOTIFY_SOCKET": address}).tell(READY=1)


def test_a_manager_that_does_not_read_is_not_waited_for(listening):
    manager, environment = listening
    for _ in range(5000):
        ServiceManager(environment).tell(STATUS="x" * 1000)
    assert manager.heard().startswith("STATUS=")


@pytest.mark.parametrize(
    ("values", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
    ],
)
def test_a_watchdog_is_fed_if_it_is_meant_for_us(listening, values, watchdog_s):
    assert ServiceManager(listening[1] | values).watchdog_s == watchdog_s


def test_progress_is_that_of_the_audio():
    audio = progress("playing", [0, 10, 20, 20, 30])
    assert [audio.is_made(0.0) for _ in range(4)] == [True, True, False, True]


def test_waiting_for_an_absent_device_is_no_fault():
    assert progress("waiting").is_made(1e9)
    assert not progress("stopped").is_made(0.0)


def test_a_start_may_take_long_but_not_for_ever(monkeypatch):
    state = ["starting"]
    start = Progress(lambda: state[0], lambda: 0)
    assert start.is_made(100.0)
    assert start.is_made(100.0 + systemd.LONGEST_START_S)
    assert not start.is_made(100.1 + systemd.LONGEST_START_S)
    state[0] = "waiting"
    assert start.is_made(5000.0)
    state[0] = "starting"
    assert start.is_made(6000.0)


def test_the_daemon_says_that_it_is_ready_lives_and_stops(listening):
    manager, environment = listening
    watch = SystemdWatch(ServiceManager(environment | {"WATCHDOG_USEC": "3000"}), progress("waiting"))

    async def live():
        await watch.start()
        loop = asyncio.get_running_loop()
        heard = [await loop.run_in_executor(None, manager.heard) for _ in range(4)]
        await watch.stop()
        return heard

    assert asyncio.run(live()) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
    while (last := manager.heard()) == "WATCHDOG=1":
        pass
    assert last == "STOPPING=1"
    asyncio.run(watch.stop())
    assert manager.heard() == "STOPPING=1"


def test_nothing_is_said_when_the_audio_stands_still(listening):
    manager, environment = listening
    asked = asyncio.Event()
    still = progress("playing")
    made = still.is_made
    still.is_made = lambda now_s: asked.set() or made(now_s)
    watch = SystemdWatch(ServiceManager(environment | {"WATCHDOG_USEC": "3000"}), still)

    async def live():
        await watch.start()
        for _ in range(3):
            asked.clear()
            await asked.wait()
        assert manager.heard() == "READY=1"
        assert manager.is_silent()
        await watch.stop()

    asyncio.run(live())


def test_how_it_is_is_told_in_a_line(listening):
    manager, environment = listening
    watch = SystemdWatch(ServiceManager(environment), progress())
    stream = {"input_name": "drum", "output_name": "amplifier", "sample_rate": 48000.0}
    watch.on_report({"playing": {"stream": stream}})
    assert manager.heard() == "STATUS=playing: drum -> amplifier, 48000 Hz"
    watch.on_report({"state": "waiting"})
    assert manager.heard() == "STATUS=waiting for the audio device"
    watch.on_report({"state": "playing"})
    watch.on_report({"fault": "x"})
    assert manager.is_silent()
