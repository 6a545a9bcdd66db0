"""Sessions that were saved by name. Everything may be called from any thread but belongs off the loop."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remapd.control.store.session_files import MAX_FILE_BYTES, read_session, session_bytes, session_from_bytes
from remapd.errors import ConflictError, DiskFullError, FieldError
from remapd.fields import checked_name
from remapd.files import make_folder, read_capped, replace_file, storage_error
from remapd.mapping.library import not_found

#: There may be this many.
MAX_SESSIONS = 1000
_KIND, _SUFFIX = "session", ".json"


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A session that was saved.

    Parameters
    ----------
    name : str
        Its name, which is that of the file.
    path : Path
        The file.
    size_bytes : int
        Size of the file.
    modified_s : float
        When it was saved, in seconds since 1970.
    """

    name: str
    path: Path
    size_bytes: int
    modified_s: float

    def sha256(self) -> str:
        """Fingerprint of the content in hexadecimal digits; reads the file.

        Raises
        ------
        ModelError
            If it cannot be read (any more).
        """
        return hashlib.sha256(read_capped(self.path, MAX_FILE_BYTES, _KIND)).hexdigest()


Check = Callable[[SessionEntry | None], None]


class SessionStore:
    """Sessions by name.

    Parameters
    ----------
    folder : Path
        Where they are; it is made when something is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()

    def entries(self) -> dict[str, SessionEntry]:
        """All sessions by name, in the order of the names."""
        try:
            paths = [path for path in self.folder.iterdir() if path.suffix == _SUFFIX]
        except OSError:
            return {}
        found = (_entry_of(path) for path in sorted(paths))
        return {entry.name: entry for entry in found if entry is not None}

    def entry(self, name: str) -> SessionEntry:
        """Find a session; raises a `NotFoundError` that says which name is near."""
        known = self.entries()
        if name not in known:
            raise not_found(_KIND, name, known)
        return known[name]

    def load(self, name: str) -> dict[str, Any]:
        """Document of a session.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        ModelError
            If its file is damaged.
        """
        return read_session(self.entry(name).path)

    def save(self, name: str, document: Mapping[str, Any] | bytes, check: Check | None = None) -> SessionEntry:
        """Save a session, or the content of a session's file, under a name; there may be one already.

        Parameters
        ----------
        name : str
            Its name.
        document : mapping or bytes
            As the controller gives it, or as a file has it.
        check : callable, optional
            Is given what is there now of that name; what it raises ends it with nothing changed.

        Raises
        ------
        FieldError
            If the name does not fit, or the content is no session.
        StorageError
            If it cannot be written, or there are too many.
        """
        checked_name(name)
        content = session_bytes(_checked(document) if isinstance(document, bytes) else document)
        with self._lock:
            known = self.entries()
            if check is not None:
                check(known.get(name))
            if name not in known and len(known) >= MAX_SESSIONS:
                raise DiskFullError(f"there are {len(known)} sessions, which is as many as there may be")
            replace_file(make_folder(self.folder) / f"{name}{_SUFFIX}", content, _KIND)
            return self.entry(name)

    def rename(self, name: str, new_name: str, check: Check | None = None) -> SessionEntry:
        """Give a session another name.

        Raises
        ------
        NotFoundError
            If there is none.
        ConflictError
            If the new name is taken.
        StorageError
            If it cannot be done.
        """
        with self._lock:
            entry = self._checked_entry(name, check)
            path = self.folder / f"{checked_name(new_name, 'new_name')}{_SUFFIX}"
            # On some systems a file has its name in any case.
            if path.exists():
                raise ConflictError("new_name", "a name that is free", new_name)
            try:
                entry.path.rename(path)
            except OSError as error:
                raise storage_error(error, f"session {name!r} cannot be renamed") from None
            return self.entry(new_name)

    def delete(self, name: str, check: Check | None = None) -> None:
        """Delete a session; raises as `rename` does."""
        with self._lock:
            entry = self._checked_entry(name, check)
            try:
                entry.path.unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(error, f"session {name!r} cannot be deleted") from None

    def _checked_entry(self, name: str, check: Check | None) -> SessionEntry:
        entry = self.entry(name)
        if check is not None:
            check(entry)
        return entry


def _checked(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_FILE_BYTES:
        raise FieldError(_KIND, f"at most {MAX_FILE_BYTES // 1024} KiB", len(content))
    return session_from_bytes(content)


def _entry_of(path: Path) -> SessionEntry | None:
    try:
        name, status = checked_name(path.stem), path.stat()
    except (OSError, FieldError):
        return None
    return SessionEntry(name, path, status.st_size, status.st_mtime) if path.is_file() else None
