"""Reading small files of unknown origin, and writing so that no reader meets half a file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from remapd.errors import ModelError


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


def replace_file(path: Path, content: bytes, kind: str) -> None:
    """Write beside the file and rename: a reader sees the old content or the new.

    Raises
    ------
    ModelError
        If the folder or the file cannot be written; `kind` says what it is.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{kind} {str(path)!r} cannot be written: {error.strerror or error}") from None
