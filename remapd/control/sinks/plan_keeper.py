"""Keeps the plan of the engine like the list of sinks: names become addresses, the file is written, the engine told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from remapd.control.host import EngineHost
from remapd.control.sinks.names import Names, UnknownHostError, is_address
from remapd.control.tasks import end_task
from remapd.errors import BusyError, DeviceError, RemapdError
from remapd.sinks.plan_file import read_plan, write_plan

_log = logging.getLogger("remapd.sinks")

#: From a name that was not found, or a file that could not be written, until the next attempt: at first and at most.
RETRY_S, LONGEST_RETRY_S = 1.0, 30.0
#: Names that were found are looked up again this often, as a laptop comes back with another address.
REFRESH_S = 60.0

Documents = Sequence[Mapping[str, Any]]


class PlanKeeper:
    """Writes what the engine's sinks shall be, whenever that changes.

    Parameters
    ----------
    path : Path
        The file, which an engine that starts later reads.
    host : EngineHost
        Takes the order to read it.
    wanted : callable
        Gives the documents of all sinks that are enabled.
    names : Names
        Looks up hosts.
    unknown : callable
        Takes, after each attempt, why hosts have no address, by the name of the sink.
    trouble : callable
        Takes why the file cannot be written; an empty text when it can again.
    """

    def __init__(
        self,
        path: Path,
        host: EngineHost,
        wanted: Callable[[], Documents],
        names: Names,
        unknown: Callable[[Mapping[str, str]], None],
        trouble: Callable[[str], None],
    ) -> None:
        self.path = path
        self._host, self._wanted, self._names = host, wanted, names
        self._unknown, self._trouble = unknown, trouble
        self._addresses: dict[str, str] = {}
        self._written: Documents | None = None
        self._is_ordered = True
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write the plan, and from now on whenever it changes; an engine that plays already reads it if it is new."""
        with contextlib.suppress(RemapdError):
            self._written = await asyncio.to_thread(read_plan, self.path)
        # Addresses of the last time serve until a name server has others: it may be out of reach at the start.
        self._addresses = {sink["host"]: sink["resolved"][0] for sink in self._written or () if sink.get("resolved")}
        await self._write()
        self.touch()
        self._task = asyncio.create_task(self._keep(), name="sinks")

    async def stop(self) -> None:
        """Write no more."""
        task, self._task = self._task, None
        await end_task(task)

    def touch(self) -> None:
        """Note that the sinks are others."""
        self._changed.set()

    async def _keep(self) -> None:
        delay_s = RETRY_S
        while True:
            self._changed.clear()
            try:
                is_settled = await self._turn()
            except Exception:
                _log.exception("the plan of the sinks cannot be made")
                is_settled = False
            delay_s = RETRY_S if is_settled else min(2.0 * delay_s, LONGEST_RETRY_S)
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`, which forgets that it was cancelled if what it waits for comes at the same time.
                async with asyncio.timeout(REFRESH_S if is_settled else delay_s):
                    await self._changed.wait()

    async def _turn(self) -> bool:
        """Look up, write and order; whether all of it worked."""
        # What needs no name server does not wait for one.
        is_written = await self._write()
        hosts = {sink["host"] for sink in self._wanted() if "host" in sink and not is_address(sink["host"])}
        faults = dict(zip(hosts, await asyncio.gather(*map(self._look_up, hosts)), strict=True))
        missing = {host: fault for host, fault in faults.items() if host not in self._addresses}
        self._addresses = {host: address for host, address in self._addresses.items() if host in hosts}
        self._unknown({sink["id"]: missing[sink["host"]] for sink in self._wanted() if sink.get("host") in missing})
        return await self._write() and is_written and not missing

    async def _look_up(self, host: str) -> str:
        """Find the address of a host; returns why there is none. One that was found before stays until then."""
        try:
            self._addresses[host] = await self._names.address(host)
        except (UnknownHostError, BusyError) as error:
            return f"the name {host!r} is not found: {error}"
        return ""

    async def _write(self) -> bool:
        """Write what is known, unless it stands there, and have the engine read it; whether that worked."""
        plan = [resolved for sink in self._wanted() if (resolved := self._resolved(sink)) is not None]
        if plan != self._written:
            try:
                await asyncio.to_thread(write_plan, self.path, plan)
            except RemapdError as error:
                self._trouble(str(error))
                return False
            self._written, self._is_ordered = plan, False
            self._trouble("")
        if not self._is_ordered:
            self._is_ordered = self._order()
        return self._is_ordered

    def _resolved(self, sink: Mapping[str, Any]) -> dict[str, Any] | None:
        """The sink as the engine takes it; None while its host has no address."""
        if "host" not in sink:
            return dict(sink)
        host = sink["host"]
        address = host if is_address(host) else self._addresses.get(host)
        return None if address is None else {**sink, "resolved": [address, sink["port"]]}

    def _order(self) -> bool:
        try:
            self._host.order({"sinks": str(self.path)})
        except DeviceError:
            # Without an engine there is nobody to be told: the next one reads the file.
            return self._host.engine_pid is None
        return True
