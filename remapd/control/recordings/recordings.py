"""Recordings as the daemon has them: the store, what is recorded and uploaded now, and what was left unfinished."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from remapd.control.bulletin import Bulletin
from remapd.control.host import EngineHost
from remapd.control.recordings.entry import RecordingEntry
from remapd.control.recordings.leftovers import leftovers, recover
from remapd.control.recordings.limits import RecordingLimits
from remapd.control.recordings.recorder import KIND, Recorder
from remapd.control.recordings.store import RecordingStore
from remapd.errors import BusyError, DiskFullError, RemapdError, TooLargeError
from remapd.files import storage_error

Result = TypeVar("Result")

#: At a time; more would only make each slower.
MAX_UPLOADS = 2
#: Files that are read in full at a time; that takes a while, so these threads are not those that serve short waits.
_READERS = 2
#: An upload of which nothing came for this long is over.
_SILENCE_S = 30.0
_WRITE_BYTES = 1 << 18
#: What nobody has written to for this long is not being written: the engine may outlive its control process.
_SETTLED_S = 5.0


class Recordings:
    """Store, recorder and uploads; used in the loop's thread alone.

    Parameters
    ----------
    folder : Path
        Where recordings lie.
    host : EngineHost
        Passes orders to the engine.
    bulletin : Bulletin
        Where ``recording`` is told.
    limits : RecordingLimits, optional
        How many, and how large.

    Attributes
    ----------
    store : RecordingStore
        What there is.
    recorder : Recorder
        Records the input.
    """

    def __init__(
        self, folder: Path, host: EngineHost, bulletin: Bulletin, limits: RecordingLimits | None = None
    ) -> None:
        self.store = RecordingStore(folder, limits)
        self.recorder = Recorder(self.store, host, bulletin)
        self._bulletin = bulletin
        self._uploads = 0
        self._writing: set[Path] = set()
        self._asked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._readers = ThreadPoolExecutor(_READERS, "recordings")
        self.recorder.on_stored = self._asked.set

    async def start(self) -> None:
        """Begin to record when asked, and to look after what was left unfinished."""
        await self.recorder.start()
        self._asked.set()
        works = (self._recover(), self._measure())
        self._tasks = [asyncio.create_task(work, name="recordings") for work in works]

    async def stop(self) -> None:
        """End the recording under way, and keep it."""
        await self.recorder.stop()
        self.store.reader.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def entries(self) -> list[RecordingEntry]:
        """All recordings as they are now; what is in those that are new is found out soon."""
        entries = await asyncio.to_thread(self.store.entries)
        if not all(entry.is_known for entry in entries):
            self._asked.set()
        return entries

    async def entry(self, name: str) -> RecordingEntry:
        """Find a recording, and read it if that has not been done; raises as `RecordingStore.entry` does."""
        return await self._read(partial(self.store.measure, name))

    async def find(self, name: str) -> RecordingEntry:
        """Find a recording as it is known; raises as `RecordingStore.entry` does."""
        return await asyncio.to_thread(self.store.entry, name)

    async def upload(self, name: str, chunks: AsyncIterator[bytes]) -> RecordingEntry:
        """Store a file that comes in pieces; it is read in full before it is there for anyone.

        Raises
        ------
        FieldError
            If the name does not fit.
        ConflictError
            If there is one of that name.
        BusyError
            If there are too many uploads, or nothing more came of this one.
        TooLargeError
            If it is larger than may be uploaded.
        AudioFileError
            If it is no audio file, or damaged.
        StorageError
            If there is no room, or it cannot be written.
        """
        if self._uploads >= MAX_UPLOADS:
            raise BusyError(f"{self._uploads} files are being uploaded already; try again later")
        self._uploads += 1
        path = self.store.upload_path()
        try:
            await asyncio.to_thread(self.store.take_name, name)
            try:
                self._writing.add(path)
                await self._receive(path, chunks)
                entry = await self._read(partial(self.store.add, path, name))
            finally:
                self.store.release_name(name)
        finally:
            self._uploads -= 1
            self._writing.discard(path)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        self._tell(name, "stored")
        return entry

    async def delete(self, name: str) -> None:
        """Delete a recording; raises as `RecordingStore.delete` does."""
        await asyncio.to_thread(self.store.delete, name)
        self._tell(name, "deleted")

    async def rename(self, name: str, new_name: str) -> RecordingEntry:
        """Give a recording another name; raises as `RecordingStore.rename` does."""
        entry = await asyncio.to_thread(self.store.rename, name, new_name)
        self._tell(new_name, "stored")
        return entry

    # -- how ---------------------------------------------------------------------------------------------------------

    async def _read(self, work: Callable[[], Result]) -> Result:
        """Read a file in full, when it is its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def _tell(self, name: str, what: str) -> None:
        self._bulletin.post(KIND, {**self.recorder.recording.document(), "changed": name, "what": what})

    async def _receive(self, path: Path, chunks: AsyncIterator[bytes]) -> None:
        room = await asyncio.to_thread(self.store.room_bytes)
        try:
            file = await asyncio.to_thread(path.open, "xb")
            try:
                await self._write(file, chunks, room)
            finally:
                await asyncio.to_thread(file.close)
        except OSError as error:
            raise storage_error(error, "the upload cannot be written") from None

    async def _write(self, file: BinaryIO, chunks: AsyncIterator[bytes], room_bytes: int) -> None:
        limit, received, waiting = self.store.limits.upload_bytes, 0, bytearray()
        async for chunk in _until_silent(chunks):
            received += len(chunk)
            if received > limit:
                raise TooLargeError(f"the file is larger than {limit // 10**6} MB")
            if received > room_bytes:
                raise DiskFullError("no room is left for recordings; delete some")
            waiting += chunk
            if len(waiting) >= _WRITE_BYTES:
                await asyncio.to_thread(file.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(file.write, bytes(waiting))

    async def _recover(self) -> None:
        """Keep what an earlier control process has left, once it is sure that nobody writes to it."""
        before = await asyncio.to_thread(leftovers, self.store)
        while before:
            await asyncio.sleep(_SETTLED_S)
            now = await asyncio.to_thread(leftovers, self.store)
            settled = [path for path, modified_s in now.items() if before.get(path) == modified_s]
            for path in settled:
                if path == self.recorder.path or path in self._writing:
                    continue
                recovered = await self._read(partial(recover, self.store, path))
                if recovered is not None:
                    self._tell(recovered[0], "stored" if recovered[1] else "lost")
            before = {path: modified_s for path, modified_s in now.items() if path in before and path.exists()}

    async def _measure(self) -> None:
        """Read what is new, one after the other."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            for entry in await asyncio.to_thread(self.store.entries):
                if not entry.is_known:
                    with contextlib.suppress(RemapdError):  # It has gone meanwhile.
                        await self._read(partial(self.store.measure, entry.name))
                        self._tell(entry.name, "stored")


async def _until_silent(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Hand pieces on as long as they come."""
    while True:
        try:
            async with asyncio.timeout(_SILENCE_S):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise BusyError(f"nothing more came of the file within {_SILENCE_S:g} s") from None
        yield chunk
