"""The UDP port: packets in, answers and feedback to whoever talks."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from typing import Any

from remapd.control.controller import Controller
from remapd.control.osc.allowed import hearing
from remapd.control.osc.counters import Counters
from remapd.control.osc.limits import TokenBucket
from remapd.control.osc.receiver import Receiver
from remapd.control.osc.settings import OscSettings
from remapd.control.osc.udp_peers import UdpPeer, UdpPeers
from remapd.osc.decoding import MAX_PACKET_BYTES

#: Time for the packets that are read in one turn of the loop.
TURN_S = 0.002
#: Packets that are read in a second, from everybody together; beyond it the system drops them.
PACKETS_PER_S = 20_000.0
#: Pause when there were more.
PAUSE_S = 0.01
#: Packets that the system keeps meanwhile.
BUFFER_BYTES = 1 << 20

# Linux tells with each packet how many it has dropped so far (SO_RXQ_OVFL).
_TELL_DROPS = 40 if sys.platform == "linux" else None


class UdpPort:
    """Listens on a UDP port.

    Parameters
    ----------
    controller : Controller
        Whose values are told.
    receiver : Receiver
        Takes the packets.
    settings : OscSettings
        Who is heard, how much and for how long.
    counters : Counters
        Count what comes.
    """

    def __init__(self, controller: Controller, receiver: Receiver, settings: OscSettings, counters: Counters) -> None:
        self._receiver, self._settings, self._counters = receiver, settings, counters
        self._is_heard = hearing(settings.allow)
        self.peers = UdpPeers(controller, receiver.post, settings, self._send, counters)
        self._packets = TokenBucket(PACKETS_PER_S, PACKETS_PER_S / 10.0)
        self._buffer = memoryview(bytearray(MAX_PACKET_BYTES))
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int | None:
        """The port; None while it is closed."""
        return self._socket.getsockname()[1] if self._socket is not None else None

    @property
    def host(self) -> str | None:
        """The address on which it listens; None while it is closed."""
        return self._socket.getsockname()[0] if self._socket is not None else None

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        OSError
            If the address cannot be had.
        """
        host, port = self._settings.host, self._settings.udp_port
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        self._socket = _bound(*found[0])
        self.peers.start()
        self._listen()

    async def stop(self) -> None:
        """Listen no more."""
        if self._socket is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self.peers.stop()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None

    def _listen(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        """Read what is there; if it is much, half of the time is left to others."""
        begun_s = time.monotonic()
        with self._receiver.turn():
            while time.monotonic() < begun_s + TURN_S:
                if self._packets.wait_s() > 0.0:
                    self._pause(PAUSE_S)
                    return
                if not self._read_one():
                    return
        self._pause(TURN_S)

    def _pause(self, pause_s: float) -> None:
        loop = asyncio.get_running_loop()
        assert self._socket is not None
        loop.remove_reader(self._socket)
        self._timer = loop.call_later(pause_s, self._listen)

    def _read_one(self) -> bool:
        """Read a packet; False if there is none."""
        assert self._socket is not None
        try:
            size, ancillary, _, address = self._socket.recvmsg_into([self._buffer], 64)
        except OSError:  # There is none; or an answer of ours was returned, which is no matter.
            return False
        self._packets.take()
        for _, kind, data in ancillary:
            if kind == _TELL_DROPS:
                self._counters.overflowed = int.from_bytes(data, sys.byteorder)
        if not self._is_heard(address[0]):
            self._counters.not_allowed += 1
            return True
        peer = self.peers.find(address)
        if peer.budget.wait_s() > 0.0:
            self._counters.over_rate += 1
        else:
            self._receiver.receive(bytes(self._buffer[:size]), peer)
        return True

    def _send(self, data: bytes, peer: UdpPeer) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(data, peer.target)
            self._counters.replies += 1
        except OSError:  # The system's buffer is full, or there is no way to the peer.
            self._counters.dropped_replies += 1


def _bound(family: int, kind: int, protocol: int, _: str, address: Any) -> socket.socket:
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        if _TELL_DROPS is not None:
            opened.setsockopt(socket.SOL_SOCKET, _TELL_DROPS, 1)
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    return opened
