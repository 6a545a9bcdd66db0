"""The current session on disk: written shortly after each change and at the end, so that it comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from remapd.control.bulletin import Bulletin
from remapd.control.hub import ChangeHub
from remapd.control.store.session_files import MAX_FILE_BYTES, session_bytes, write_with_backup
from remapd.control.tasks import end_task
from remapd.errors import ModelError, StorageError
from remapd.files import read_capped

_log = logging.getLogger("remapd.session")

#: From a change until it is written; what else changes meanwhile is written with it.
DELAY_S = 0.5
#: From a write that failed until the next attempt.
RETRY_S = 5.0

Write = Callable[[Path, bytes], None]


class Autosave:
    """Keeps a file like the session.

    A disk that is full or gone is told of once, and tried again until it works; nothing else waits for it.

    Parameters
    ----------
    path : Path
        The file.
    document : callable
        Gives the session; called in the loop.
    hub : ChangeHub
        Tells of changes.
    bulletin : Bulletin
        Takes news for people.
    delay_s, retry_s : float
        Times in seconds, see `DELAY_S` and `RETRY_S`.
    write : callable
        Writes content to a path, whole, off the loop.
    """

    def __init__(
        self,
        path: Path,
        document: Callable[[], Mapping[str, Any]],
        hub: ChangeHub,
        bulletin: Bulletin,
        delay_s: float = DELAY_S,
        retry_s: float = RETRY_S,
        write: Write = write_with_backup,
    ) -> None:
        self.path = path
        self._document, self._hub, self._bulletin, self._write = document, hub, bulletin, write
        self._delay_s, self._retry_s = delay_s, retry_s
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ends: list[Callable[[], None]] = []
        self._written = b""
        #: Why the last attempt failed; None if it did not.
        self.failure: StorageError | None = None
        #: Files written so far.
        self.writes = 0

    async def start(self) -> None:
        """Write the session as it is, and from now on whenever it changes."""
        self._ends = [
            self._hub.subscribe(lambda changes: self.touch()).close,
            self._hub.on_structure(lambda added, removed: self.touch()),
        ]
        self._written = await asyncio.to_thread(_content_of, self.path)
        self.touch()
        self._task = asyncio.create_task(self._keep(), name="autosave")

    async def stop(self) -> None:
        """Write what has changed, at once, and end."""
        if self._task is None:
            return
        for end in self._ends:
            end()
        await end_task(self._task)
        self._task = None
        await self._save()

    def touch(self) -> None:
        """Note that something has changed; for what neither a value nor the tree tells."""
        self._changed.set()

    async def _keep(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._delay_s)
            self._changed.clear()
            if not await self._save_whole():
                self._changed.set()
                await asyncio.sleep(self._retry_s)

    async def _save_whole(self) -> bool:
        """Save without being cut short: two writers at a time would be in each other's way."""
        saving = asyncio.ensure_future(self._save())
        try:
            return await asyncio.shield(saving)
        except asyncio.CancelledError:
            await saving
            raise

    async def _save(self) -> bool:
        try:
            content = await asyncio.to_thread(self._written_content, self._document())
        except StorageError as error:
            self._tell_failure(error)
            return False
        except Exception:
            _log.exception("the session cannot be written as JSON")
            return False
        self._written = content
        self._tell_success()
        return True

    def _written_content(self, document: Mapping[str, Any]) -> bytes:
        content = session_bytes(document)
        if content != self._written:
            self._write(self.path, content)
            self.writes += 1
        return content

    def _tell_failure(self, error: StorageError) -> None:
        if self.failure is None:
            _log.warning("the session is not kept: %s", error)
            self._bulletin.post("notice", {"level": "warning", "text": f"the session is not kept: {error}"})
        self.failure = error

    def _tell_success(self) -> None:
        if self.failure is not None:
            _log.info("the session is kept again")
            self._bulletin.post("notice", {"level": "info", "text": "the session is kept again"})
        self.failure = None


def _content_of(path: Path) -> bytes:
    try:
        return read_capped(path, MAX_FILE_BYTES, "session")
    except ModelError:
        return b""
