"""Reading small files of unknown origin, and writing so that no reader meets half a file."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from remapd.errors import DiskFullError, ModelError, StorageError

#: What a system says when there is no room: on the disk, in the user's share of it, or in a file of the size allowed.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def read_capped(path: Path, limit_bytes: int, kind: str) -> bytes:
    """Content of a file that is refused before it is read if it is larger than `limit_bytes`.

    Raises
    ------
    ModelError
        If it is too large, missing or unreadable; `kind` says what it should have been.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise ModelError(f"{kind} {str(path)!r} cannot be read: {error.strerror or error}") from None
    if len(content) > limit_bytes:
        raise ModelError(f"{kind} {str(path)!r} is larger than {limit_bytes // 1024} KiB")
    return content


def replace_file(path: Path, content: bytes, kind: str, mode: int = 0o666) -> None:
    """Write beside the file and rename: a reader sees the old content or the new, whatever happens.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes
        All of its new content.
    kind : str
        What it is, for the error.
    mode : int
        Permissions of the file, less those that the user's mask takes away.

    Raises
    ------
    StorageError
        If the folder or the file cannot be written; a `DiskFullError` where there is no room.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        try:
            with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, f"{kind} {str(path)!r} cannot be written") from None


def make_folder(folder: Path, mode: int = 0o777) -> Path:
    """Make a folder, and those it lies in, unless it is there; returns it.

    Raises
    ------
    StorageError
        If it cannot be made.
    """
    try:
        folder.mkdir(mode, parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, f"folder {str(folder)!r} cannot be made") from None
    return folder


def storage_error(error: OSError, what: str) -> StorageError:
    """Error for people of one of the system; a `DiskFullError` where there is no room."""
    kind = DiskFullError if error.errno in _NO_ROOM else StorageError
    return kind(f"{what}: {error.strerror or error}")
