"""Notices models and presets that change on disk, and tells the loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from watchfiles import awatch

from remapd.control.bulletin import Bulletin
from remapd.control.store.library import Library
from remapd.control.store.library_entry import LibraryChange
from remapd.errors import StorageError
from remapd.files import make_folder

_log = logging.getLogger("remapd.library")
# It tells of each change in words of its own.
logging.getLogger("watchfiles").setLevel(logging.WARNING)

#: What happens within this time is looked at together.
_GATHER_MS = 100
_STEP_MS = 50
#: One looks again after this time whatever the system tells: a folder may have come anew, a file may be whole now.
_LOOK_MS = 1000
_FAILED_S = 1.0

Reader = Callable[[list[LibraryChange]], None]


class LibraryWatch:
    """Looks for changes in the user's folder while it runs.

    Parameters
    ----------
    library : Library
        What is watched.
    bulletin : Bulletin
        Gets each change as news of kind ``library``.
    reader : callable, optional
        Is given changes in the loop, before the news.
    """

    def __init__(self, library: Library, bulletin: Bulletin, reader: Reader | None = None) -> None:
        self._library, self._bulletin, self._reader = library, bulletin, reader
        self._task: asyncio.Task[None] | None = None
        self._end: Callable[[], None] | None = None
        self._stop = asyncio.Event()

    async def start(self) -> None:
        """Watch from now on; what has changed since the library was made is told."""
        loop = asyncio.get_running_loop()

        def tell(changes: list[LibraryChange]) -> None:
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                loop.call_soon_threadsafe(self._tell, changes)

        self._end = self._library.subscribe(tell)
        self._stop.clear()
        self._task = asyncio.create_task(self._watch(), name="library")

    async def stop(self) -> None:
        """Watch no longer."""
        if self._task is None or self._end is None:
            return
        self._end()
        self._stop.set()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _watch(self) -> None:
        while not self._stop.is_set():
            await self._look()
            try:
                await self._follow(await asyncio.to_thread(self._folder))
            except Exception as error:  # What the system says of a folder that goes, or of too many watches.
                _log.warning("the library's folder cannot be watched: %s", error)
                await self._pause()

    async def _follow(self, folder: Path) -> None:
        watched = awatch(
            folder,
            watch_filter=None,
            debounce=_GATHER_MS,
            step=_STEP_MS,
            stop_event=self._stop,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            recursive=True,
        )
        async for _ in watched:
            await self._look()
            if not await asyncio.to_thread(folder.is_dir):
                return  # It went; the watch would not see it come back.

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), _FAILED_S)

    def _folder(self) -> Path:
        with contextlib.suppress(StorageError):
            make_folder(self._library.own / "presets")
        return self._library.own

    async def _look(self) -> None:
        await asyncio.to_thread(self._library.refresh)

    def _tell(self, changes: list[LibraryChange]) -> None:
        for change in changes:
            if change.problem:
                _log.warning("%s; what is loaded plays on", change.problem)
        if self._reader is not None:
            self._reader(changes)
        for change in changes:
            self._bulletin.post("library", change.as_dict())
