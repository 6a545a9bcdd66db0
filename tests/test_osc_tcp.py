"""OSC over TCP: both framings, feedback, slow and bad peers; python-osc as the peer."""

import asyncio
import contextlib
import struct

import pytest
from pythonosc.tcp_client import SimpleTCPClient

from remapd.control.osc.connection import SEND_BUFFER_BYTES
from remapd.osc.codec import encode
from remapd.osc.framing import LengthFraming, SlipFraming
from tests.osc_peers import HOLD, PATIENCE_S, Changes, Mail, in_loop, osc_server

MUTE = "/track/1/mute"
FRAMINGS = [LengthFraming, SlipFraming]


class TcpClient:
    """A peer on TCP."""

    def __init__(self, framing, reader, writer):
        self.framing, self.reader, self.writer = framing(), reader, writer
        self.mail = Mail()
        self._task = asyncio.create_task(self._read())

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, server, framing=LengthFraming):
        client = cls(framing, *await asyncio.open_connection("127.0.0.1", server.tcp_port))
        try:
            yield client
        finally:
            client._task.cancel()
            client.writer.close()

    async def _read(self):
        while data := await self.reader.read(65536):
            for packet in self.framing.feed(data):
                self.mail.take(packet)

    def send(self, address, *arguments):
        self.writer.write(self.framing.frame(encode(address, arguments)))

    async def ended(self):
        """Return when the server has ended the connection."""
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(asyncio.shield(self._task), PATIENCE_S)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_who_connects_and_talks_is_told_everything_and_then_changes(framing):
    @in_loop
    async def check():
        async with osc_server() as (server, controller), TcpClient.open(server, framing) as client:
            client.send("/remapd/ping")
            wanted = {f"/remapd{path}" for path in controller.values()}
            while wanted:
                wanted.discard((await client.mail.next())[0])
            client.send(f"/remapd{HOLD}", 12.5)
            client.send("/remapd/ping", 1)
            await client.mail.next("/remapd/pong")
            assert controller.value(HOLD) == 12.5
            controller.set({MUTE: True})
            assert await client.mail.next(f"/remapd{MUTE}") == (True,)

    check()


@pytest.mark.parametrize("framing", FRAMINGS)
def test_frames_may_come_byte_by_byte(framing):
    @in_loop
    async def check():
        async with osc_server() as (server, controller), TcpClient.open(server, framing) as client:
            changes = Changes(controller)
            for byte in framing.frame(encode(f"/remapd{HOLD}", [12.5])):
                client.writer.write(bytes([byte]))
                await asyncio.sleep(0)
            assert await changes.of(HOLD) == 12.5

    check()


@pytest.mark.parametrize("mode", ["1.0", "1.1"])
def test_python_osc_sends_and_is_answered(mode):
    @in_loop
    async def check():
        async with osc_server() as (server, controller):
            changes = Changes(controller)

            def talk():
                with contextlib.closing(SimpleTCPClient("127.0.0.1", server.tcp_port, mode=mode)) as client:
                    client.send_message(f"/remapd{HOLD}", 21.5)
                    client.send_message("/remapd/ping", 5)
                    return [message.address for message in client.get_messages(1)]

            talking = asyncio.create_task(asyncio.to_thread(talk))
            assert await changes.of(HOLD) == 21.5
            assert "/remapd/pong" in await asyncio.wait_for(talking, PATIENCE_S)

    check()


@pytest.mark.parametrize(
    "stream",
    [b"GET / HTTP/1.1\r\n\r\n", struct.pack(">i", 70_000), struct.pack(">i", 8) + b"/a\0\0,\0\0\0" + b"\xff" * 4],
)
def test_what_is_no_osc_ends_the_connection(stream):
    @in_loop
    async def check():
        async with osc_server() as (server, _), TcpClient.open(server) as client:
            client.writer.write(stream)
            await client.ended()
            assert server.counters.malformed == 1
            assert server.counts()["connections"] == 0

    check()


@in_loop
async def test_a_packet_that_is_none_is_answered_and_the_next_is_done():
    async with osc_server() as (server, controller), TcpClient.open(server) as client:
        client.writer.write(LengthFraming.frame(b"nonsense"))
        client.send(f"/remapd{HOLD}", 12.5)
        assert (await client.mail.next("/remapd/error"))[0] == ""
        client.send("/remapd/ping")
        await client.mail.next("/remapd/pong")
        assert controller.value(HOLD) == 12.5


@in_loop
async def test_who_sends_too_much_is_read_more_slowly_and_loses_nothing():
    async with osc_server(rate_per_s=500) as (server, controller), TcpClient.open(server) as client:
        for number in range(1000):
            client.send(f"/remapd{HOLD}", number / 10.0)
        client.send("/remapd/ping", 99)
        assert await client.mail.next("/remapd/pong") == (99,)
        assert controller.value(HOLD) == 99.9
        assert server.counters.over_rate == 0


@in_loop
async def test_who_does_not_read_gets_the_latest_values_later():
    async with osc_server() as (server, controller):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.tcp_port, limit=1024)
        writer.write(LengthFraming.frame(encode("/remapd/ping")))
        (connection,) = await connections(server)
        connection._transport.set_write_buffer_limits(high=0)
        while not connection._is_slow:
            writer.write(LengthFraming.frame(encode("/remapd/snapshot")))
            await asyncio.sleep(0)
        for number in range(50):
            controller.set({HOLD: float(number)})
            await asyncio.sleep(0)
        assert connection._transport.get_write_buffer_size() < 4 * SEND_BUFFER_BYTES
        assert len(connection._peer.outbox) <= len(controller.tree)
        mail, framing = Mail(), LengthFraming()
        while (f"/remapd{HOLD}", (49.0,)) not in mail.messages:
            for packet in framing.feed(await asyncio.wait_for(reader.read(65536), PATIENCE_S)):
                mail.take(packet)
        writer.close()


@in_loop
async def test_who_does_not_read_at_all_is_left(monkeypatch):
    monkeypatch.setattr("remapd.control.osc.connection.STALLED_S", 0.1)
    async with osc_server() as (server, _):
        _, writer = await asyncio.open_connection("127.0.0.1", server.tcp_port, limit=1024)
        writer.write(LengthFraming.frame(encode("/remapd/ping")))
        (connection,) = await connections(server)
        connection._transport.set_write_buffer_limits(high=0)
        with contextlib.suppress(ConnectionError):
            while server.counts()["connections"]:
                writer.write(LengthFraming.frame(encode("/remapd/snapshot")))
                await asyncio.sleep(0.01)
        writer.close()


async def connections(server):
    """The server's connections, when there are some that have spoken."""
    while not server.counters.packets:
        await asyncio.sleep(0.01)
    return list(server._tcp._connections)


@in_loop
async def test_few_connections_and_the_silent_ones_make_room():
    async with osc_server(connections=2) as (server, _), contextlib.AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(TcpClient.open(server)) for _ in range(2)]
        talking = [await stack.enter_async_context(TcpClient.open(server)) for _ in range(2)]
        for client in talking:
            client.send("/remapd/ping")
            await client.mail.next("/remapd/pong")
        for client in silent:
            await client.ended()
        late = await stack.enter_async_context(TcpClient.open(server))
        await late.ended()
        assert server.counters.turned_away == 1
        talking[0].send("/remapd/ping", 2)
        assert await talking[0].mail.next("/remapd/pong") is not None


@in_loop
async def test_silence_ends_a_connection_if_it_is_to():
    async with osc_server(idle_s=0.1) as (server, controller), TcpClient.open(server) as client:
        client.send("/remapd/ping")
        await client.mail.next("/remapd/pong")
        await client.ended()
        assert len(controller.hub) == 0


@in_loop
async def test_peers_beyond_this_machine_are_not_let_in(monkeypatch):
    async with osc_server() as (server, _):
        monkeypatch.setattr(server._tcp, "_is_heard", lambda host: False)
        async with TcpClient.open(server) as client:
            await client.ended()
        assert server.counters.not_allowed == 1


@in_loop
async def test_a_connection_cannot_name_a_port():
    async with osc_server() as (server, _), TcpClient.open(server) as client:
        client.send("/remapd/subscribe", 9001)
        assert "no port" in (await client.mail.next("/remapd/error"))[1]


@in_loop
async def test_the_stop_ends_connections():
    async with contextlib.AsyncExitStack() as stack:
        async with osc_server() as (server, controller):
            client = await stack.enter_async_context(TcpClient.open(server))
            client.send("/remapd/ping")
            await client.mail.next("/remapd/pong")
        await client.ended()
        assert len(controller.hub) == 0
        await server.stop()  # Twice is once.
