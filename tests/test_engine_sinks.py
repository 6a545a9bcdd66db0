"""Sinks of a real engine process: hits on the wire, receivers that come and go, orders, and silence in the end."""

import contextlib
import os
import signal
import time

import pytest
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage

from remapd.engine.events import EventReader, HitEvent
from remapd.sinks.common import STALE_NS
from remapd.sinks.document import sink_from
from remapd.sinks.osc.packets import packets
from remapd.sinks.osc.rendering import render
from remapd.sinks.velocity import SCALED_NAMES
from remapd.synth.registry import SYNTHS
from tests.engine_sinks import HIT_PERIOD_S, EngineWithSinks, TcpReceiver, osc, port_of, udp_receiver

#: Time within which everything plays again.
AGAIN_S = 3.0


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with EngineWithSinks(tmp_path_factory.mktemp("sinks")) as engine:
        yield engine


def number(packet):
    """Which hit of the sink a vector message tells of."""
    message = OscMessage(packet)
    assert message.address == "/remapd/1/hit"
    return message.params[0]


def test_hits_are_on_the_wire_byte_for_byte(engine):
    reader = EventReader(engine.block.record)
    with udp_receiver() as receiver:
        engine.sinks(osc("a", port_of(receiver)))
        sent = [receiver.recv(9000) for _ in range(8)]
        events = {event.onset_s: event for event in reader.read() if isinstance(event, HitEvent)}
    sink = sink_from({"kind": "osc"})
    hits = [event for event in events.values() if event.sent_ns]
    assert [number(packet) for packet in sent] == list(range(1, 9))
    for at, (hit, packet) in enumerate(zip(hits, sent, strict=False), 1):
        velocity = sink.velocity.table()
        place = 128 * hit.scaled[SCALED_NAMES.index("loudness")]
        i = min(127, int(place))
        curve = velocity[i] + (place - i) * (velocity[i + 1] - velocity[i])
        (template,) = packets(sink, 1, SYNTHS[hit.synth])
        assert render(template, hit, at, curve) == packet
        assert hit.onset_ns < hit.block_ns <= hit.published_ns <= hit.sent_ns
    assert len(hits) >= 7


def test_counts_and_delays_are_told(engine):
    with udp_receiver() as receiver:
        since = engine.sinks(osc("counted", port_of(receiver)))
        report = engine.await_sink("counted", since, state="open", sent=5)
    assert report["dropped"] == report["refused"] == 0
    assert report["late_us"]["count"] >= 5
    assert 0 < report["late_us"]["p50"] <= report["late_us"]["p99"]


def test_receivers_over_tcp(engine):
    with TcpReceiver() as plain, TcpReceiver() as slip:
        engine.sinks(osc("a", plain.port, transport="tcp"), osc("b", slip.port, transport="tcp-slip"))
        plain.accept()
        slip.accept()
        for read in (plain.packet, slip.slip_packet):
            numbers = [number(read()) for _ in range(4)]
            assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_a_receiver_that_is_started_again_is_played_to_again(engine):
    with TcpReceiver() as receiver, udp_receiver() as other:
        port = receiver.port
        engine.sinks(osc("a", port, transport="tcp"), osc("b", port_of(other)))
        receiver.accept()
        number(receiver.packet())
        since = len(engine.reports)
        last = number(other.recv(9000))
    engine.await_sink("a", since, state="waiting")
    with TcpReceiver(port) as receiver:
        begun_s = time.monotonic()
        receiver.accept()
        first = number(receiver.packet())
        assert time.monotonic() - begun_s < AGAIN_S
        # What was played meanwhile is dropped, not sent in a burst; the numbers tell of the gap.
        assert first > last
        second_s = time.monotonic()
        assert number(receiver.packet()) == first + 1
        assert time.monotonic() - second_s > 0.3 * HIT_PERIOD_S
        report = engine.await_sink("a", since, state="open", unconnected=1)
        assert report["dropped"] >= report["unconnected"]


def test_a_port_at_which_nobody_listens(engine):
    with udp_receiver() as receiver, udp_receiver() as other:
        port = port_of(receiver)
        receiver.close()
        since = engine.sinks(osc("a", port), osc("b", port_of(other)))
        report = engine.await_sink("a", since, state="waiting", refused=1)
        assert report["fault"] == "nobody listens at this port"
        assert report["dropped"] >= report["refused"]
        with udp_receiver(port) as receiver:
            since = len(engine.reports)
            number(receiver.recv(9000))
            engine.await_sink("a", since, state="open")
        numbers = [number(other.recv(9000)) for _ in range(5)]
        assert numbers == list(range(numbers[0], numbers[0] + 5))


def test_one_who_reads_nothing_loses_hits_and_nobody_else_does(engine):
    large = [{"address": f"/{place}" + "x" * 200, "arguments": ["features.*", "values.*"]} for place in range(16)]
    with TcpReceiver(room=4096) as slow, udp_receiver() as other:
        members = {"transport": "tcp", "form": "custom", "messages": large, "bundle": False}
        since = engine.sinks(osc("slow", slow.port, **members), osc("b", port_of(other)))
        slow.accept()
        for _ in range(50):
            engine.order(test_sink="slow")
        engine.await_sink("slow", since, full=1)
        numbers = [number(other.recv(9000)) for _ in range(5)]
        assert numbers == list(range(numbers[0], numbers[0] + 5))
        assert OscMessage(slow.packet()).address.startswith("/0x")


def test_a_made_up_hit_goes_through_one_sink_alone(engine):
    with udp_receiver() as a, udp_receiver() as b:
        quiet = [32]
        engine.sinks(osc("c", port_of(a), tracks=quiet), osc("d", port_of(b), tracks=quiet))
        engine.order(test_sink="c")
        message = OscMessage(a.recv(9000))
        assert message.address == "/remapd/32/hit"
        assert message.params[:2] == [1, 0.5]
        engine.order(test_sink="nobody")
        engine.order(test_sink="d")
        assert OscMessage(b.recv(9000)).params[0] == 1
        a.setblocking(False)
        with pytest.raises(BlockingIOError):
            a.recv(9000)


def test_panic_frees_the_group_of_supercollider(engine):
    with udp_receiver() as receiver:
        since = engine.sinks(osc("sc", port_of(receiver), form="supercollider", group=7, tracks=[32]))
        engine.await_sink("sc", since, state="open")
        engine.order(panic=True)
        message = OscMessage(receiver.recv(9000))
        assert (message.address, message.params) == ("/g_freeAll", [7])
        engine.order(test_sink="sc")
        assert OscBundle(receiver.recv(9000)).num_contents == 2
        engine.sinks()
        assert OscMessage(receiver.recv(9000)).address == "/g_freeAll"


def test_a_sink_that_does_not_fit_is_told_and_the_others_play(engine):
    with udp_receiver() as receiver:
        lost = {"id": "lost", "kind": "osc", "host": "somewhere"}
        since = engine.sinks({"id": "bad", "kind": "osc", "form": "vectr"}, lost, osc("a", port_of(receiver)))
        assert "vector" in engine.await_sink("bad", since, state="failed")["fault"]
        assert "resolved" in engine.await_sink("lost", since, state="failed")["fault"]
        number(receiver.recv(9000))


def test_a_plan_that_cannot_be_read_changes_nothing(engine):
    with udp_receiver() as receiver:
        engine.sinks(osc("a", port_of(receiver)))
        number(receiver.recv(9000))
        since = len(engine.reports)
        engine.plan.write_text("{")
        engine.order(sinks=str(engine.plan))
        assert "sinks" in engine.await_report("refused", since)
        engine.order(sinks="/nowhere/plan")
        engine.await_report("refused", since, lambda text: "nowhere" in text)
        number(receiver.recv(9000))


def test_it_ends_with_silence(tmp_path):
    with udp_receiver() as receiver:
        with EngineWithSinks(tmp_path, osc("a", port_of(receiver), form="supercollider", group=9)) as engine:
            assert OscBundle(receiver.recv(9000)).num_contents == 2
            engine.child.stop()
        last = b""
        receiver.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                last = receiver.recv(9000)
    message = OscMessage(last)
    assert (message.address, message.params) == ("/g_freeAll", [9])
    assert engine.child.end() == 0


def test_after_a_standstill_there_is_no_burst(engine):
    """The machine sleeps, or the process is stopped: what is older than half a second is not played."""
    with udp_receiver() as receiver:
        since = engine.sinks(osc("a", port_of(receiver)))
        number(receiver.recv(9000))
        os.kill(engine.child.pid, signal.SIGSTOP)
        time.sleep(2e-9 * STALE_NS)
        os.kill(engine.child.pid, signal.SIGCONT)
        resumed_s = time.monotonic()
        times = []
        while time.monotonic() - resumed_s < 5 * HIT_PERIOD_S:
            number(receiver.recv(9000))
            times.append(time.monotonic())
        assert len(times) <= 10
        engine.await_sink("a", since, state="open", sent=3)
