"""The thread of the control plane's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")

#: Time that what serves clients gets to end.
_STOP_S = 10.0


class Service(Protocol):
    """What runs in the loop from its start to its end."""

    async def start(self) -> None:
        """Begin; what it raises ends the loop."""

    async def stop(self) -> None:
        """End; called also if `start` has failed halfway."""


class LoopThread:
    """Runs a service in a loop of its own.

    Parameters
    ----------
    service : Service
        What runs.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self._started: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def start(self) -> None:
        """Return when the service has started.

        Raises
        ------
        Exception
            What the service raised; then nothing runs.
        """
        self._thread.start()
        self._started.result()

    def stop(self) -> None:
        """Return when the service has stopped."""
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine in the loop and return what it returns, from any other thread."""
        assert self._loop is not None, "the loop has not been started"
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._service.start()
        except BaseException as error:
            await self._service.stop()
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        await self._end.wait()
        await self._service.stop()
