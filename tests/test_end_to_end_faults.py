"""Receivers that are away, stuck or unknown: the others get every hit, and whoever comes back gets no old ones."""

import contextlib
import itertools
import socket
import struct
import time

import pytest
from pythonosc.osc_packet import OscPacket

from tests.live_run import PATIENCE_S
from tests.service_run import drum_loop
from tests.soft_synths import Program, await_udp, free_udp_port, need
from tests.stage import Daemon, Ear, hit_numbers

#: Of the loop that is heard.
TIMES_S = tuple(0.1 + 0.2 * i for i in range(5))


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A daemon that hears a loop on many tracks."""
    folder = tmp_path_factory.mktemp("faults")
    options = ["--backend", "virtual", "--input-file", drum_loop(folder, TIMES_S), "--loop"]
    with Daemon(folder / "daemon", *options, *["--track", "1"] * 16) as daemon:
        yield daemon
        assert daemon.stop() == 0


@pytest.fixture
def daemon(running):
    """The daemon, without a sink before and after."""
    yield running
    assert running.http.put("/api/v1/sinks", json={"sinks": []}).status_code == 200


def number_of(packet):
    (timed,) = OscPacket(packet).messages
    return timed.message.params[0]


def is_without_gap(numbers):
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_listener_that_died_gets_hits_again_but_no_old_ones(daemon, tmp_path):
    need("oscdump")
    port = free_udp_port()
    with Ear() as ear:
        daemon.add_sink(kind="osc", port=ear.port, tracks=[1])
        daemon.add_sink(kind="osc", port=port, tracks=[1])
        for _ in range(2):
            before = number_of(ear.await_packets(len(ear.packets) + 3)[-1])
            with Program(tmp_path, "oscdump", "-L", port, environment=None) as dump:
                await_udp(port)
                came_s = time.monotonic()
                dump.await_text("/hit")
                print(f"heard again after {time.monotonic() - came_s:.2f} s")
                ear.await_packets(len(ear.packets) + 6)
                numbers = hit_numbers(dump.text())
                dump.kill()
            assert len(numbers) > 3
            assert is_without_gap(numbers)
            assert numbers[0] > before
        assert is_without_gap([number_of(packet) for _, packet in ear.packets])


class Peer:
    """A TCP port that a sink connects to."""

    def __init__(self, port=0, room=None):
        self.listener = socket.create_server(("127.0.0.1", port))
        if room:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.listener.settimeout(PATIENCE_S)
        self.port = self.listener.getsockname()[1]

    @contextlib.contextmanager
    def connection(self):
        connection, _ = self.listener.accept()
        with connection:
            connection.settimeout(PATIENCE_S)
            yield connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def read_packets(connection):
    """Packets of a connection, each behind its length."""
    with connection.makefile("rb") as stream:
        while head := stream.read(4):
            yield stream.read(*struct.unpack(">i", head))


def test_a_peer_on_tcp_that_hung_up_gets_hits_again_but_no_old_ones(daemon):
    with Ear() as ear, contextlib.ExitStack() as opened:
        daemon.add_sink(kind="osc", port=ear.port, tracks=[1])
        peer = opened.enter_context(Peer())
        sink = daemon.add_sink(kind="osc", transport="tcp", port=peer.port, tracks=[1])
        for _ in range(2):
            before = number_of(ear.await_packets(len(ear.packets) + 3)[-1])
            with peer.connection() as connection:
                numbers = [number_of(packet) for packet in itertools.islice(read_packets(connection), 4)]
            assert is_without_gap(numbers)
            assert numbers[0] > before - len(TIMES_S)
            peer.listener.close()
            daemon.await_sink(sink, lambda status: status["state"] == "waiting")
            peer = opened.enter_context(Peer(peer.port))
            came_s = time.monotonic()
            daemon.await_open(sink)
            print(f"connected again after {time.monotonic() - came_s:.2f} s")


def test_what_cannot_be_reached_is_told_and_the_others_get_every_hit(daemon):
    with Ear() as ear, Peer(room=4096) as stuck:
        good = daemon.add_sink(kind="osc", port=ear.port, tracks=[1])
        nowhere = daemon.add_sink(kind="osc", port=free_udp_port())
        unknown = daemon.add_sink(kind="midi", port="no such synth", virtual=False)
        answer = daemon.http.post("/api/v1/sinks", json={"kind": "osc", "host": "no-such-host.invalid"})
        assert 400 <= answer.status_code < 500
        assert "no-such-host.invalid" in answer.text
        long = [{"address": f"/{number}" + "/long" * 24, "arguments": ["hit"]} for number in range(50)]
        full = daemon.add_sink(kind="osc", transport="tcp", port=stuck.port, form="custom", messages=long)
        with stuck.connection():
            daemon.await_sink(full, lambda status: status["dropped"] > 0)
            ear.await_packets(len(ear.packets) + 5)
            assert daemon.sink_status(good)["dropped"] == 0
            assert daemon.await_sink(unknown, lambda status: status["fault"])["state"] != "open"
            print("nobody at the port:", daemon.sink_status(nowhere))
        assert is_without_gap([number_of(packet) for _, packet in ear.packets])


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--osc-out=127.0.0.1", "HOST:PORT"),
        ("--osc-out=127.0.0.1:9001=supercolider", "did you mean supercollider?"),
        ("--midi-out=x=roland-tr8s", "did you mean roland-tr-8s?"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_told_in_one_line(option, text):
    from click.testing import CliRunner

    from remapd.cli import main

    result = CliRunner().invoke(main, ["run", "--backend", "virtual", option])
    assert result.exit_code != 0
    assert text in result.output
