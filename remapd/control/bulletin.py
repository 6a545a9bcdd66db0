"""News for whoever wants them: jobs, recordings, devices, late blocks, lines for people."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from remapd.control.readers import Readers

Reader = Callable[[str, dict[str, Any]], None]


class Bulletin:
    """Hands each piece of news to all its readers, in the loop's thread.

    A reader must return at once; one that fails is logged and the others are served.
    """

    def __init__(self) -> None:
        self._readers: Readers[str, dict[str, Any]] = Readers()
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say in which loop readers are served, for news from other threads."""
        self._loop = loop

    def subscribe(self, reader: Reader) -> Callable[[], None]:
        """Call `reader` with kind and data of all news from now on; returns what ends that."""
        return self._readers.add(reader)

    def post(self, kind: str, data: dict[str, Any]) -> None:
        """Tell all readers."""
        self._readers.tell(kind, data)

    def post_from_thread(self, kind: str, data: dict[str, Any]) -> None:
        """Tell all readers, from any thread; what comes when there is no loop is nobody's news."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                self._loop.call_soon_threadsafe(self.post, kind, data)
