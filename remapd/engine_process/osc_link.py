"""The way to the receiver of an OSC sink: a socket that is opened, looked at, and opened anew when it ended."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import sys
import time
from collections.abc import Callable

from remapd.errors import FieldError
from remapd.sinks.osc.sink import OscSink
from remapd.sinks.wire.counts import Counts
from remapd.sinks.wire.native.layout import Framing

FRAMINGS = {"udp": Framing.DATAGRAM, "tcp": Framing.LENGTH, "tcp-slip": Framing.SLIP}
#: A connection on the same machine is there at once; for others the next look has to do.
_CONNECT_S = 0.005
#: What waits for a receiver that does not read: it must not play old hits when it does again.
_BACKLOG_BYTES = 16384
_STREAM_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_SNDBUF, _BACKLOG_BYTES),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]
if sys.platform == "linux":  # A receiver that went without a word is noticed within seconds.
    _STREAM_OPTIONS += [
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1500),
    ]
#: Time for a connection to another machine; the system would try for minutes, ever more seldom.
CONNECT_LIMIT_S = 2.0
#: What a receiver says to us is read so that it does not jam, and forgotten.
_FORGET_BYTES = 65536
_FORGET_TIMES = 16
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)

Address = tuple[str, int]


class OscLink:
    """A socket to one receiver; never waits.

    Parameters
    ----------
    sink : OscSink
        Whose.
    address : (str, int)
        Address and port of its receiver.

    Attributes
    ----------
    socket : socket.socket or None
        Connected; None while there is none. Another one, or none, after a `look` that says so.
    state : {"open", "waiting"}
        Whether it can send, as far as is known.
    fault : str
        Why it cannot.
    refused : int
        Datagrams at whose port nobody listened, of which only this object has heard.

    Raises
    ------
    FieldError
        If that is no address.
    """

    def __init__(self, sink: OscSink, address: Address) -> None:
        self.framing = FRAMINGS[sink.transport]
        self._address = address
        #: Family and address as the system wants them, the zone of IPv6 among them.
        try:
            found = socket.getaddrinfo(*address, flags=socket.AI_NUMERICHOST)[0]
        except (OSError, ValueError):
            raise FieldError("resolved", "the address of a host", address[0]) from None
        self._family, self._place = found[0], found[4]
        self._is_stream = sink.transport != "udp"
        self.socket: socket.socket | None = None
        self.state, self.fault, self.refused = "waiting", "", 0
        self._connecting: socket.socket | None = None
        self._begun_s = 0.0
        self._seen = Counts()
        self.look(Counts())

    def is_for(self, sink: OscSink, address: Address) -> bool:
        """Whether it leads where the sink sends to, in the same way."""
        return self._address == address and self.framing == FRAMINGS[sink.transport]

    def look(self, counts: Counts) -> Callable[[], None] | None:
        """See how things are and go on with a connection; called a few times a second.

        Parameters
        ----------
        counts : Counts
            What became of its packets so far.

        Returns
        -------
        callable or None
            If `socket` is another one now, or none: to be called once nobody uses the one before.
        """
        before = self.socket
        try:
            if self.socket is None:
                self._connect()
            elif self._is_stream:
                self._look_at_stream(counts)
            else:
                self._look_at_datagrams(counts)
        except OSError as error:
            self._lose(_reason(error))
        self._seen = counts
        if self.socket is before:
            return None
        return before.close if before is not None else lambda: None

    def _connect(self) -> None:
        connecting = self._connecting
        if connecting is None:
            self._begun_s = time.monotonic()
            connecting = self._connecting = _new_socket(self._family, self._is_stream)
            code = connecting.connect_ex(self._place)
            if code not in (0, *_UNDER_WAY):
                raise OSError(code, os.strerror(code))
        if not select.select([], [connecting], [], _CONNECT_S)[1]:
            self.state, self.fault = "waiting", "the receiver does not answer"
            if time.monotonic() - self._begun_s > CONNECT_LIMIT_S:
                self._lose(self.fault)
            return
        if code := connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, os.strerror(code))
        self.socket, self._connecting = connecting, None
        self.state, self.fault = "open", ""

    def _look_at_stream(self, counts: Counts) -> None:
        assert self.socket is not None
        if counts.is_broken:
            raise OSError(0, counts.fault)
        with contextlib.suppress(BlockingIOError):
            for _ in range(_FORGET_TIMES):
                if not self.socket.recv(_FORGET_BYTES):
                    raise ConnectionResetError(0, "the receiver has closed the connection")

    def _look_at_datagrams(self, counts: Counts) -> None:
        """Nobody listens if that was said of the last packets; the next one may be heard again."""
        assert self.socket is not None
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.refused += code == errno.ECONNREFUSED
        if code == errno.ECONNREFUSED or counts.refused > self._seen.refused:
            self.state, self.fault = "waiting", "nobody listens at this port"
        elif counts.failed > self._seen.failed:
            # Perhaps our own address is another one now, to which a new socket is bound.
            self._lose(counts.fault)
            self._connect()
            return
        elif counts.sent > self._seen.sent:
            self.state, self.fault = "open", ""
        with contextlib.suppress(OSError):
            for _ in range(_FORGET_TIMES):
                self.socket.recv(_FORGET_BYTES)

    def _lose(self, fault: str) -> None:
        """Have no socket for now; the one there was is closed by whoever asked for the look."""
        if self._connecting is not None:
            self._connecting.close()
        self.socket = self._connecting = None
        self.state, self.fault = "waiting", fault

    def close(self) -> None:
        """Let go of the receiver; nobody may use the socket any more."""
        for one in (self.socket, self._connecting):
            if one is not None:
                one.close()
        self.socket = self._connecting = None


def _new_socket(family: int, is_stream: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM if is_stream else socket.SOCK_DGRAM)
    made.setblocking(False)
    if is_stream:
        for level, option, value in _STREAM_OPTIONS:
            made.setsockopt(level, option, value)
    else:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return made


def _reason(error: OSError) -> str:
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]
