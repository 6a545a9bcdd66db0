"""The folder of recordings: what there is by name, uploads, deletion, and a bound on all of it.

Everything here may be called from any thread, and reads or writes files, so it does not belong in the loop.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from remapd.control.recordings.completing import complete
from remapd.control.recordings.entry import SUFFIXES, RecordingEntry, entry_of, note_path, noted_info, write_note
from remapd.control.recordings.limits import RecordingLimits
from remapd.control.recordings.probing import AudioInfo, FileReader
from remapd.errors import AudioFileError, ConflictError, DiskFullError, NotFoundError, Told
from remapd.fields import checked_name
from remapd.files import make_folder, storage_error

#: Files that are not whole yet; hidden, so that nobody takes them for recordings.
RECORDING, UPLOAD = ".recording", ".upload"
#: There is no sound in less than this.
_LEAST_BYTES = 4096
#: This much of a disk is left to others.
_LEAST_FREE_BYTES = 64 << 20


class RecordingStore:
    """Recordings by name.

    Parameters
    ----------
    folder : Path
        Where they lie; it is made when something is stored.
    limits : RecordingLimits
        How many, and how large.

    Attributes
    ----------
    reader : FileReader
        Reads files in full.
    """

    def __init__(self, folder: Path, limits: RecordingLimits | None = None) -> None:
        self.reader = FileReader()
        self._folder, self.limits = folder, limits or RecordingLimits()
        self._lock = threading.RLock()
        self._entries: dict[str, RecordingEntry] = {}
        self._taken: set[str] = set()

    # -- what there is -----------------------------------------------------------------------------------------------

    def entries(self) -> list[RecordingEntry]:
        """All recordings as they are now, in the order of the names."""
        with self._lock:
            found = [entry for path in sorted(self.files()) if (entry := entry_of(path)) is not None]
            self._entries = {entry.name: self._known(entry) for entry in found}
            return [self._entries[name] for name in sorted(self._entries)]

    def entry(self, name: str) -> RecordingEntry:
        """Find a recording.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        known = {entry.name: entry for entry in self.entries()}
        if name not in known:
            raise NotFoundError("recording", "the name of a recording", name)
        return known[name]

    def path(self, name: str) -> Path:
        """File of a recording; raises as `entry` does."""
        return self.entry(name).path

    def room_bytes(self) -> int:
        """How much may still be stored, 0 or more."""
        used = sum(_size(path) for path in self.files())
        with contextlib.suppress(OSError):
            folder = next(path for path in (self._folder, *self._folder.parents) if path.is_dir())
            free = shutil.disk_usage(folder).free - _LEAST_FREE_BYTES
            return max(0, min(free, self.limits.quota_bytes - used))
        return 0

    def files(self) -> Collection[Path]:
        """Everything in the folder."""
        try:
            return list(self._folder.iterdir())
        except OSError:
            return []

    # -- changes -----------------------------------------------------------------------------------------------------

    def take_name(self, name: str) -> None:
        """Keep a name for a recording that is to come, until `release_name`.

        Raises
        ------
        FieldError
            If it is no valid name.
        ConflictError
            If there is one, or is to be one, of that name.
        DiskFullError
            If there are as many as there may be, or no room is left.
        """
        checked_name(name)
        with self._lock:
            if name in self._taken or name in {entry.name for entry in self.entries()}:
                raise ConflictError("name", "a name that is free", name)
            if len(self._entries) + len(self._taken) >= self.limits.most:
                raise DiskFullError(f"there are {len(self._entries)} recordings, which is as many as there may be")
            if not self.room_bytes():
                raise DiskFullError("no room is left for recordings; delete some")
            self._taken.add(name)
        make_folder(self._folder)

    def release_name(self, name: str) -> None:
        """Give a name back that was taken."""
        self._taken.discard(name)

    def recording_path(self, name: str, suffix: str) -> Path:
        """Where a recording is written until it is whole."""
        return self._folder / f".{name}{RECORDING}{suffix}"

    def upload_path(self) -> Path:
        """Where an upload is written until it is whole."""
        return self._folder / f".{secrets.token_hex(8)}{UPLOAD}"

    def add(self, path: Path, name: str) -> RecordingEntry:
        """Check a file that lies in the folder in full, and give it its name; one that is refused is removed.

        Raises
        ------
        AudioFileError
            If it is no audio file, damaged, or of a kind that is not stored.
        ConflictError
            If there is one of that name.
        StorageError
            If it cannot be stored.
        """
        try:
            info = self.reader.read(path, name)
            return self._put(path, name, info)
        finally:
            path.unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """Delete a recording; raises as `entry` does."""
        with self._lock:
            entry = self.entry(name)
            try:
                entry.path.unlink(missing_ok=True)
                note_path(entry.path).unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(error, f"recording {name!r} cannot be deleted") from None

    def rename(self, name: str, new_name: str) -> RecordingEntry:
        """Give a recording another name.

        Raises
        ------
        NotFoundError
            If there is none.
        ConflictError
            If the new name is taken.
        """
        with self._lock:
            entry = self.entry(name)
            if checked_name(new_name, "new_name") in self._taken or new_name in self._entries:
                raise ConflictError("new_name", "a name that is free", new_name)
            target = entry.path.with_name(f"{new_name}{entry.path.suffix}")
            try:
                entry.path.rename(target)
            except OSError as error:
                raise storage_error(error, f"recording {name!r} cannot be renamed") from None
            with contextlib.suppress(OSError):
                note_path(entry.path).rename(note_path(target))
            return self.entry(new_name)

    def measure(self, name: str) -> RecordingEntry:
        """Read a recording that is not known yet, such as one that somebody put into the folder."""
        entry = self.entry(name)
        if entry.is_known:
            return entry
        try:
            info = self.reader.read(entry.path, entry.path.name)
        except AudioFileError as error:
            return self._note(replace(entry, problem=str(error)))
        write_note(entry, info)
        return self._note(replace(entry, info=info))

    def keep_whole(self, path: Path, name: str) -> RecordingEntry:
        """Make a recording of a file that the engine has completed; what is in it is found out later.

        Raises
        ------
        StorageError
            If it cannot be stored.
        """
        with self._lock:
            target = self._folder / f"{self.free_name(name)}{path.suffix}"
            stored = _moved(path, target)
            return self._note(stored)

    def keep(self, path: Path, name: str) -> RecordingEntry:
        """Make a recording of a file that the engine has written, though it may have been killed while it did.

        One with hardly anything in it is removed; any other is kept even if it cannot be read.

        Raises
        ------
        AudioFileError
            If there is nothing in it.
        StorageError
            If it cannot be stored.
        """
        try:
            complete(path)
            return self._put(path, self.free_name(name), self.reader.read(path, name))
        except AudioFileError:
            if _size(path) >= _LEAST_BYTES:
                return self.keep_whole(path, name)
            path.unlink(missing_ok=True)
            raise

    def free_name(self, name: str) -> str:
        """`name`, or with a number behind it if it is taken."""
        known = {entry.name for entry in self.entries()} | self._taken
        numbered = (f"{name[:56]}_{number}" for number in itertools.count(2))
        return next(free for free in itertools.chain((name,), numbered) if free not in known)

    # -- how ---------------------------------------------------------------------------------------------------------

    def _known(self, entry: RecordingEntry) -> RecordingEntry:
        before = self._entries.get(entry.name)
        if before is not None and replace(before, info=None, problem="") == entry and before.is_known:
            return before
        return replace(entry, info=noted_info(entry))

    def _put(self, path: Path, name: str, info: AudioInfo) -> RecordingEntry:
        suffix = SUFFIXES.get(info.format)
        if suffix is None:
            kinds = ", ".join(sorted({known.removeprefix(".") for known in SUFFIXES.values()}))
            raise AudioFileError(f"{name}: is {info.format}; expected one of {kinds}")
        target = self._folder / f"{checked_name(name)}{suffix}"
        with self._lock:
            if name in {entry.name for entry in self.entries()}:
                raise ConflictError("name", "a name that is free", Told(name))
            stored = _moved(path, target)
            write_note(stored, info)
            return self._note(replace(stored, info=info))

    def _note(self, entry: RecordingEntry) -> RecordingEntry:
        with self._lock:
            self._entries[entry.name] = entry
        return entry


def _moved(path: Path, target: Path) -> RecordingEntry:
    """Entry of a file that is moved to where it belongs."""
    try:
        os.replace(path, target)
    except OSError as error:
        raise storage_error(error, f"recording {target.stem!r} cannot be stored") from None
    stored = entry_of(target)
    if stored is None:
        raise AudioFileError(f"{target.stem}: went away while it was stored")
    return stored


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
