"""The MIDI process: its loop on a stand-in of rtmidi, its life seen from its parent, and hits from their bytes."""

import contextlib
import json
import os
import queue
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from remapd.engine.events import decode
from remapd.engine.layout import EVENT
from remapd.engine.shared import SharedBlock
from remapd.engine.stamps import stamps_of
from remapd.sinks.midi.child import COMMAND, MidiProcess
from remapd.sinks.midi.lateness import Lateness
from remapd.sinks.midi.process import Ending, MidiOutput
from remapd.sinks.midi.records import hit_of
from tests.midi_hits import hit_record, rejected_record
from tests.midi_wire import FakeRtMidi

PATIENCE_S = 30.0
SINK = {"kind": "midi", "port": "drums", "virtual": True, "note_length_ms": 20.0}
SILENCE = [b"\xb9\x40\x00", b"\xb9\x7b\x00", b"\xb9\x78\x00"]
HIT, OFF = b"\x99\x26\x7f", b"\x89\x26\x00"


# -- records ---------------------------------------------------------------------------------------------------------


def test_hits_are_read_as_the_engine_reads_them():
    chance = np.random.default_rng(1)
    for synth in range(2):
        record = np.frombuffer(chance.integers(1, 100, EVENT.itemsize // 8).tobytes(), EVENT).copy()
        for name in EVENT.names:
            if EVENT[name].base.kind == "f":
                record[name] = chance.uniform(1.0, 2.0, record[name].shape)
        record["kind"], record["synth"] = 1, synth
        assert hit_of(record.tobytes()) == decode(record[0])


def test_what_is_no_hit_is_none():
    beyond = np.frombuffer(hit_record(), EVENT).copy()
    beyond["synth"] = 99
    for data in (rejected_record(), b"", b"x", hit_record() + b"x", beyond.tobytes()):
        assert hit_of(data) is None


def test_lateness_within_its_bins():
    lateness = Lateness()
    assert lateness.as_dict() == {"p50": 0.0, "p99": 0.0, "max": 0.0, "count": 0}
    times = np.random.default_rng(1).lognormal(5.0, 1.0, 2000)
    for time_us in times:
        lateness.add(time_us)
    told = lateness.as_dict()
    assert told["p50"] == pytest.approx(np.percentile(times, 50), rel=0.06)
    assert told["p99"] == pytest.approx(np.percentile(times, 99), rel=0.06)
    assert told["max"] == pytest.approx(times.max(), abs=0.1)
    lateness.add(1e12)
    lateness.add(0.0)
    assert lateness.count == 2002


# -- the loop --------------------------------------------------------------------------------------------------------


class Process:
    """The loop in a thread, with both ends of what it is connected to."""

    def __init__(self, rtmidi=None):
        self.rtmidi = rtmidi or FakeRtMidi(apis=(FakeRtMidi.API_MACOSX_CORE,))
        orders, self._orders = os.pipe()
        self._reports, reports = os.pipe()
        self.records, records = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.output = MidiOutput(self.rtmidi, orders, records, reports)
        self.ending = None
        self._lines = queue.Queue()
        self._mine, self._theirs = records, (orders, reports)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _run(self):
        self.ending = self.output.run()

    def _listen(self):
        with contextlib.suppress(OSError), os.fdopen(self._reports, closefd=False) as lines:
            for line in lines:
                self._lines.put(json.loads(line))

    def order(self, **order):
        self.write(json.dumps(order).encode() + b"\n")

    def write(self, data):
        os.write(self._orders, data)

    def hit(self, **fields):
        self.records.send(hit_record(**fields))

    def report(self, is_wanted):
        """The next line that is wanted."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_wanted(line := self._lines.get(timeout=max(0.0, deadline - time.monotonic()))):
            pass
        return line

    def sink(self, **members):
        """The next line about a sink that has these members."""
        return self.report(lambda line: "sink" in line and line["sink"].items() >= members.items())["sink"]

    def refused(self):
        return self.report(lambda line: "refused" in line)["refused"]

    def await_sent(self, name, count):
        """What a port got, once that is so many messages."""
        port = self.rtmidi.opened(name)
        deadline = time.monotonic() + PATIENCE_S
        while len(port.sent) < count:
            assert time.monotonic() < deadline, port.sent
            time.sleep(0.001)  # A list is nothing to wait for.
        return port.sent

    def join(self):
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.ending

    def close_orders(self):
        os.close(self._orders)
        self._orders = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.output.stop()
        self.join()
        for descriptor in (self._orders, *self._theirs):
            if descriptor is not None:
                os.close(descriptor)
        self.records.close()
        self._mine.close()


@pytest.fixture
def process():
    with Process() as process:
        yield process


def test_hits_sound_and_end_and_are_told_of(process):
    process.order(sinks=[SINK])
    assert process.sink(state="open")["port"] == "drums"
    process.hit(loudness=1.0)
    assert process.await_sent("drums", 5) == [*SILENCE, HIT, OFF]
    told = process.sink(sent=1)
    assert (told["dropped"], told["late_us"]["count"], told["notes"]) == (0, 1, 1)


def test_the_time_of_each_hit_is_stamped_into_the_block(process):
    block = SharedBlock.create()
    block.record["stamps"][6]["sequence"] = 7
    process.order(block=str(block.path))
    process.order(sinks=[SINK])
    process.sink(state="open")
    before_ns = time.monotonic_ns()
    process.hit(sequence=7)
    process.sink(sent=1)
    assert before_ns < stamps_of(block.record, 7).midi_ns < time.monotonic_ns()
    block.close()


def test_a_block_that_is_not_there_is_told_and_hits_sound_all_the_same(process):
    process.order(block="/nonexistent")
    assert "/nonexistent" in process.refused()
    process.order(sinks=[SINK])
    process.sink(state="open")
    process.hit(loudness=1.0)
    process.await_sent("drums", 4)


def test_panic_and_a_hit_for_one_sink(process):
    process.order(sinks=[SINK | {"tracks": [9], "note_length_ms": 60000.0}])
    process.sink(state="open")
    process.order(hit={"sink": "1", "record": hit_record(loudness=1.0).hex()})
    process.order(panic=True)
    assert process.await_sent("drums", 8)[3:] == [HIT, OFF, *SILENCE]


def test_other_sinks_from_now_on(process):
    process.order(sinks=[SINK | {"note_length_ms": 60000.0}])
    process.sink(state="open")
    process.hit(loudness=1.0)
    process.await_sent("drums", 4)
    drums = process.rtmidi.opened("drums")
    process.order(sinks=[SINK | {"port": "other"}])
    process.sink(state="open", port="other")
    assert (drums.sent[4:], drums.deleted) == ([OFF, *SILENCE], True)


def test_a_port_that_comes_later_is_opened(process):
    process.order(sinks=[SINK | {"virtual": False}])
    assert "none is there" in process.sink(state="waiting")["fault"]
    process.rtmidi.plug("drums:1")
    process.report(lambda line: line.get("midi_out", {}).get("outputs") == ["drums:1"])
    process.sink(state="open", port="drums:1")


@pytest.mark.parametrize(
    "line",
    [
        b"[", b"5", b"null", b'"x"', b"\xff\xfe", b"[" * 5000, b'{"sinks": 5}',
        b'{"sinks": [{"kind": "midi", "channel": 17}]}', b'{"hit": {}}', b'{"hit": {"sink": "1", "record": "zz"}}',
        b'{"block": 5}',
    ],
)  # fmt: skip
def test_an_order_that_is_none_is_refused_and_nothing_else_happens(process, line):
    process.write(line + b"\n")
    assert process.refused()
    process.order(sinks=[SINK])
    process.sink(state="open")


def test_packets_that_are_no_hits_are_left_out(process):
    process.order(sinks=[SINK])
    process.sink(state="open")
    for data in (b"x", rejected_record(), bytes(EVENT.itemsize)):
        process.records.send(data)
    process.hit(loudness=1.0)
    assert process.await_sent("drums", 5)[3:] == [HIT, OFF]


@pytest.mark.parametrize("how", ["stop", "orders", "records", "signal"])
def test_it_ends_with_all_notes_off(process, how):
    process.order(sinks=[SINK | {"note_length_ms": 60000.0}])
    process.sink(state="open")
    process.hit(loudness=1.0)
    drums = process.rtmidi.opened("drums")
    process.await_sent("drums", 4)
    if how == "stop":
        process.order(stop=True)
    elif how == "orders":
        process.close_orders()
    elif how == "records":
        process.records.shutdown(socket.SHUT_RDWR)
    else:
        process.output.stop()
    assert process.join() == Ending.STOPPED
    assert (drums.sent[3:], drums.deleted) == ([HIT, OFF, *SILENCE, *SILENCE], True)


def test_an_interface_that_is_not_there_is_waited_for():
    rtmidi = FakeRtMidi(apis=(FakeRtMidi.API_MACOSX_CORE,))
    rtmidi.works = False
    with Process(rtmidi) as process:
        process.order(sinks=[SINK])
        assert "not running" in process.sink(state="waiting")["fault"]
        rtmidi.works = True
        process.sink(state="open")


def test_more_ports_than_fit_a_line_are_told_in_part(process):
    for n in range(200):
        process.rtmidi.plug(f"é device with a long name:{n}")
    process.output.wake()
    told = process.report(lambda line: len(line.get("midi_out", {}).get("outputs", ())) > 10)
    assert len(json.dumps(told)) < 4096


def test_it_says_that_it_is_alive(process):
    assert process.report(lambda line: "alive" in line) == {"alive": True}


# -- the parent ------------------------------------------------------------------------------------------------------


class Parent:
    """A `MidiProcess` whose reports are kept; small programs stand in for the process."""

    def __init__(self, program=None, **settings):
        self._lines = queue.Queue()
        command = COMMAND if program is None else (sys.executable, "-c", program)
        self.midi = MidiProcess(self._lines.put, command, **settings)

    def start(self, *sinks):
        self.midi.start({"block": "", "sinks": list(sinks)})
        return self

    def report(self, is_wanted=lambda line: True):
        deadline = time.monotonic() + PATIENCE_S
        while not is_wanted(line := self._lines.get(timeout=max(0.0, deadline - time.monotonic()))):
            pass
        return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.midi.stop()


#: Tells what it is told, and obeys some of it.
ECHO = """
import json, os, sys
print(json.dumps({"begun": os.getpid()}), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    print(json.dumps({"told": order, "pid": os.getpid()}), flush=True)
    if "end" in order:
        os._exit(order["end"])
"""


#: Ends only when it is killed.
DEAF = """
import json, os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(json.dumps({"begun": os.getpid()}), flush=True)
print("{}", flush=True)
while True:
    time.sleep(9)
"""


def test_a_process_that_ends_is_followed_by_one_that_is_told_the_latest_sinks():
    with Parent(ECHO, first_delay_s=0.001).start({"id": "7"}) as parent:
        assert parent.report()["told"] == {"block": ""}
        assert parent.report()["told"] == {"sinks": [{"id": "7"}]}
        descriptor = parent.midi.socket.fileno()
        parent.midi.order({"sinks": [{"id": "8"}]})
        parent.midi.order({"panic": True})
        parent.midi.order({"end": 3})
        assert [parent.report()["told"] for _ in range(3)] == [{"sinks": [{"id": "8"}]}, {"panic": True}, {"end": 3}]
        fault = "the MIDI process ended with status 3; it is started again"
        assert parent.report() == {"sink": {"id": "8", "state": "waiting", "fault": fault}}
        assert parent.report()["told"] == {"block": ""}
        assert parent.report()["told"] == {"sinks": [{"id": "8"}]}
        assert (parent.midi.starts, parent.midi.socket.fileno(), parent.midi.is_alive) == (2, descriptor, True)


def test_a_process_that_hangs_is_followed_by_another():
    hanging = "import time\nprint('{\"hangs\": true}', flush=True)\nwhile True: time.sleep(100)"
    with Parent(hanging, first_delay_s=0.001, silence_s=0.2).start() as parent:
        for _ in range(2):
            assert parent.report() == {"hangs": True}


def test_a_process_that_does_not_end_is_killed():
    parent = Parent(DEAF).start()
    parent.report()
    pid = parent.midi.pid
    parent.midi.stop(0.1)
    assert not parent.midi.is_alive
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_orders_never_wait_for_a_process_that_reads_none():
    deaf = "import time\nprint('{}', flush=True)\nwhile True: time.sleep(100)"
    with Parent(deaf).start() as parent:
        parent.report()
        for _ in range(100):
            parent.midi.order({"sinks": [{"id": "x" * 10_000}]})


def test_without_rtmidi_there_is_no_second_try():
    program = f'import os; os.write(1, b\'{{"fault": "no rtmidi"}}\\n\'); os._exit({int(Ending.MISSING)})'
    with Parent(program, first_delay_s=0.001).start({"id": "1"}) as parent:
        parent.midi._thread.join(PATIENCE_S)
        assert parent.report()["fault"] == "no rtmidi"
        assert parent._lines.empty()


def test_nonsense_is_left_out():
    with Parent("print('['); print(); print('5'); print('{\"alive\": true}'); print('{\"x\": 1}')").start() as parent:
        assert parent.report() == {"x": 1}


def test_a_program_that_cannot_be_started_is_told():
    lines = queue.Queue()
    midi = MidiProcess(lines.put, ("/nonexistent/midi",))
    midi.start({"sinks": [{"id": "1"}]})
    assert "cannot be started" in lines.get(timeout=PATIENCE_S)["sink"]["fault"]
    midi.stop()


def test_one_that_was_never_started_can_be_stopped():
    midi = MidiProcess(lambda line: None)
    midi.stop()
    assert not midi.is_alive


@pytest.fixture
def real(monkeypatch):
    """The real process, without a JACK server."""
    pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"remapd-test-{secrets.token_hex(4)}")
    with Parent(first_delay_s=0.001).start(SINK | {"id": "1"}) as parent:
        parent.report(lambda line: line.get("sink", {}).get("state") == "waiting")
        yield parent


def await_end(pid):
    """Wait for the end of a process that is no child of this one."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        assert select.select([descriptor], [], [], PATIENCE_S)[0]
        os.close(descriptor)


def test_a_worker_that_is_killed_is_followed_by_one_of_the_same_process(real):
    first, process = real.midi.pid, real.midi._life.process.pid
    os.kill(first, signal.SIGKILL)
    fault = real.report(lambda line: "ended with" in line.get("sink", {}).get("fault", ""))["sink"]["fault"]
    assert fault == "the MIDI process ended with status -9; it is started again"
    assert "no server" in real.report(lambda line: "sink" in line)["sink"]["fault"]
    assert real.midi.pid not in (first, process)
    assert (real.midi.starts, real.midi._life.process.pid) == (2, process)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_worker_whose_process_is_killed_ends_and_all_begins_anew(real):
    first, process = real.midi.pid, real.midi._life.process.pid
    os.kill(process, signal.SIGKILL)
    real.report(lambda line: "ended with status -9" in line.get("sink", {}).get("fault", ""))
    assert "no server" in real.report(lambda line: "sink" in line)["sink"]["fault"]
    await_end(first)
    assert real.midi._life.process.pid != process


def test_the_real_process_ends_with_whoever_started_it():
    """However that one ends: both its standard input and the socket close then."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {**os.environ, "JACK_DEFAULT_SERVER": f"remapd-test-{secrets.token_hex(4)}"}
    process = subprocess.Popen(
        [*COMMAND, str(far.fileno())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[far.fileno()],
        env=environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    far.close()
    assert process.stdout.readline()
    near.close()
    process.stdin.close()
    assert process.wait(PATIENCE_S) in (Ending.STOPPED, Ending.MISSING)
    process.stdout.close()


def test_a_machine_without_rtmidi_is_told_how_to_get_it(tmp_path):
    (tmp_path / "rtmidi.py").write_text("raise ImportError('no rtmidi here')")
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.run(
        [sys.executable, "-m", "remapd.sinks.midi.process", str(far.fileno())], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, pass_fds=[far.fileno()], env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=False,
    )  # fmt: skip
    near.close()
    far.close()
    assert process.returncode == Ending.MISSING
    fault = "rtmidi is not installed (no rtmidi here): pip install 'remapd[midi]'"
    assert json.loads(process.stdout)["midi_out"]["fault"] == fault
