"""Words to the service manager that started this process, as ``sd_notify`` sends them; without one nothing is said."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from remapd.daemon.supervisor import State

#: Longest start of an engine that counts as progress: all is compiled anew on a slow machine.
LONGEST_START_S = 600.0
_STATUS = {"starting": "starting the engine", "waiting": "waiting for the audio device", "stopped": "no engine"}


class ServiceManager:
    """The other end of ``NOTIFY_SOCKET``.

    Parameters
    ----------
    environment : mapping
        Of this process.

    Attributes
    ----------
    watchdog_s : float or None
        Time in seconds within which it wants a sign of life, if it wants any from this process.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(environment) if self._address is not None else None

    def tell(self, **values: str | int) -> None:
        """Say something, such as ``READY=1`` or ``STATUS="playing"``; never waits, and a deaf manager does no harm."""
        if self._address is None:
            return
        text = "\n".join(f"{name}={' '.join(str(value).splitlines())}" for name, value in values.items())
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(text.encode(), self._address)


def _address(path: str) -> bytes | None:
    if not path.startswith(("/", "@")):
        return None
    return os.fsencode(f"\0{path[1:]}" if path.startswith("@") else path)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        period_us = int(environment.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return period_us / 1e6 if period_us > 0 else None


class Progress:
    """Whether the music goes on, or is at rest for a good reason.

    Parameters
    ----------
    state : callable
        How things stand with the engine.
    callbacks : callable
        How many blocks the engine has played, over all its lives.
    """

    def __init__(self, state: Callable[[], State], callbacks: Callable[[], int]) -> None:
        self._state, self._callbacks = state, callbacks
        self._seen = callbacks()
        self._starting_since_s: float | None = None

    def is_made(self, now_s: float) -> bool:
        """Whether there was progress since the last call, at time `now_s`."""
        callbacks, before = self._callbacks(), self._seen
        self._seen = callbacks
        state = self._state()
        if state != "starting":
            self._starting_since_s = None
        if state == "playing":
            return callbacks != before
        if state == "starting":
            self._starting_since_s = now_s if self._starting_since_s is None else self._starting_since_s
            return now_s - self._starting_since_s <= LONGEST_START_S
        return state == "waiting"


class SystemdWatch:
    """Says that the daemon is ready, how it is, and that it lives; in the control loop, so that this one must live too.

    Parameters
    ----------
    manager : ServiceManager
        Is told.
    progress : Progress
        Feeds the watchdog.
    """

    def __init__(self, manager: ServiceManager, progress: Progress) -> None:
        self._manager, self._progress = manager, progress
        self._task: asyncio.Task[None] | None = None

    def on_report(self, report: Mapping[str, Any]) -> None:
        """Take a report of the supervisor, in any thread, for the line of status."""
        if "playing" in report:
            stream = report["playing"]["stream"]
            way = f"{stream['input_name']} -> {stream['output_name']}"
            self._manager.tell(STATUS=f"playing: {way}, {stream['sample_rate']:g} Hz")
        elif report.get("state") in _STATUS:
            self._manager.tell(STATUS=_STATUS[report["state"]])

    async def start(self) -> None:
        """Say that the daemon is ready, and go on saying that it lives."""
        self._manager.tell(READY=1)
        if self._manager.watchdog_s is not None:
            self._task = asyncio.create_task(self._feed(self._manager.watchdog_s / 3.0), name="watchdog")

    async def stop(self) -> None:
        """Say that the daemon stops."""
        self._manager.tell(STOPPING=1)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _feed(self, period_s: float) -> None:
        while True:
            if self._progress.is_made(time.monotonic()):
                self._manager.tell(WATCHDOG=1)
            await asyncio.sleep(period_s)
