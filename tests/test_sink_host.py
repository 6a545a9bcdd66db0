"""The sinks of an engine without the engine: the MIDI process beside the sender, reports, faults, and the end."""

import contextlib
import functools
import json
import queue
import socket
import sys
import threading
import time

import numpy as np
import pytest

from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.layout import EVENT
from remapd.engine.shared import SharedBlock
from remapd.engine.wake import Wake
from remapd.engine_process import osc_link
from remapd.engine_process import sinks as module
from remapd.engine_process.made_up_hit import medium_hit
from remapd.engine_process.order_queue import LIMIT, OrderQueue
from remapd.engine_process.osc_link import OscLink
from remapd.engine_process.sink_reports import SinkReports
from remapd.engine_process.sinks import SinkHost
from remapd.engine_process.thread_priority import priority_below_audio, set_priority
from remapd.errors import FieldError, RemapdError
from remapd.mapping.library import load_model_named
from remapd.sinks.document import sink_from
from remapd.sinks.midi.child import MidiProcess
from remapd.sinks.plan_file import write_plan
from remapd.sinks.wire.counts import Counts
from tests.engine_sinks import osc, port_of, udp_receiver
from tests.live_run import PATIENCE_S
from tests.wire_hits import publish, random_event

#: Says what it hears: orders as they are, and the sizes of records; says goodbye at the end.
CHILD = """
import json, os, select, signal, socket, sys
records = socket.socket(fileno=int(sys.argv[1]))
say = lambda **line: print(json.dumps(line), flush=True)
class End(BaseException): pass
def end(*_): raise End
signal.signal(signal.SIGTERM, end)
text = b""
say(begun=os.getpid())
try:
    while True:
        ready = select.select([0, records], [], [])[0]
        if records in ready:
            say(record=records.recv(65536).hex())
        if 0 in ready:
            data = os.read(0, 65536)
            if not data: break
            *lines, text = (text + data).split(b"\\n")
            for line in lines:
                say(order=json.loads(line))
                for sink in json.loads(line).get("sinks", []):
                    say(sink={"id": sink["id"], "state": "open", "fault": ""})
except End:
    pass
open(sys.argv[2], "w").write("silent")
"""


class Host:
    """A host whose reports are read."""

    def __init__(self, folder):
        self.plan, self.goodbye = folder / "plan", folder / "goodbye"
        self.block, self.wake = SharedBlock.create(), Wake()
        EngineControl(self.block).set_up([TrackSetup(load_model_named("velocity"))])
        self.lines = queue.Queue()
        self.host = SinkHost(self.block, self.wake, self.lines.put)
        publish(self.block.record, self.wake)

    def sinks(self, *sinks):
        write_plan(self.plan, sinks)
        self.host.order({"sinks": str(self.plan)})

    def hear(self, key, wanted=lambda content: True):
        """The next report of a kind that is as wanted."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            report = json.loads(self.lines.get(timeout=deadline - time.monotonic()))
            if key in report and wanted(report[key]):
                return report[key]

    def close(self):
        self.host.stop(PATIENCE_S)
        self.wake.close()
        self.block.close()


@pytest.fixture
def host(tmp_path, monkeypatch):
    script = tmp_path / "child.py"
    script.write_text(CHILD.replace("sys.argv[2]", repr(str(tmp_path / "goodbye"))))
    command = (sys.executable, str(script))
    monkeypatch.setattr(module, "MidiProcess", functools.partial(MidiProcess, command=command))
    monkeypatch.setattr(module, "MIDI_PATIENCE_S", PATIENCE_S)
    host = Host(tmp_path)
    yield host
    host.close()


def midi(name, **members):
    return {"id": name, "kind": "midi", "port": "drum", **members}


def test_the_midi_process_gets_sinks_hits_and_orders(host):
    host.sinks(midi("m", tracks=[3]))
    assert host.hear("order") == {"block": str(host.block.path)}
    (told,) = host.hear("order", lambda order: "sinks" in order)["sinks"]
    assert (told["id"], told["port"]) == ("m", "drum")
    assert host.hear("sink", lambda sink: sink["id"] == "m")["state"] == "open"
    host.host.order({"test_sink": "m"})
    made_up = host.hear("order", lambda order: "hit" in order)["hit"]
    assert made_up["sink"] == "m"
    assert np.frombuffer(bytes.fromhex(made_up["record"]), EVENT)[0]["track"] == 2
    publish(host.block.record, host.wake, random_event(track=0), random_event(5, track=2))
    record = np.frombuffer(bytes.fromhex(host.hear("record")), EVENT)[0]
    assert (record["track"], record["sequence"][0]) == (2, 2)
    host.host.order({"panic": True})
    assert host.hear("order") == {"panic": True}


def test_the_midi_process_stays_when_its_last_sink_goes(host):
    host.sinks(midi("m"))
    host.hear("sink")
    with udp_receiver() as receiver:
        host.sinks(osc("a", port_of(receiver)))
        assert host.hear("order", lambda order: "block" not in order) == {"sinks": []}
        host.sinks(osc("a", port_of(receiver)), midi("m"))
        host.host.order({"test_sink": "a"})
        receiver.recv(9000)  # What was ordered before it has been done by then.
        publish(host.block.record, host.wake, random_event())
        receiver.recv(9000)
        host.hear("record")
    assert host.host._midi_process.starts == 1


def test_totals_of_midi_sinks_go_on_when_their_process_is_another():
    lines = []
    reports = SinkReports(lambda line: lines.append(json.loads(line)["sink"]))
    for state, sent, dropped in (("open", 5, 1), ("waiting", None, None), ("open", 0, 0), ("waiting", 3, 0)):
        counts = {} if sent is None else {"sent": sent, "dropped": dropped}
        reports.hand_on({"sink": {"id": "m", "state": state, "fault": "", **counts}})
    reports.note_midi_drops(10, float("inf"))
    assert [(line["sent"], line["dropped"]) for line in lines] == [(5, 1), (5, 1), (5, 1), (8, 1), (8, 11)]
    reports.keep(["m"])
    reports.hand_on({"sink": {"id": "m", "state": "open", "fault": "", "sent": 4, "dropped": 0}})
    assert lines[-1]["sent"] == 9
    reports.keep([])
    reports.hand_on({"sink": {"id": "m", "state": "open", "fault": "", "sent": 0, "dropped": 0}})
    assert lines[-1]["sent"] == 0


def test_everything_ends_in_silence(host):
    with udp_receiver() as receiver:
        host.sinks(midi("m"), osc("a", port_of(receiver), form="supercollider", group=5))
        host.hear("order", lambda order: "sinks" in order)
        host.host.stop(PATIENCE_S)
        assert receiver.recv(9000).startswith(b"/g_freeAll\0\0,i\0\0")
    assert host.goodbye.read_text() == "silent"
    host.host.stop(PATIENCE_S)


def test_a_new_parent_hears_of_every_sink(host):
    with udp_receiver() as receiver:
        host.sinks(midi("m"), osc("a", port_of(receiver)))
        host.hear("sink", lambda sink: sink["id"] == "m")
        told = {json.loads(line)["sink"]["id"] for line in host.host.news()}
        assert told == {"m", "a"}
        host.sinks(osc("a", port_of(receiver)))
        host.hear("sink", lambda sink: sink["id"] == "a")
        assert [json.loads(line)["sink"]["id"] for line in host.host.news()] == ["a"]


def test_a_sink_that_is_off_sends_nothing(host):
    with udp_receiver() as a, udp_receiver() as b:
        host.sinks(osc("a", port_of(a), enabled=False), osc("b", port_of(b)))
        host.hear("sink", lambda sink: sink["id"] == "b")
        publish(host.block.record, host.wake, random_event())
        b.recv(9000)
        a.setblocking(False)
        with pytest.raises(BlockingIOError):
            a.recv(9000)


@pytest.mark.parametrize("fault", [MemoryError(), RemapdError("the sender does not answer"), OSError(24, "too many")])
def test_a_fault_is_told_and_the_next_plan_is_taken(host, monkeypatch, fault):
    class Broken:
        def __init__(self, *_):
            raise fault

    with udp_receiver() as receiver:
        with monkeypatch.context() as patch:
            patch.setattr(module, "WireSender", Broken)
            host.sinks(osc("a", port_of(receiver)))
            assert host.hear("refused").startswith("sinks: ")
        host.sinks(osc("a", port_of(receiver)))
        host.hear("sink", lambda sink: sink["state"] == "open")
        publish(host.block.record, host.wake, random_event())
        receiver.recv(9000)


def test_it_sleeps_while_there_are_no_sinks(host):
    """No sinks: no sender, no news."""
    host.sinks()
    host.host.order({"test_sink": "a"})
    host.host.order({"panic": True})
    host.host.stop(PATIENCE_S)
    assert host.lines.empty()
    assert host.host._sender is None


def test_a_made_up_hit_plays_the_preset(host):
    event = medium_hit(host.block.record, 0)
    assert event["synth"] == 0
    assert (event["scaled"] == 0.5).all()
    assert np.isfinite(event["values"]).all()
    assert np.isfinite(event["features"]).all()
    assert event["values"].any()
    assert not event["modulation"].any()
    unused = medium_hit(host.block.record, 31)
    assert unused["track"] == 31
    assert np.isfinite(unused["values"]).all()


def test_counts_are_told_once_a_second_and_states_at_once():
    lines = []
    reports = SinkReports(lambda line: lines.append(json.loads(line)["sink"]))
    base = {"id": "a", "state": "open", "fault": "", "sent": 0}
    reports.tell(base, 0.0)
    reports.tell(dict(base), 5.0)
    reports.tell(base | {"sent": 1}, 5.5)
    reports.tell(base | {"sent": 2}, 6.0)
    reports.tell(base | {"sent": 2, "state": "waiting"}, 6.1)
    reports.tell(base | {"sent": 3, "state": "waiting"}, 6.6)
    reports.tell(base | {"sent": 3, "state": "waiting"}, 7.2)
    assert [(line["sent"], line["state"]) for line in lines] == [
        (0, "open"),
        (1, "open"),
        (2, "waiting"),
        (3, "waiting"),
    ]


def test_a_thread_gets_its_place_below_the_audio_where_that_is_granted():
    started, end = threading.Event(), threading.Event()
    audio = threading.Thread(target=lambda: (started.set(), end.wait(PATIENCE_S)))
    audio.start()
    started.wait(PATIENCE_S)
    try:
        if not set_priority(audio.native_id, 40):
            pytest.skip("real-time priority is not granted here")
        assert priority_below_audio() == 39
        set_priority(audio.native_id, 1)
        assert priority_below_audio() == 0
    finally:
        end.set()
        audio.join()
    assert priority_below_audio() == 0


def test_a_receiver_at_an_address_of_version_6(host):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        try:
            receiver.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6 here")
        receiver.settimeout(PATIENCE_S)
        host.sinks(osc("a", port_of(receiver)) | {"resolved": ["::1", port_of(receiver)]})
        host.hear("sink", lambda sink: sink["state"] == "open")
        publish(host.block.record, host.wake, random_event())
        assert receiver.recv(9000).startswith(b"/remapd/1/hit")


def test_a_setting_that_is_dragged_does_not_keep_panic_waiting(host):
    """Of many plans only the last is taken; what plays goes on, as it can still be ended."""
    with udp_receiver() as receiver:
        curve = [[0.0, 0.0], [0.5, 0.9], [1.0, 1.0]]
        sink = osc("a", port_of(receiver), form="supercollider", group=5)
        host.sinks(sink)
        host.hear("sink", lambda sink: sink["state"] == "open")
        for _ in range(300):
            host.sinks(sink | {"velocity": curve})
        host.host.order({"panic": True})
        assert receiver.recv(9000).startswith(b"/g_freeAll")
        host.host.order({"test_sink": "a"})
        assert receiver.recv(9000).startswith(b"#bundle")
        host.sinks(sink | {"group": 6})
        assert receiver.recv(9000).startswith(b"/g_freeAll")


def test_tracks_that_are_added_are_played(host):
    with udp_receiver() as receiver:
        host.sinks(osc("a", port_of(receiver)))
        host.hear("sink", lambda sink: sink["state"] == "open")
        EngineControl(host.block).set_up([TrackSetup(load_model_named("velocity"))] * 4)
        receiver.settimeout(0.2)
        deadline, found = time.monotonic() + PATIENCE_S, b""
        while not found:
            assert time.monotonic() < deadline
            publish(host.block.record, host.wake, random_event(track=3))
            with contextlib.suppress(TimeoutError):
                found = receiver.recv(9000)
        assert found.startswith(b"/remapd/4/hit")


def test_hits_that_never_come_to_the_midi_process_are_counted(host, monkeypatch):
    deaf = CHILD.replace("select.select([0, records], [], [])", "select.select([0], [], [])")
    script = host.plan.with_name("deaf.py")
    script.write_text(deaf.replace("sys.argv[2]", repr(str(host.goodbye))))
    process = functools.partial(MidiProcess, command=(sys.executable, str(script)), silence_s=2 * PATIENCE_S)
    monkeypatch.setattr(module, "MidiProcess", process)
    host.sinks(midi("m"))
    assert host.hear("sink")["dropped"] == 0
    for _ in range(20):
        publish(host.block.record, host.wake, *(random_event(seed) for seed in range(100)))
    assert host.hear("sink", lambda sink: sink["dropped"] > 100)["id"] == "m"


def tcp_sink(port):
    return sink_from({"kind": "osc", "transport": "tcp", "port": port}), ("127.0.0.1", port)


def test_a_receiver_that_does_not_answer_is_asked_anew(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with contextlib.ExitStack() as waiting:
            for _ in range(4):  # They fill what the listener takes; the next one gets no answer.
                one = waiting.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            link = OscLink(*tcp_sink(port_of(listener)))
            assert (link.socket, link.state, link.fault) == (None, "waiting", "the receiver does not answer")
            first = link._connecting
            link.look(Counts())
            assert link._connecting is first
            monkeypatch.setattr(osc_link, "CONNECT_LIMIT_S", 0.0)
            link.look(Counts())
            assert link._connecting is None
            link.look(Counts())
            assert link._connecting is not first
            link.close()


def test_a_datagram_that_cannot_be_sent_gets_a_new_socket():
    """Our own address may be another one now."""
    with udp_receiver() as receiver:
        address = ("127.0.0.1", port_of(receiver))
        link = OscLink(sink_from({"kind": "osc", "port": address[1]}), address)
        former = link.socket
        close = link.look(Counts(failed=1, fault="Network is unreachable"))
        assert link.socket is not former
        assert link.state == "open"
        close()
        assert former.fileno() < 0
        assert link.look(Counts(failed=1)) is None
        link.close()


def test_what_is_no_address_is_refused():
    with pytest.raises(FieldError, match="address"):
        OscLink(sink_from({"kind": "osc"}), ("some.where", 9000))


def test_the_zone_of_an_address_is_kept():
    name = socket.if_indextoname(1)
    link = OscLink(sink_from({"kind": "osc"}), (f"fe80::1%{name}", 9000))
    assert link._place[3] == 1
    link.close()


def test_of_plans_the_last_and_silence_first():
    orders = OrderQueue()
    for order in ({"sinks": "1"}, {"test_sink": "a"}, {"sinks": "2"}, {"panic": True}, {"sinks": "3"}):
        orders.put(order)
    taken = [orders.take(0.0) for _ in range(4)]
    assert taken == [{"panic": True}, {"test_sink": "a"}, {"sinks": "3"}, {}]
    for place in range(2 * LIMIT):
        orders.put({"test_sink": str(place)})
    orders.put({"stop": True})
    assert orders.take(0.0) == {"stop": True}
    left = 0
    while orders.take(0.0):
        left += 1
    assert left == LIMIT


def test_panic_comes_through_while_a_large_plan_is_taken(host, monkeypatch):
    with udp_receiver() as receiver:
        playing = osc("a", port_of(receiver), form="supercollider", group=5)
        host.sinks(playing)
        host.hear("sink", lambda sink: sink["state"] == "open")
        real, begun, go_on = module.part_for, threading.Event(), threading.Event()

        def slowly(*arguments):
            begun.set()
            go_on.wait(PATIENCE_S)
            return real(*arguments)

        monkeypatch.setattr(module, "part_for", slowly)
        host.sinks(playing, osc("b", port_of(receiver)))
        begun.wait(PATIENCE_S)
        host.host.order({"panic": True})
        host.host.begin_stop()
        go_on.set()
        # Both are heeded before the plan has been taken: it is broken off.
        assert receiver.recv(9000).startswith(b"/g_freeAll")
        assert "not taken" in host.hear("refused")
