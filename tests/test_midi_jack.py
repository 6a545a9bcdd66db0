"""Real MIDI: knobs that are JACK clients of this process, and the reader's own process."""

import asyncio
import contextlib
import os
import signal

import pytest

from remapd.control.midi.messages import position_of
from remapd.control.midi.service import MidiInput
from tests.controllers import make_controller
from tests.jack_knobs import Knobs
from tests.jack_server import JackServer, jack_server
from tests.test_controller import Ear

rtmidi = pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")

GAIN = "/track/1/gain_db"
PATIENCE_S = 30.0


@pytest.fixture
def server(monkeypatch):
    with jack_server() as server:
        for name in ("JACK_DEFAULT_SERVER", "JACK_NO_AUDIO_RESERVATION"):
            monkeypatch.setenv(name, server.environment[name])
        yield server


class Rig:
    """MIDI in with its real reader, on a real controller."""

    def __init__(self, *ports, virtual_port="remapd"):
        self.controller = make_controller()
        self.midi = MidiInput(self.controller, self.controller._bulletin, True, virtual_port, ports)
        self.midi.mappings.add({"path": GAIN, "source": {"kind": "cc", "number": 70}})
        self.ear = Ear(self.controller)
        self._news = asyncio.Event()
        self.controller._bulletin.subscribe(lambda kind, data: self._news.set())

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_open(self, *parts):
        """Ports are open whose names have these parts, and no others."""
        await self.until(
            lambda: (
                len(self.midi.ports.open) == len(parts)
                and all(any(part in name for name in self.midi.ports.open) for part in parts)
            )
        )

    async def until_learnt(self, knobs, *messages):
        """Turn the knob, and again where a JACK server that has just joined the ports loses the first turn."""
        while self.midi.learning.is_waiting:
            await asyncio.to_thread(knobs.send, *messages)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.until(lambda: not self.midi.learning.is_waiting)

    async def heard(self, knobs, value, again_s=2.0):
        """Turn the knob, and again after a while, until the control follows."""
        wanted = self.controller.tree[GAIN].from_position(position_of(value, 7))
        async with asyncio.timeout(PATIENCE_S):
            while self.controller.value(GAIN) != wanted:
                await asyncio.to_thread(knobs.send, (0xB0, 70, value))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(again_s):
                        while self.controller.value(GAIN) != wanted:
                            await self.ear.next()

    async def __aenter__(self):
        await self.midi.start()
        return self

    async def __aexit__(self, *_):
        await self.midi.stop()


async def plug(server, name, to=""):
    return await asyncio.to_thread(Knobs, server, name, to)


@pytest.fixture
def in_jack(server):
    """Runs a coroutine function with the server."""
    return lambda test: asyncio.run(test(server))


def test_knobs_may_be_connected_to_our_own_port(in_jack):
    async def test(server):
        async with Rig() as rig:
            await rig.until_open("remapd")
            assert (rig.midi.ports.interface, rig.midi.ports.virtual) == ("Jack", "remapd")
            with await plug(server, "knobs", to="remapd-midi:remapd") as knobs:
                await rig.heard(knobs, 127)
                await rig.heard(knobs, 0)

    in_jack(test)


def test_a_wanted_port_that_goes_and_comes_back_is_heard_again(in_jack):
    async def test(server):
        async with Rig("KNOBS", virtual_port="") as rig:
            await rig.until(lambda: rig.midi.ports.interface)
            assert rig.midi.ports.open == []
            for value in (127, 0):
                with await plug(server, "knobs-1") as knobs, await plug(server, "other"):
                    await rig.until_open("knobs-1")
                    await rig.heard(knobs, value)
                await rig.until_open()

    in_jack(test)


def test_learning_from_a_real_knob(in_jack):
    async def test(server):
        async with Rig("knobs") as rig:
            with await plug(server, "knobs-1") as knobs:
                await rig.until_open("remapd", "knobs-1")
                rig.midi.learning.begin({"path": "/track/1/pan"})
                await rig.until_learnt(knobs, (0xB2, 7, 3), (0xB2, 39, 4))
        (source,) = [m.source for m in rig.midi.mappings if m.path == "/track/1/pan"]
        assert (source.kind, source.number, source.channel) == ("cc14", 7, 3)
        assert "knobs-1" in source.port

    in_jack(test)


def test_every_message_of_a_fast_hand_is_heard(in_jack):
    """No faster than a cable allows: 1000 messages, sent one by one."""

    async def test(server):
        async with Rig() as rig:
            await rig.until_open("remapd")
            with await plug(server, "knobs", to="remapd-midi:remapd") as knobs:
                await asyncio.to_thread(knobs.send, *[(0xB0, 71, n % 128) for n in range(999)])
                await rig.heard(knobs, 127, again_s=PATIENCE_S)
            assert rig.midi.counts["messages"] == 1000
            assert rig.midi.counts["overflows"] == 0

    in_jack(test)


def test_a_reader_that_is_killed_is_followed_by_another(monkeypatch):
    async def test(server):
        async with Rig() as rig:
            await rig.until_open("remapd")
            first = rig.midi._reader.pid
            os.kill(first, signal.SIGKILL)
            await rig.until(lambda: not rig.midi.ports.open)
            await rig.until_open("remapd")
            assert rig.midi._reader.pid != first
            with await plug(server, "knobs", to=":remapd") as knobs:
                await rig.heard(knobs, 127)

    # A server that waits for its clients would do so for one that is dead.
    with jack_server(arguments=["-r"]) as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        asyncio.run(test(server))


def test_a_server_that_ends_and_comes_back_is_joined_again(monkeypatch):
    async def test(server):
        async with Rig() as rig:
            await rig.until_open("remapd")
            await asyncio.to_thread(server.kill)
            await rig.until(lambda: not rig.midi.ports.open)
            assert "JACK" in rig.midi.ports.fault
            again = await asyncio.to_thread(JackServer, name=server.name)
            try:
                await rig.until_open("remapd")
                with await plug(again, "knobs", to="remapd-midi:remapd") as knobs:
                    await rig.heard(knobs, 127)
            finally:
                await asyncio.to_thread(again.stop)

    with jack_server() as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        asyncio.run(test(server))


def test_without_a_server_it_says_so_and_the_rest_goes_on(monkeypatch):
    async def test():
        async with Rig() as rig:
            await rig.until(lambda: rig.midi.ports.fault)
            assert "Jack: " in rig.midi.ports.fault
            rig.controller.set({GAIN: 1.0})

    monkeypatch.setenv("JACK_DEFAULT_SERVER", "remapd-test-none")
    asyncio.run(test())
