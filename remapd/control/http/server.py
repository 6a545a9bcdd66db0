"""The HTTP server: uvicorn in the loop that is there, with bounds on connections and on how long a request may take."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from remapd.control.http.policy import is_loopback
from remapd.errors import RemapdError

_log = logging.getLogger("remapd.http")

#: Time that requests under way and WebSockets get when the service stops.
_GRACE_S = 1
_HEAD_BYTES = 16 * 1024
#: More than this is not handed to the system before it can be sent.
_UNSENT_BYTES = 16 * 1024
#: Largest message that a WebSocket takes.
MAX_MESSAGE_BYTES = 64 * 1024
#: A WebSocket whose peer does not answer for this long is closed.
_PING_S = 20.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of what connections may take.

    Parameters
    ----------
    total, per_address : int
        Connections at a time, WebSockets included.
    head_s : float
        Time for the head of a request, from its first byte on, or from the start of the connection.
    stall_s : float
        Longest pause within a body, and of who does not read its answer.
    idle_s : float
        Time that a connection is kept after a request.
    """

    total: int = 256
    per_address: int = 128
    head_s: float = 10.0
    stall_s: float = 30.0
    idle_s: float = 30.0


class _GuardedProtocol(H11Protocol):
    """A connection that is refused when there are too many, and ended when its peer keeps it waiting."""

    limits = ConnectionLimits()
    on_refusal: Callable[[], None]
    _patience: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _waits_for_head = _is_websocket = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _send_what_is_new(transport)
        if self._is_too_many():
            self.on_refusal()
            transport.abort()
            return
        self._await_client()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        _cancel(self._unread)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_websocket:
            self._await_client()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self._unread)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        # From here on the WebSocket's own pings tell whether the peer is there.
        self._is_websocket = True
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def _is_too_many(self) -> bool:
        address = _address_of(self)
        same = sum(_address_of(other) == address for other in self.connections)
        return len(self.connections) > self.limits.total or same > self.limits.per_address

    def _await_client(self) -> None:
        """Give the peer its time: for a whole head once, for a body anew with each piece."""
        state = self.conn.their_state
        waits_for_head = state is h11.IDLE and (self.cycle is None or self.cycle.response_complete)
        if waits_for_head and self._waits_for_head and self._patience is not None:
            return
        self._stop_waiting()
        self._waits_for_head = waits_for_head
        if waits_for_head:
            self._patience = self.loop.call_later(self.limits.head_s, self._end_it)
        elif state is h11.SEND_BODY:
            self._patience = self.loop.call_later(self.limits.stall_s, self._end_it)

    def _stop_waiting(self) -> None:
        _cancel(self._patience)
        self._patience = None

    def _end_it(self) -> None:
        self._patience = None
        self.transport.abort()


def _send_what_is_new(transport: asyncio.Transport) -> None:
    """Let no answer wait for the peer's acknowledgement of its head, and little wait in the system's own buffer.

    The first takes 40 ms; the loop sees to it only for sockets that say which protocol they are of, and ours does not.
    What lies in the buffer can no longer give way to newer meters.
    """
    connection = transport.get_extra_info("socket")
    if connection is None:
        return
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _address_of(connection: object) -> str | None:
    client = getattr(connection, "client", None)
    return client[0] if client else None


class _Server(uvicorn.Server):
    """Leaves signals to the daemon, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


class HttpServer:
    """Serves an application until it is stopped.

    Parameters
    ----------
    app : ASGI application
        What is served.
    host : str
        Address to listen on.
    port : int
        Port; 0 takes one that is free.
    limits : ConnectionLimits
        Bounds of connections.

    Attributes
    ----------
    refused_connections : int
        How many there were too many of.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, limits: ConnectionLimits | None = None) -> None:
        self._app, self._limits = app, limits or ConnectionLimits()
        self.host, self.port = host, port
        self.refused_connections = 0
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; `port` is then the real one.

        Raises
        ------
        RemapdError
            If the address is not there or the port is taken.
        """
        listener = _listener(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._server = _Server(self._config())
        self._task = asyncio.create_task(self._server.serve([listener]), name="http")
        await self._server.listens.wait()
        _log.info("HTTP on %s", self.url)

    async def stop(self) -> None:
        """Close all connections and stop listening."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await asyncio.gather(self._task, return_exceptions=True)
        self._server = self._task = None

    @property
    def url(self) -> str:
        """Address for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._server.server_state.connections) if self._server is not None else 0

    @property
    def requests(self) -> int:
        """How many were answered since the start."""
        return self._server.server_state.total_requests if self._server is not None else 0

    def _count_refusal(self) -> None:
        self.refused_connections += 1

    def _config(self) -> uvicorn.Config:
        members = {"limits": self._limits, "on_refusal": staticmethod(self._count_refusal)}
        protocol = type("_Protocol", (_GuardedProtocol,), members)
        settings: dict[str, Any] = {
            "http": protocol,
            "ws": "auto",
            "ws_max_size": MAX_MESSAGE_BYTES,
            "ws_per_message_deflate": False,
            "ws_ping_interval": _PING_S,
            "ws_ping_timeout": _PING_S,
            "lifespan": "off",
            "log_config": None,
            # Its warnings are of what peers do wrong, as often as they like.
            "log_level": "error",
            "access_log": False,
            "server_header": False,
            # A name in these headers could be anybody's.
            "proxy_headers": False,
            "timeout_keep_alive": self._limits.idle_s,
            "timeout_graceful_shutdown": _GRACE_S,
            "h11_max_incomplete_event_size": _HEAD_BYTES,
        }
        return uvicorn.Config(self._app, **settings)


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        if not is_loopback(host):
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RemapdError(f"cannot listen on {host}, port {port} (http.host, http.port): {reason}") from None
