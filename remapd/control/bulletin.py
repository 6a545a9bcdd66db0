"""News for whoever wants them: jobs, recordings, devices, late blocks, lines for people."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

_log = logging.getLogger("remapd.control")

Reader = Callable[[str, dict[str, Any]], None]


class Bulletin:
    """Hands each piece of news to all its readers, in the loop's thread.

    A reader must return at once; one that fails is logged and the others are served.
    """

    def __init__(self) -> None:
        self._readers: dict[object, Reader] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say in which loop readers are served, for news from other threads."""
        self._loop = loop

    def subscribe(self, reader: Reader) -> Callable[[], None]:
        """Call `reader` with kind and data of all news from now on; returns what ends that."""
        key = object()
        self._readers[key] = reader

        def end() -> None:
            self._readers.pop(key, None)

        return end

    def post(self, kind: str, data: dict[str, Any]) -> None:
        """Tell all readers."""
        for reader in list(self._readers.values()):
            try:
                reader(kind, data)
            except Exception:
                _log.exception("a reader of news failed on %s", kind)

    def post_from_thread(self, kind: str, data: dict[str, Any]) -> None:
        """Tell all readers, from any thread; what comes when there is no loop is nobody's news."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                self._loop.call_soon_threadsafe(self.post, kind, data)
