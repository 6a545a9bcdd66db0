"""Hits of a drummer on JACK, out over OSC: to scsynth and Pure Data, which are heard, and to oscdump and captures."""

import numpy as np
import pytest
from pythonosc.osc_packet import OscPacket

from remapd.features.descriptors import FEATURES
from remapd.synth.registry import SYNTHS
from tests.jack_server import jack_server
from tests.liblo import Liblo
from tests.soft_synths import Program, await_udp, free_udp_port, need, pure_data, scsynth, store_definitions
from tests.stage import FOLLOWS, Daemon, Ear, hit_numbers, jack_environment, performance, play_until_in_time

LATENCY_MS = 25.0


def test_soft_synths_follow_the_drummer_and_every_hit_is_seen_once_and_in_order(tmp_path):
    need("sclang", "scsynth", "pd", "oscdump")
    store_definitions(tmp_path)
    piece = performance()
    to_sc, to_pd, to_dump = free_udp_port(), free_udp_port(), free_udp_port()
    with (
        jack_server(period=512) as server,
        scsynth(server, tmp_path, to_sc),
        pure_data(server, tmp_path, "remapd_drum.pd", to_pd),
        Program(tmp_path, "oscdump", "-L", to_dump, environment=server.environment) as dump,
        Ear() as ear,
        Daemon(tmp_path / "daemon", environment=jack_environment(server)) as daemon,
    ):
        await_udp(to_dump)
        daemon.await_status(lambda status: status["state"] == "playing")
        sinks = [
            daemon.add_sink(kind="osc", port=to_sc, form="supercollider", group=0),
            daemon.add_sink(kind="osc", port=to_pd, form="pd"),
            daemon.add_sink(kind="osc", port=to_dump),
            daemon.add_sink(kind="osc", port=ear.port, latency_ms=LATENCY_MS),
        ]
        daemon.await_open(*sinks)
        takes, agreements = play_until_in_time(server, tmp_path, piece, "SuperCollider:out_1", "pd:output_1")
        hits = daemon.await_hits(takes * len(piece.onsets_s))
        assert len(hits) == takes * len(piece.onsets_s)
        packets = ear.await_packets(len(hits))
        dump.await_text(f" {len(hits)} ")
        assert hit_numbers(dump.text()) == list(range(1, len(hits) + 1))
        counts = {key: (daemon.sink_status(key)["sent"], daemon.sink_status(key)["dropped"]) for key in sinks}
        assert counts == dict.fromkeys(sinks, (len(hits), 0))
    check_packets(packets, hits)
    assert min(agreements) > FOLLOWS


def check_packets(packets, hits):
    """Two other libraries read the same in them, and it is what the daemon says over HTTP."""
    assert len(packets) == len(hits)
    liblo = Liblo()
    try:
        for number, (data, hit) in enumerate(zip(packets, hits, strict=True), 1):
            ((tag, address, types, arguments),) = liblo.read(data)
            (timed,) = OscPacket(data).messages
            assert (timed.message.address, tuple(timed.message.params)) == (address, arguments)
            assert address == f"/remapd/{hit['track']}/hit"
            assert types == "i" + "f" * (len(arguments) - 1)
            assert tag > 1 << 32
            assert arguments[0] == number
            check_numbers(arguments[1:], hit)
    finally:
        liblo.close()


def check_numbers(numbers, hit):
    velocity, scaled, values = numbers[0], numbers[1 : 1 + len(FEATURES)], numbers[1 + len(FEATURES) :]
    assert velocity == pytest.approx(min(1.0, max(0.0, hit["scaled"][0])), abs=1e-6)
    assert scaled == pytest.approx(tuple(np.float32(hit["scaled"])))
    assert list(SYNTHS[hit["synth"]].table.names) == list(hit["values"])
    assert values == pytest.approx(tuple(np.float32(list(hit["values"].values()))))
