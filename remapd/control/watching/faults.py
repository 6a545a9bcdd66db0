"""Tells of late blocks soon after they happen, and not more often than anybody can read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from remapd.control.bulletin import Bulletin
from remapd.control.tasks import end_task
from remapd.engine.status import EngineStatus

PERIOD_S = 0.25


class FaultWatch:
    """Posts ``xrun`` with the number of new late blocks, and of all since the engine started.

    Parameters
    ----------
    status : callable
        Gives the engine's counts.
    bulletin : Bulletin
        Where it is told.
    """

    def __init__(self, status: Callable[[], EngineStatus], bulletin: Bulletin) -> None:
        self._status, self._bulletin = status, bulletin
        self._total = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch; what happened before is not told."""
        self._total = self._status().xruns
        self._task = asyncio.create_task(self._run(), name="faults")

    async def stop(self) -> None:
        """Watch no more."""
        task, self._task = self._task, None
        await end_task(task)

    def look(self) -> None:
        """Tell what is new; a count that fell is that of another engine."""
        total = self._status().xruns
        new = total - self._total if total >= self._total else total
        self._total = total
        if new:
            self._bulletin.post("xrun", {"new": new, "total": total})

    async def _run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(PERIOD_S)
