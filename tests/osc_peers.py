"""A running OSC server for tests, and peers that talk to it."""

import asyncio
import contextlib
import functools

from pythonosc.osc_packet import OscPacket

from remapd.control.osc.server import OscServer
from remapd.control.settings.sections import OscSection
from remapd.osc.codec import Message, decode, encode
from tests.controllers import make_controller

HOLD = "/track/1/onset/hold_ms"
PATIENCE_S = 10.0


def in_loop(test):
    """Run a test in a loop of its own."""

    @functools.wraps(test)
    def run(*arguments, **fixtures):
        asyncio.run(test(*arguments, **fixtures))

    return run


@contextlib.asynccontextmanager
async def osc_server(controller=None, **settings):
    """A server on free ports, and its controller."""
    controller = controller or make_controller()
    server = OscServer(controller, OscSection(**{"udp_port": 0, "tcp_port": 0, **settings}))
    await server.start()
    try:
        yield server, controller
    finally:
        await server.stop()


class Mail:
    """Packets that came, as messages; waits for those that are looked for."""

    def __init__(self):
        self.packets, self.messages, self._came = [], [], asyncio.Event()

    def take(self, data):
        # Read by python-osc, so that what is sent is checked by somebody else's eyes.
        for timed in OscPacket(data).messages:
            self.messages.append((timed.message.address, tuple(timed.message.params)))
        self.packets.append(data)
        self._came.set()

    async def next(self, address=None):
        """The arguments of the next message, or of the next to an address."""
        while True:
            for index, (found, arguments) in enumerate(self.messages):
                if address in (None, found):
                    del self.messages[: index + 1]
                    return arguments if address else (found, arguments)
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), PATIENCE_S)

    def addresses(self):
        return [address for address, _ in self.messages]


class UdpClient(asyncio.DatagramProtocol):
    """A peer on UDP with a port of its own."""

    def __init__(self):
        self.mail = Mail()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, server):
        loop = asyncio.get_running_loop()
        transport, client = await loop.create_datagram_endpoint(cls, ("127.0.0.1", 0))
        client.transport, client.server = transport, ("127.0.0.1", server.udp_port)
        try:
            yield client
        finally:
            transport.close()

    @property
    def port(self):
        return self.transport.get_extra_info("sockname")[1]

    def datagram_received(self, data, address):
        self.mail.take(data)

    def send(self, address, *arguments):
        self.send_raw(encode(address, arguments))

    def send_raw(self, data):
        self.transport.sendto(data, self.server)

    async def settle(self):
        """Return when everything sent so far has been handled."""
        self.send("/remapd/ping", self.port)
        while await self.mail.next("/remapd/pong") != (self.port,):
            pass


class Changes:
    """Somebody who watches the controller."""

    def __init__(self, controller):
        self._values, self._came = {}, asyncio.Event()
        self.times = {}
        self.subscription = controller.hub.subscribe(self._take, rate_hz=10000.0)

    def _take(self, values):
        self._values |= values
        self.times |= dict.fromkeys(values, asyncio.get_running_loop().time())
        self._came.set()

    async def of(self, path):
        """The next change of a path that has not been asked for yet."""
        while path not in self._values:
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), PATIENCE_S)
        return self._values.pop(path)


class FakeSender:
    """Sends packets by other means, and keeps the answers."""

    def __init__(self, server, source="guest"):
        self.server, self.source, self.answers = server, source, []

    def send(self, address, *arguments):
        self.send_raw(encode(address, arguments))

    def send_raw(self, data):
        self.server.receive(data, self.source, self.answers.append)

    def messages(self):
        """Answers so far, without those that were asked for already."""
        answers, self.answers[:] = [decode(data) for data in self.answers], []
        return [m for packet in answers for m in _messages(packet)]


def _messages(packet):
    return [packet] if isinstance(packet, Message) else [m for e in packet.elements for m in _messages(e)]
