"""What lies in a library's folders, and what has changed there since one last looked."""

from __future__ import annotations

import functools
import hashlib
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from remapd.errors import FieldError, RemapdError
from remapd.fields import checked_name
from remapd.files import read_capped
from remapd.mapping.container import MAX_FILE_BYTES
from remapd.mapping.library import Kind, folders, list_files

#: A file that makes no sense and is younger than this is taken for one that is being written.
SETTLE_S = 0.5

#: A file is the same as long as these are: its disk, its place there, its size and when it was last written.
Identity = tuple[int, int, int, int]


@dataclass(frozen=True)
class Entry:
    """A model or preset that can be had by name.

    Parameters
    ----------
    kind : Kind
        What it is.
    name : str
        Its name, which is that of the file.
    path : Path
        The file.
    is_own : bool
        Whether it is the user's own; what ships with remapd can neither be deleted nor renamed.
    size_bytes : int
        Size of the file.
    modified_s : float
        When it was last written, in seconds since 1970.
    identity : tuple
        Another one means another content.
    """

    kind: Kind
    name: str
    path: Path
    is_own: bool
    size_bytes: int
    modified_s: float
    identity: Identity

    def content(self) -> bytes:
        """Bytes of the file.

        Raises
        ------
        ModelError
            If it cannot be read (any more).
        """
        return read_capped(self.path, MAX_FILE_BYTES, self.kind.name)

    @functools.cached_property
    def sha256(self) -> str:
        """Fingerprint of the content in hexadecimal digits; reads the file when first asked.

        Raises
        ------
        ModelError
            If it cannot be read (any more).
        """
        return hashlib.sha256(self.content()).hexdigest()


@dataclass(frozen=True, slots=True)
class LibraryChange:
    """What happened to a file.

    Parameters
    ----------
    kind : {"model", "preset"}
        What it is.
    name : str
        Its name.
    what : {"added", "changed", "removed", "damaged"}
        A damaged file is there, but cannot be used; what was loaded of it before is as good as ever.
    problem : str
        What is wrong with it, in one line.
    """

    kind: str
    name: str
    what: Literal["added", "changed", "removed", "damaged"]
    problem: str = ""

    def as_dict(self) -> dict[str, str]:
        """The values, for JSON."""
        return asdict(self)


def scan(kind: Kind, own: Path) -> dict[str, Entry]:
    """Everything of a kind by name; what has no valid name, or is no file, is not there for anyone."""
    entries = (
        entry_of(kind, path, path.parent == own / kind.folder) for path in list_files(kind, folders(own)).values()
    )
    return {entry.name: entry for entry in entries if entry is not None}


def entry_of(kind: Kind, path: Path, is_own: bool) -> Entry | None:
    """Entry of a file as it is now; None if there is none, or its name is not a valid one."""
    try:
        name, status = checked_name(path.stem), path.stat()
    except (OSError, FieldError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None  # Reading a pipe would wait for ever.
    identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return Entry(kind, name, path, is_own, status.st_size, status.st_mtime, identity)


def compared(
    before: Mapping[str, Entry], now: Mapping[str, Entry], load: Callable[[Entry], object]
) -> tuple[dict[str, Entry], list[LibraryChange]]:
    """Tell what has changed.

    Parameters
    ----------
    before, now : mapping of str to Entry
        What was found last time, and what is there.
    load : callable
        Raises a `RemapdError` if an entry's file is damaged.

    Returns
    -------
    entries : dict of str to Entry
        What to go by from now on. A file that is being written stays as it was until it is whole.
    changes : list of LibraryChange
        In the order of the names, what is gone first.
    """
    entries: dict[str, Entry] = {}
    changes = [_change(entry, "removed") for name, entry in before.items() if name not in now]
    for name, entry in now.items():
        old = before.get(name)
        problem = "" if old == entry else _problem(entry, load)
        is_settling = bool(problem) and 0.0 <= time.time() - entry.modified_s < SETTLE_S
        if old is not None and (old == entry or is_settling):
            entries[name] = old
        elif not is_settling:
            entries[name] = entry
            changes.append(_change(entry, "damaged" if problem else "changed" if old else "added", problem))
    return entries, changes


def _problem(entry: Entry, load: Callable[[Entry], object]) -> str:
    try:
        load(entry)
    except RemapdError as error:
        return str(error)
    return ""


def _change(entry: Entry, what: Literal["added", "changed", "removed", "damaged"], problem: str = "") -> LibraryChange:
    return LibraryChange(entry.kind.name, entry.name, what, problem)
