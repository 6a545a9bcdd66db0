"""A port that takes packets from anybody, one after the other, for a program that only looks at them."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from remapd.errors import FieldError, Told
from remapd.osc.decoding import MAX_PACKET_BYTES
from remapd.osc.framing import Framing, framing_of

#: Connections at once; more are turned away.
MAX_CONNECTIONS = 16
#: Packets that the system keeps while we are busy.
_BUFFER_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
# Linux tells with each packet how many it has dropped so far (SO_RXQ_OVFL), and when it came (SO_TIMESTAMPNS).
_TELL_DROPS, _TELL_TIME = (40, 35) if sys.platform == "linux" else (None, None)
_DROPS, _TIME = struct.Struct("I"), struct.Struct("ll")
_SPACE = socket.CMSG_SPACE(_DROPS.size) + socket.CMSG_SPACE(_TIME.size)


class Arrival(NamedTuple):
    """A packet that came, or why a connection ended.

    Parameters
    ----------
    source : str
        Address and port of the sender.
    data : bytes
        The packet.
    time_s : float
        When it came, as `time.time` has it.
    fault : str
        What was wrong with a stream whose packets cannot be told apart.
    """

    source: str
    data: bytes
    time_s: float
    fault: str = ""


class Listener:
    """Listens on a port until it is closed.

    Parameters
    ----------
    host : str
        Name or address of our own to listen on.
    port : int
        The port; 0 takes a free one.
    tcp : bool
        TCP, in either framing, in place of UDP.

    Raises
    ------
    FieldError
        If the address cannot be had.

    Attributes
    ----------
    dropped : int
        Packets that the system dropped because we were too slow, as far as it tells.
    """

    def __init__(self, host: str, port: int, tcp: bool = False) -> None:
        self.dropped = 0
        self._selector = selectors.DefaultSelector()
        self._socket = _bound(host, port, tcp)
        self._framings: dict[socket.socket, tuple[str, Framing | None]] = {}
        self._selector.register(self._socket, selectors.EVENT_READ, self._accept if tcp else self._receive)

    @property
    def address(self) -> str:
        """Address and port on which it listens."""
        return _shown(self._socket.getsockname())

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Listen no more."""
        for opened in (*self._framings, self._socket):
            opened.close()
        self._framings.clear()
        self._selector.close()

    def arrivals(self, timeout_s: float | None = None) -> Iterator[Arrival]:
        """Give what comes, for ever, or until nothing has come for `timeout_s`."""
        while ready := self._selector.select(timeout_s):
            for key, _ in ready:
                yield from key.data() if key.fileobj is self._socket else key.data(key.fileobj)

    def _receive(self) -> Iterator[Arrival]:
        # A port that nobody listens on may be told to us: of what we never sent, but not every system knows.
        with contextlib.suppress(BlockingIOError, ConnectionError):
            data, others, _, source = self._socket.recvmsg(MAX_PACKET_BYTES, _SPACE)
            told = {kind: content for level, kind, content in others if level == socket.SOL_SOCKET}
            if _TELL_DROPS in told:
                (self.dropped,) = _DROPS.unpack_from(told[_TELL_DROPS])
            yield Arrival(_shown(source), data, _time_s(told[_TELL_TIME]) if _TELL_TIME in told else time.time())

    def _accept(self) -> Iterator[Arrival]:
        with contextlib.suppress(OSError):
            connection, source = self._socket.accept()
            if len(self._framings) >= MAX_CONNECTIONS:
                connection.close()
                yield Arrival(_shown(source), b"", time.time(), f"turned away: there are {MAX_CONNECTIONS} connections")
                return
            connection.setblocking(False)
            self._framings[connection] = (_shown(source), None)
            self._selector.register(connection, selectors.EVENT_READ, self._read)

    def _read(self, connection: socket.socket) -> Iterator[Arrival]:
        source, framing = self._framings[connection]
        try:
            data = connection.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(connection)
            return
        try:
            framing = framing or framing_of(data[0])
            self._framings[connection] = (source, framing)
            for packet in framing.feed(data):
                yield Arrival(source, packet, time.time())
        except FieldError as error:
            self._end(connection)
            yield Arrival(source, data, time.time(), str(error))

    def _end(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._framings[connection]
        connection.close()


def _bound(host: str, port: int, tcp: bool) -> socket.socket:
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError):
        raise FieldError("host", "a name or address of this machine", host) from None
    opened = socket.socket(family, kind)
    try:
        _prepare(opened, tcp)
        opened.bind(address)
        if tcp:
            opened.listen()
    except OSError as error:
        opened.close()
        raise FieldError("port", f"one that can be had on {host}", Told(f"{port}: {error.strerror}")) from None
    return opened


def _prepare(opened: socket.socket, tcp: bool) -> None:
    opened.setblocking(False)
    if tcp:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    for option in (_TELL_DROPS, _TELL_TIME):
        if option is not None:
            opened.setsockopt(socket.SOL_SOCKET, option, 1)


def _time_s(content: bytes) -> float:
    """Time that the system has noted, in s."""
    seconds, nanoseconds = _TIME.unpack_from(content)
    return float(seconds) + 1e-9 * nanoseconds


def _shown(address: tuple[object, ...]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
