"""Addresses of hosts by their names, looked up off the loop.

A name server may take as long as it likes: each lookup has a thread of its own, which nobody waits for at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable

from remapd.errors import BusyError, RemapdError

#: A name that is not found within this time counts as unknown for now.
PATIENCE_S = 3.0
#: Names that are looked up at a time; one that hangs keeps its place until the system gives up.
MAX_LOOKUPS = 16

Lookup = Callable[[str], str]


class UnknownHostError(RemapdError):
    """A name that has no address at the moment; the text says why."""


def lookup(host: str) -> str:
    """Address of a host as the system knows it; IPv4 where there is one, as most that listen to OSC have no other.

    Raises
    ------
    UnknownHostError
        If there is none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no name of a host"
        raise UnknownHostError(reason or "it is not known") from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0])


class Names:
    """Looks names up.

    Parameters
    ----------
    find : callable
        Gives the address of a name, or raises `UnknownHostError`; called in a thread.
    patience_s : float
        Longest time in seconds for it.
    """

    def __init__(self, find: Lookup = lookup, patience_s: float = PATIENCE_S) -> None:
        self._find, self._patience_s = find, patience_s
        self._under_way: set[object] = set()

    async def address(self, host: str) -> str:
        """Address of a host; one that is an address already is given back at once.

        Raises
        ------
        UnknownHostError
            If there is none, or none in time.
        BusyError
            If too many are looked up already.
        """
        if is_address(host):
            return host
        if len(self._under_way) >= MAX_LOOKUPS:
            raise BusyError("too many names of hosts are looked up at the same time")
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._begin(host)
        except TimeoutError:
            raise UnknownHostError("the name server does not answer") from None

    def _begin(self, host: str) -> asyncio.Future[str]:
        loop, key = asyncio.get_running_loop(), object()
        answer: asyncio.Future[str] = loop.create_future()
        self._under_way.add(key)

        def settle(address: str, error: UnknownHostError | None) -> None:
            self._under_way.discard(key)
            if answer.done():
                return
            if error is None:
                answer.set_result(address)
            else:
                answer.set_exception(error)

        def find() -> None:
            address, error = "", None
            try:
                address = self._find(host)
            except UnknownHostError as unknown:
                error = unknown
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                loop.call_soon_threadsafe(settle, address, error)

        threading.Thread(target=find, name="name lookup", daemon=True).start()
        return answer


def is_address(host: str) -> bool:
    """Whether a host is given by its address, so that there is nothing to look up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
