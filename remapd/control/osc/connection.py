"""One TCP connection: frames in, at the pace that we allow, and frames out, at the pace of the peer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import cast

from remapd.control.controller import Controller
from remapd.control.osc.counters import Counters
from remapd.control.osc.limits import TokenBucket
from remapd.control.osc.peer import Peer
from remapd.control.osc.receiver import Receiver
from remapd.control.osc.settings import OscSettings
from remapd.errors import FieldError
from remapd.osc.framing import Framing, framing_of

#: Time that the frames of one connection may take in one turn of the loop.
TURN_S = 0.002
#: Bytes that wait to be sent before the peer is held to be slow (the system holds as many again), and how long he
#: may be.
SEND_BUFFER_BYTES = 65_536
STALLED_S = 20.0
#: Least pause of a peer who has sent too much.
PAUSE_S = 0.01
#: Bytes that are taken at once.
CHUNK_BYTES = 16_384
#: Address of a peer that was gone before he was looked at.
NOBODY = ("::", 0)

Opened = Callable[["Connection", asyncio.Transport], bool]
Closed = Callable[["Connection", None], None]


class Connection(asyncio.BufferedProtocol):
    """A peer on TCP. He is not made to lose anything: who sends too much is read more slowly.

    Parameters
    ----------
    controller, receiver, settings, counters
        See `remapd.control.osc.tcp.TcpPort`.
    opened : callable
        Takes this and its transport; whether it may stay.
    closed : callable
        Takes this when it has ended.

    Attributes
    ----------
    has_spoken : bool
        Whether anything came.
    """

    def __init__(
        self,
        controller: Controller,
        receiver: Receiver,
        settings: OscSettings,
        counters: Counters,
        opened: Opened,
        closed: Closed,
    ) -> None:
        self._controller, self._receiver, self._counters = controller, receiver, counters
        self._idle_s, self._opened, self._closed = settings.idle_s, opened, closed
        self._budget = TokenBucket(settings.rate_per_s, settings.rate_per_s)
        self._buffer = memoryview(bytearray(CHUNK_BYTES))
        self._framing: Framing | None = None
        self._frames: Iterator[bytes] = iter(())
        self._timers: dict[str, asyncio.Handle] = {}
        self._is_slow = False
        self.has_spoken = False

    # -- what asyncio calls ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        source = ("osc/tcp", *(transport.get_extra_info("peername") or NOBODY)[:2])
        # Not every client takes bundles, and a stream needs none.
        self._peer = Peer(self._controller, self._receiver.post, source, self._send, self._budget, bundle_bytes=0)
        if not self._opened(self, self._transport):
            self.abort()
            return
        self._transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)
        opened = self._transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._expect()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where bytes are put."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes."""
        data = bytes(self._buffer[:nbytes])
        self._expect()
        try:
            if self._framing is None:
                self._framing = framing_of(data[0])
                self._greet()
        except FieldError:
            self._counters.malformed += 1
            self.abort()
            return
        self._frames = self._framing.feed(data)
        self._transport.pause_reading()
        self._work()

    def pause_writing(self) -> None:
        """Hold feedback back: the peer does not read what is sent."""
        self._is_slow = True
        self._peer.outbox.hold()
        self._set_timer("stalled", STALLED_S, self.abort)

    def resume_writing(self) -> None:
        """Go on with feedback."""
        self._is_slow = False
        self._cancel_timer("stalled")
        self._peer.outbox.release()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the peer."""
        for name in list(self._timers):
            self._cancel_timer(name)
        self._peer.unsubscribe()
        self._closed(self, None)

    # ----------------------------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def _greet(self) -> None:
        """Tell the peer everything, now that his framing is known."""
        self.has_spoken = True
        self._peer.subscribe()
        self._peer.outbox.put(self._controller.values())

    def _work(self) -> None:
        """Take in the frames that have come, with pauses for others; only then are more bytes read."""
        with self._receiver.turn():
            self._take_frames()

    def _take_frames(self) -> None:
        until_s = time.monotonic() + TURN_S
        while not self._transport.is_closing():
            wait_s = self._budget.wait_s()
            if wait_s > 0.0 or time.monotonic() > until_s:
                self._set_timer("work", max(wait_s, PAUSE_S) if wait_s else TURN_S, self._work)
                return
            try:
                frame = next(self._frames, None)
            except FieldError as error:
                self._counters.malformed += 1
                self._peer.refuse("", str(error))
                self._transport.close()
                return
            if frame is None:
                self._transport.resume_reading()
                return
            self._receiver.receive(frame, self._peer)

    def _send(self, data: bytes) -> None:
        if self._framing is None or self._is_slow or self._transport.is_closing():
            self._counters.dropped_replies += 1
            return
        self._transport.write(self._framing.frame(data))
        self._counters.replies += 1

    def _expect(self) -> None:
        """Wait for the next bytes, for as long as is allowed."""
        if self._idle_s > 0.0:
            self._set_timer("idle", self._idle_s, self.abort)

    def _set_timer(self, name: str, delay_s: float, then: Callable[[], None]) -> None:
        self._cancel_timer(name)
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, then)

    def _cancel_timer(self, name: str) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
