"""MIDI to real instruments on a JACK server of a test's own: ports that come and go, servers that end, silence."""

import os
import queue
import signal
import socket
import subprocess
import sys
import time

import pytest

from remapd.sinks.midi.child import MidiProcess
from tests.jack_pads import Pads
from tests.jack_server import JackServer, jack_server
from tests.midi_hits import hit_record

pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")

PATIENCE_S = 30.0
#: What has been away plays again within this, on a machine that is not busy; it is only reported.
AGAIN_S = 3.0
LONG_MS = 60000.0
NOTE = 38
PADS = {"kind": "midi", "port": "pads", "virtual": False}


@pytest.fixture
def server(monkeypatch):
    with jack_server() as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        yield server


@pytest.fixture
def careless_server(monkeypatch):
    """One that waits for no client, and so not for one that was killed; on a busy machine it loses messages."""
    with jack_server(arguments=["-r"]) as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        yield server


class Rig:
    """A real MIDI process and what it tells."""

    def __init__(self, **sink):
        self._lines = queue.Queue()
        self.midi = MidiProcess(self._lines.put)
        self.midi.start({"sinks": [PADS | sink]})

    def sink(self, **members):
        """Wait until a report has these members; returns it."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            if "sink" in line and line["sink"].items() >= members.items():
                return line["sink"]

    def hit(self, loudness=1.0, **fields):
        self.midi.socket.send(hit_record(loudness=loudness, **fields))

    def heard(self, pads):
        """Hit until the pads hear a note: what was sent before a JACK connection was in its graph is lost."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.hit()
            if any(message[0] & 0xF0 == 0x90 for message in pads.rest(0.1)):
                return
        raise AssertionError("nothing is heard")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.midi.stop(5.0)


def is_note(message):
    return message[0] & 0xF0 == 0x90


def test_controllers_come_before_each_note_and_each_note_ends(server):
    controls = [{"source": "velocity", "kind": "cc", "number": 20}]
    with Pads(server, "pads") as pads, Rig(controls=controls, note_length_ms=5.0) as rig:
        rig.sink(state="open", port="pads:in")
        rig.heard(pads)
        pads.messages.clear()
        for n in range(1, 21):
            rig.hit(loudness=n / 20)
            pads.until(lambda message: message[0] & 0xF0 == 0x80)
    assert [message[:2] for message in pads.messages] == [b"\xb9\x14", b"\x99\x26", b"\x89\x26"] * 20
    assert [message[2] for message in pads.messages[::3]] == [round(127 * n / 20) for n in range(1, 21)]


def test_other_programs_may_connect_to_a_port_of_ours(server):
    with Rig(port="drums", virtual=True) as rig:
        rig.sink(state="open", port="drums")
        with Pads(server, "pads", to=":drums") as pads:
            rig.heard(pads)


def test_an_instrument_that_is_started_again_plays_again_with_no_note_left_and_no_stale_burst(server):
    with Rig(note_length_ms=LONG_MS) as rig:
        with Pads(server, "pads") as pads:
            rig.sink(state="open")
            rig.heard(pads)
        rig.sink(state="waiting")
        for _ in range(20):
            rig.hit(loudness=0.2)
        rig.sink(dropped=20)
        with Pads(server, "pads") as pads:
            rig.sink(state="open")
            assert not any(is_note(message) for message in pads.rest(0.1))
            rig.heard(pads)
            rig.midi.stop(5.0)
            pads.rest()
            assert pads.sounding() == set()


def test_an_instrument_that_is_back_before_anybody_looked_is_connected_again(careless_server):
    """Its name is the same then, and only JACK's notice tells that it was away."""
    with Rig() as rig:
        for _ in range(3):
            with Pads(careless_server, "pads") as pads:
                rig.heard(pads)
                pads.kill()


#: An instrument that has a port before it is active: JACK connects nothing to it so far, and rtmidi does not say so.
STARTING = """
import ctypes, ctypes.util
jack = ctypes.CDLL(ctypes.util.find_library("jack"))
jack.jack_client_open.restype = jack.jack_port_register.restype = ctypes.c_void_p
client = ctypes.c_void_p(jack.jack_client_open(b"starting", 1, None))
jack.jack_port_register(client, b"midi", b"8 bit raw midi", ctypes.c_ulong(1), ctypes.c_ulong(0))
input()
jack.jack_activate(client)
input()
"""


def test_an_instrument_that_is_still_starting_is_connected_once_it_is_ready(server):
    with subprocess.Popen([sys.executable, "-c", STARTING], stdin=subprocess.PIPE, env=server.environment) as starting:
        try:
            with Rig(port="starting") as rig:
                rig.sink(state="failed", fault="JACK does not connect it yet")
                starting.stdin.write(b"\n")
                starting.stdin.flush()
                rig.sink(state="open")
        finally:
            starting.kill()


def test_a_server_that_is_killed_and_comes_back_is_played_on_again(server):
    with Rig(note_length_ms=LONG_MS) as rig:
        with Pads(server, "pads") as pads:
            rig.sink(state="open")
            rig.heard(pads)
            first = rig.midi.pid
            server.kill()
            rig.sink(state="waiting")
            for _ in range(20):
                rig.hit(loudness=0.2)
        again = JackServer(name=server.name)
        try:
            back_s = time.monotonic()
            with Pads(again, "pads") as pads:
                rig.sink(state="open")
                assert not any(is_note(message) for message in pads.rest(0.1))
                rig.heard(pads)
                print(f"played {time.monotonic() - back_s:.2f} s after the server was back (wanted: {AGAIN_S:g} s)")
                assert rig.midi.pid != first
                rig.midi.stop(5.0)
                pads.rest()
                assert pads.sounding() == set()
        finally:
            again.stop()


def test_a_process_that_is_killed_leaves_no_note_behind_when_the_next_one_plays(careless_server):
    with Pads(careless_server, "pads") as pads, Rig(note_length_ms=LONG_MS) as rig:
        rig.sink(state="open")
        rig.heard(pads)
        assert pads.sounding() == {(9, NOTE)}
        os.kill(rig.midi.pid, signal.SIGKILL)
        assert "started again" in rig.sink(state="waiting")["fault"]
        rig.sink(state="open")
        until_silent(pads)
        rig.heard(pads)


def until_silent(pads):
    while pads.sounding():
        pads.next()


def test_all_notes_end_for_certain(server):
    """What is sent last must have left rtmidi's ring before a port is closed."""
    with Pads(server, "pads") as pads:
        with Rig(note_length_ms=LONG_MS) as rig:
            rig.sink(state="open")
            rig.heard(pads)
            rig.midi.order({"panic": True})
            until_silent(pads)
            rig.heard(pads)
            rig.midi.order({"sinks": []})
            until_silent(pads)
            rig.midi.order({"sinks": [PADS | {"note_length_ms": LONG_MS}]})
            rig.heard(pads)
        until_silent(pads)


def test_notes_end_when_the_engine_is_gone(server):
    """However it went: its end of the socket is closed then."""
    with Pads(server, "pads") as pads, Rig(note_length_ms=LONG_MS) as rig:
        rig.sink(state="open")
        rig.heard(pads)
        rig.midi.socket.shutdown(socket.SHUT_RDWR)
        until_silent(pads)


def test_a_server_that_stands_still_is_not_waited_for(server):
    """rtmidi would spin for ever once its ring is full."""
    with Pads(server, "pads") as pads, Rig(note_length_ms=1.0) as rig:
        rig.sink(state="open")
        rig.heard(pads)
        server.process.send_signal(signal.SIGSTOP)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline:
                rig.hit()
                time.sleep(0.002)  # As fast as nobody plays.
                if not rig._lines.empty() and "takes no messages" in rig._lines.get().get("sink", {}).get("fault", ""):
                    break
        finally:
            server.process.send_signal(signal.SIGCONT)
        rig.sink(state="open")
        rig.heard(pads)
        pads.rest()
        assert pads.sounding() == set()


def test_without_a_server_all_wait(monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "remapd-test-none")
    with Rig() as rig:
        assert "no server is running" in rig.sink(state="waiting")["fault"]
