"""The TCP port: each connection is a peer, with the framing in which it begins."""

from __future__ import annotations

import asyncio
import logging

from remapd.control.controller import Controller
from remapd.control.osc.allowed import hearing
from remapd.control.osc.connection import NOBODY, Connection
from remapd.control.osc.counters import Counters
from remapd.control.osc.limits import TokenBucket
from remapd.control.osc.receiver import Receiver
from remapd.control.osc.settings import OscSettings

#: Connections that are taken in a second, and at once.
CONNECTIONS_PER_S = 20.0
CONNECTIONS_AT_ONCE = 40.0

_log = logging.getLogger("remapd.osc")


class TcpPort:
    """Listens on a TCP port.

    Parameters
    ----------
    controller : Controller
        Whose values are told.
    receiver : Receiver
        Takes the packets.
    settings : OscSettings
        Who is heard, how much and how many.
    counters : Counters
        Count what comes.
    """

    def __init__(self, controller: Controller, receiver: Receiver, settings: OscSettings, counters: Counters) -> None:
        self._controller, self._receiver, self._settings, self._counters = controller, receiver, settings, counters
        self._is_heard = hearing(settings.allow)
        self._connections: dict[Connection, None] = {}
        self._new = TokenBucket(CONNECTIONS_PER_S, CONNECTIONS_AT_ONCE)
        self._server: asyncio.Server | None = None

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def port(self) -> int | None:
        """The port; None while it is closed."""
        return self._address()[1]

    @property
    def host(self) -> str | None:
        """The address on which it listens; None while it is closed."""
        return self._address()[0]

    def _address(self) -> tuple[str, int] | tuple[None, None]:
        sockets = self._server.sockets if self._server is not None else ()
        return sockets[0].getsockname()[:2] if sockets else (None, None)

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        OSError
            If the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._settings.host, self._settings.tcp_port)

    async def stop(self) -> None:
        """End all connections and listen no more."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None

    def _connection(self) -> Connection:
        return Connection(
            self._controller, self._receiver, self._settings, self._counters, self._opened, self._connections.pop
        )

    def _opened(self, connection: Connection, transport: asyncio.Transport) -> bool:
        """Whether a connection may stay."""
        host = (transport.get_extra_info("peername") or NOBODY)[0]
        if not self._is_heard(host):
            self._counters.not_allowed += 1
            return False
        if not self._new.take() or not self._has_room():
            self._counters.turned_away += 1
            return False
        self._connections[connection] = None
        _log.debug("%s talks OSC over TCP", host)
        return True

    def _has_room(self) -> bool:
        """Whether there is room, if need be by the end of the oldest connection that never said anything."""
        if len(self._connections) < self._settings.connections:
            return True
        for connection in self._connections:
            if not connection.has_spoken:
                self._connections.pop(connection)
                connection.abort()
                return True
        return False
