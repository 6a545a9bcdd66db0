"""Zeroconf: the daemon's ports are told to the networks on which they can be reached, under a name of their own.

Nothing is sent while every port is bound to loopback. What the networks are is looked up every few seconds, so that a
cable that is plugged in later, or a new address, is followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace

import ifaddr
from zeroconf import Error as ZeroconfError
from zeroconf import NonUniqueNameException, RecordUpdate, RecordUpdateListener, ServiceInfo, Zeroconf
from zeroconf._dns import DNSService
from zeroconf.asyncio import AsyncZeroconf

from remapd.control.discovery.announcements import (
    Announcement,
    Endpoint,
    announcements,
    instance_name,
    numbered,
    own_host_name,
)
from remapd.control.tasks import end_task

_log = logging.getLogger("remapd.discovery")

#: How often addresses and ports are looked at.
RESCAN_S = 5.0
_MOST_NAMES = 32
_GOODBYE_S = 2.0


def present_addresses() -> list[str]:
    """All addresses of this machine."""
    addresses = [address.ip for adapter in ifaddr.get_adapters() for address in adapter.ips]
    return [address if isinstance(address, str) else address[0] for address in addresses]


def open_responder(addresses: list[str]) -> AsyncZeroconf:
    """Responder on the interfaces that have these addresses, and on no other."""
    return AsyncZeroconf(interfaces=addresses)


class Discovery:
    """Announces endpoints for as long as it runs.

    Parameters
    ----------
    endpoints : callable
        Gives the ports that are open now.
    name : str
        Name to be found by; by default one made of the machine's.
    present, responder : callable
        Give the machine's addresses, and open what sends and answers on some of them.
    rescan_s : float
        Time between two looks at addresses and ports.

    Attributes
    ----------
    host_name : str
        Name of the machine's addresses (``remapd-on-stage-1f2e.local``), which HTTP requests may call it by.
    """

    def __init__(
        self,
        endpoints: Callable[[], Iterable[Endpoint]],
        name: str = "",
        present: Callable[[], list[str]] = present_addresses,
        responder: Callable[[list[str]], AsyncZeroconf] = open_responder,
        rescan_s: float = RESCAN_S,
    ) -> None:
        self._endpoints, self._present, self._open, self._rescan_s = endpoints, present, responder, rescan_s
        self._wanted = instance_name(name, socket.gethostname())
        self.host_name = own_host_name(self._wanted)
        self._number = 1
        self._told: tuple[Announcement, ...] = ()
        self._zeroconf: AsyncZeroconf | None = None
        self._services: list[ServiceInfo] = []
        self._clash = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Name under which it is found now; empty while nothing is announced."""
        return numbered(self._wanted, self._number) if self._told else ""

    @property
    def announced(self) -> tuple[Announcement, ...]:
        """What is announced now."""
        return self._told

    async def start(self) -> None:
        """Begin to look and to announce; returns at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="discovery")

    async def stop(self) -> None:
        """Take everything back."""
        if self._task is None:
            return
        await end_task(self._task)
        self._task = None
        await self._withdraw()

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (OSError, RuntimeError, ZeroconfError) as error:
                _log.warning("the network cannot be told of this daemon; it is tried again: %s", error)
                await self._withdraw()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._clash.wait(), self._rescan_s)

    async def _follow(self) -> None:
        """Announce what is there now, if that is not what is announced."""
        present, endpoints = await asyncio.to_thread(_look, self._present, list(self._endpoints()))
        wanted = announcements(endpoints, present)
        if self._clash.is_set():
            self._yield_name()
        elif wanted == self._told:
            return
        await self._withdraw()
        if wanted:
            await self._announce(wanted)

    async def _announce(self, wanted: tuple[Announcement, ...]) -> None:
        addresses = sorted({address for announcement in wanted for address in announcement.addresses})
        self._zeroconf = self._open(addresses)
        while not await self._take_name(self._zeroconf, wanted):
            self._number += 1
            if self._number > _MOST_NAMES:
                self._number = 1
                raise RuntimeError(f"{_MOST_NAMES} daemons are called {self._wanted}")
        self._told = wanted
        kinds = ", ".join(f"{a.endpoint.kind} on port {a.endpoint.port}" for a in wanted)
        _log.info("announced as %s at %s: %s", self.name, ", ".join(addresses), kinds)

    async def _take_name(self, zeroconf: AsyncZeroconf, wanted: tuple[Announcement, ...]) -> bool:
        """Announce all under the present name, or none of it if somebody has that name."""
        name = numbered(self._wanted, self._number)
        services = [announcement.service(name, self.host_name) for announcement in wanted]
        rivals = _Rivals({service.name: (f"{self.host_name}.", service.port or 0) for service in services}, self._clash)
        zeroconf.zeroconf.async_add_listener(rivals, None)
        self._services = services
        try:
            # The first one decides, so that of two that begin together one gets all.
            await zeroconf.async_register_service(services[0])
            await asyncio.gather(*map(zeroconf.async_register_service, services[1:]))
        except NonUniqueNameException:
            zeroconf.zeroconf.async_remove_listener(rivals)
            self._clash.clear()
            await zeroconf.async_unregister_all_services()
            return False
        return True

    def _yield_name(self) -> None:
        """Leave the name to its other owner: to say goodbye would take it from both."""
        self._clash.clear()
        self._number = self._number % _MOST_NAMES + 1
        if self._zeroconf is not None:
            self._zeroconf.zeroconf.registry.async_remove(self._services)

    async def _withdraw(self) -> None:
        self._told = ()
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is None:
            return
        try:
            await asyncio.wait_for(zeroconf.async_close(), _GOODBYE_S)
        except (OSError, TimeoutError, ZeroconfError) as error:
            _log.warning("the network may believe for a while that this daemon is there: %s", error)


def _look(present: Callable[[], list[str]], endpoints: list[Endpoint]) -> tuple[list[str], list[Endpoint]]:
    """Addresses that there are, and endpoints with addresses for names."""
    return present(), [replace(endpoint, host=_address_of(endpoint.host)) for endpoint in endpoints]


def _address_of(host: str) -> str:
    """Address to which a socket for `host` was bound; `host` itself if it has none."""
    with contextlib.suppress(OSError, UnicodeError):
        return str(socket.getaddrinfo(host, None)[0][4][0])
    return host


class _Rivals(RecordUpdateListener):
    """Sees others announce one of our names, as two do that looked for it at the same time; one of both must yield."""

    def __init__(self, ours: dict[str, tuple[str, int]], clash: asyncio.Event) -> None:
        self._ours = {name.lower(): place for name, place in ours.items()}
        self._clash = clash

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        for update in records:
            record = update.new
            if isinstance(record, DNSService) and record.ttl > 0:
                ours = self._ours.get(record.name.lower())
                # Both compare the same, so exactly one yields.
                if ours is not None and (record.server, record.port) < ours:
                    self._clash.set()
