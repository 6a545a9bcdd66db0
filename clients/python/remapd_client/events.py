"""Events over the WebSocket: connected again when the connection breaks, and what is missing is told."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from remapd_client.errors import ClientError, Problem, Refused, Unreachable
from remapd_client.messages import Gap, Message, message_from
from remapd_client.transport import PREFIX, Transport

#: Pauses between attempts to connect again.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
#: Largest message: all values of 32 tracks.
_MAX_BYTES = 1 << 24
#: With this code the service closes where it has no room; others of its refusals are for good.
_TRY_AGAIN = 1013
#: Longest wait for the service's own close.
_CLOSE_S = 1.0


class Events:
    """Iterator of what happens; a context manager that closes it.

    Parameters
    ----------
    transport : Transport
        Knows where the service is, and the token.
    topics : iterable of str
        What to be told: ``hits``, ``rejected``, ``meters``, ``changes``, ``jobs``...
    rate_hz : float, optional
        How often meters and signal come.
    reconnects : bool
        Whether a broken connection is made again, which a `Gap` then tells of; if not, the iteration ends.

    Attributes
    ----------
    client : str
        What the service calls us; a change with this in the header ``Remapd-Client`` is not told to us.

    Raises
    ------
    Unreachable
        If nobody answers at the start.
    Refused
        If topics or rate do not fit.
    """

    def __init__(
        self, transport: Transport, topics: Iterable[str], rate_hz: float | None = None, reconnects: bool = True
    ) -> None:
        query = f"topics={','.join(topics)}" + ("" if rate_hz is None else f"&rate_hz={rate_hz:g}")
        self._transport, self._reconnects = transport, reconnects
        self._place = transport.url.replace("http", "ws", 1) + f"{PREFIX}/events?{query}"
        self.client = ""
        self._holder = contextlib.ExitStack()
        self._closed = False
        self._broken_s: float | None = None
        self._pause_s = FIRST_PAUSE_S
        self._socket: ClientConnection | None = self._connected(None)

    def next(self, timeout_s: float | None = None) -> Message:
        """Wait for a message.

        Raises
        ------
        TimeoutError
            If none comes in time.
        Unreachable
            If the connection broke and is not made again.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if self._closed:
                raise Unreachable(f"{self._transport.url}: these events are closed")
            if self._socket is None:
                return self._again(deadline_s)
            try:
                return message_from(_object(self._socket.recv(_left_s(deadline_s))))
            except ConnectionClosed as error:
                self._lose(error)

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        try:
            return self.next()
        except Unreachable:
            raise StopIteration from None

    def close(self) -> None:
        """Be told no more."""
        self._closed = True
        self._holder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lose(self, error: ConnectionClosed) -> None:
        self._socket = None
        self._holder.close()
        if not self._reconnects:
            self._closed = True
        if self._closed:
            raise Unreachable(f"{self._transport.url} closed the connection: {error}") from error
        self._broken_s, self._pause_s = time.monotonic(), FIRST_PAUSE_S

    def _again(self, deadline_s: float | None) -> Gap:
        """Connect until it works; what is missing since then is a gap."""
        while not self._closed:
            try:
                self._socket = self._connected(_left_s(deadline_s))
            except Unreachable:
                left_s = _left_s(deadline_s)
                time.sleep(self._pause_s if left_s is None else min(self._pause_s, left_s))
                if left_s is not None and left_s <= self._pause_s:
                    raise TimeoutError(f"{self._transport.url} does not answer") from None
                self._pause_s = min(LONGEST_PAUSE_S, 2.0 * self._pause_s)
            else:
                assert self._broken_s is not None
                return Gap("connection", None, time.monotonic() - self._broken_s)
        raise Unreachable(f"{self._transport.url}: these events are closed")

    def _connected(self, timeout_s: float | None) -> ClientConnection:
        """Connect and be greeted."""
        patience_s = 10.0 if timeout_s is None else max(timeout_s, FIRST_PAUSE_S)
        try:
            socket = self._holder.enter_context(
                connect(
                    self._place,
                    additional_headers=self._transport.headers,
                    max_size=_MAX_BYTES,
                    open_timeout=patience_s,
                    close_timeout=_CLOSE_S,
                )
            )
        except InvalidStatus as error:
            raise _refusal(error) from error
        except (OSError, InvalidHandshake, InvalidMessage) as error:
            raise Unreachable(f"{self._transport.url} does not answer: {error}") from error
        try:
            hello = _object(socket.recv(patience_s))
        except (ConnectionClosed, TimeoutError) as error:
            self._holder.close()
            raise Unreachable(f"{self._transport.url} does not greet: {error}") from error
        if hello.get("type") == "error":
            raise self._not_wanted(socket, hello)
        self.client = str(hello.get("client", ""))
        return socket

    def _not_wanted(self, socket: ClientConnection, document: dict[str, Any]) -> ClientError:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            socket.recv(FIRST_PAUSE_S)
        self._holder.close()
        detail = str(document.get("detail", ""))
        is_full = socket.close_code == _TRY_AGAIN
        return Unreachable(detail) if is_full else Refused(detail, str(document.get("field", "")))


def _refusal(error: InvalidStatus) -> ClientError:
    answer = error.response
    with contextlib.suppress(ValueError):
        document = json.loads(answer.body or b"")
        if isinstance(document, dict):
            return Problem(answer.status_code, document)
    if answer.status_code >= 500:
        return Unreachable(f"the service answers {answer.status_code}")
    return Problem(answer.status_code, {})


def _object(text: str | bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        document = json.loads(text)
        if isinstance(document, dict):
            return document
    return {}


def _left_s(deadline_s: float | None) -> float | None:
    return None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
