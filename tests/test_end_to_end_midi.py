"""Hits of a drummer on JACK, out over MIDI: to FluidSynth, which is heard, and to pads that tell what comes in."""

import contextlib
import os
import signal
import time

import numpy as np
import pytest

from tests.jack_drummer import drummer
from tests.jack_pads import Pads
from tests.jack_server import JackServer, jack_server
from tests.jack_tape import Tape
from tests.service_run import drum_loop
from tests.soft_synths import fluidsynth, need
from tests.stage import FOLLOWS, Daemon, jack_environment, performance, play_until_in_time, steady_strokes

pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")

#: Notes of a sink that sound until they are ended.
LONG_MS = 5000.0


def to_fluid(daemon):
    """Add a sink to FluidSynth, whose profile moves its filter and decay before each note."""
    return daemon.add_sink(kind="midi", port="fluid:midi", profile="fluidsynth", instrument="SD")


def is_note_on(message):
    return message[0] & 0xF0 == 0x90 and message[2] > 0


def looped(folder):
    """Options of a daemon that needs no drummer."""
    return ["--backend", "virtual", "--input-file", drum_loop(folder), "--loop"]


def test_fluidsynth_follows_the_drummer_and_no_note_is_left(tmp_path):
    need("fluidsynth")
    piece = performance()
    with jack_server(period=512) as server, fluidsynth(server, tmp_path), Pads(server, "pads") as pads:
        with Daemon(tmp_path / "daemon", environment=jack_environment(server)) as daemon:
            daemon.await_status(lambda status: status["state"] == "playing")
            fluid = to_fluid(daemon)
            watched = daemon.add_sink(kind="midi", port="pads", note=40, note_length_ms=LONG_MS, choke=True)
            daemon.await_open(fluid, watched)
            takes, agreements = play_until_in_time(server, tmp_path, piece, "fluid:left")
            hits = daemon.await_hits(takes * len(piece.onsets_s))
            assert len(hits) == takes * len(piece.onsets_s)
            status = daemon.await_sink(fluid, lambda status: status["sent"] == len(hits))
            assert status["dropped"] == 0
            print("handed to the driver after the network's answer, us:", status["late_us"])
            pads.rest()
            assert len(pads.sounding()) == 1
            assert daemon.stop() == 0
        pads.rest()
        assert pads.sounding() == set()
        assert sum(map(is_note_on, pads.messages)) == len(hits)
    assert min(agreements) > FOLLOWS


def test_what_died_plays_again_when_it_is_back_the_synthesiser_and_then_the_server(tmp_path):
    need("fluidsynth")
    strokes = tmp_path / "strokes.npy"
    np.save(strokes, steady_strokes(60.0))
    # A server that waits for its clients would do so for one that is dead.
    with (
        jack_server(arguments=["-r"], period=256) as server,
        Daemon(tmp_path / "daemon", environment=jack_environment(server)) as daemon,
    ):
        daemon.await_status(lambda status: status["state"] == "playing")
        fluid, pads = to_fluid(daemon), daemon.add_sink(kind="midi", port="pads", note_length_ms=LONG_MS)
        with playing(server, strokes):
            for is_back in (False, True):
                with fluidsynth(server, tmp_path) as synth, Pads(server, "pads") as heard:
                    came_ns = time.monotonic_ns()
                    heard.until(is_note_on)
                    print(f"pads play {(heard.times_ns[-1] - came_ns) / 1e9:.2f} s after they are there")
                    check_no_burst(heard)
                    daemon.await_open(fluid, pads)
                    if is_back:
                        await_sound(server, tmp_path, "fluid:left")
                    synth.kill()
                    heard.kill()
                    daemon.await_sink(fluid, lambda status: status["state"] == "waiting")
        server.kill()
        again = JackServer(arguments=["-r"], period=256, name=server.name)
        try:
            with fluidsynth(again, tmp_path), Pads(again, "pads"):
                came_s = time.monotonic()
                daemon.await_open(pads)
                print(f"a sink is open again {time.monotonic() - came_s:.2f} s after server and receiver are back")
                daemon.await_status(lambda status: status["state"] == "playing")
                print(f"the engine plays again {time.monotonic() - came_s:.2f} s after them")
                daemon.await_open(fluid)
                with playing(again, strokes):
                    await_sound(again, tmp_path, "fluid:left")
            assert daemon.stop() == 0
        finally:
            again.stop()


@contextlib.contextmanager
def playing(server, strokes):
    """A drummer for the length of a block."""
    process = drummer(server, strokes)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def check_no_burst(pads):
    """What the drummer played meanwhile is not played late: notes come no closer than strokes."""
    pads.until(is_note_on)
    times = [ns for message, ns in zip(pads.messages, pads.times_ns, strict=True) if is_note_on(message)]
    assert np.diff(times).min() > 0.1e9


def await_sound(server, folder, source):
    """Listen until something sounds."""
    for _ in range(10):
        with Tape(server, folder, np.zeros(1), 1.0, "tape:in_0", source) as tape:
            if np.abs(tape.run()).max() > 1e-3:
                return
    raise AssertionError("nothing is heard")


def test_after_the_engine_died_no_note_hangs_and_its_successor_plays_on(tmp_path):
    with (
        jack_server(arguments=["-r"]) as server,
        Pads(server, "pads") as pads,
        Daemon(tmp_path / "daemon", *looped(tmp_path), environment=jack_environment(server)) as daemon,
    ):
        daemon.add_sink(kind="midi", port="pads", note_length_ms=10 * LONG_MS)
        pads.until(is_note_on)
        assert pads.sounding()
        os.kill(daemon.status()["engine"]["pid"], signal.SIGKILL)
        killed_ns = time.monotonic_ns()
        pads.until(lambda message: message[0] & 0xF0 == 0x80)
        assert pads.sounding() == set()
        print(f"the note ended {(pads.times_ns[-1] - killed_ns) / 1e6:.0f} ms after the engine")
        pads.until(is_note_on)
        print(f"the next one begins {(pads.times_ns[-1] - killed_ns) / 1e9:.2f} s after it")
