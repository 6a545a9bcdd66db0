"""Sessions as files: one JSON document each, read with suspicion and written whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remapd.control.session_document import SESSION_FORMAT
from remapd.errors import FieldError, ModelError, RemapdError, StorageError
from remapd.fields import checked_object, parsed_json
from remapd.files import make_folder, read_capped, replace_file, storage_error

#: A larger document is neither read nor written; one with all tracks has some 100 KiB.
MAX_FILE_BYTES = 4 << 20
_KIND = "session"


def session_bytes(document: Mapping[str, Any]) -> bytes:
    """Content of a session's file, a line for each value; equal documents give equal bytes.

    Raises
    ------
    StorageError
        If it would be too large to be read again.
    """
    # `indent` would take ten times as long. A quote within a text is escaped, so this is never inside of one.
    text = json.dumps(document, ensure_ascii=False, allow_nan=False).replace(', "/', ',\n"/')
    content = f"{text}\n".encode()
    if len(content) > MAX_FILE_BYTES:
        raise StorageError(f"the session has more than {MAX_FILE_BYTES // 1024} KiB")
    return content


def session_from_bytes(content: bytes) -> dict[str, Any]:
    """Document of a session's file. What it says is checked when it is restored.

    Raises
    ------
    FieldError
        If it is no JSON object, or of another version.
    """
    try:
        document = checked_object(parsed_json(content, whole=True), _KIND)
    except ValueError as error:
        raise FieldError(_KIND, "JSON text", str(error)) from None
    if document.get("format") != SESSION_FORMAT:
        expected = f"{SESSION_FORMAT}, the only one this version reads"
        raise FieldError("session.format", expected, document.get("format"))
    return dict(document)


def read_session(path: Path) -> dict[str, Any]:
    """Read a session's file.

    Raises
    ------
    ModelError
        If it cannot be read, is too large or damaged; the text names the file.
    """
    content = read_capped(path, MAX_FILE_BYTES, _KIND)
    try:
        return session_from_bytes(content)
    except FieldError as error:
        raise ModelError(f"session {str(path)!r}: {error}") from error


def backup_of(path: Path) -> Path:
    """Where the content before the last is kept."""
    return path.with_name(path.name + ".bak")


def write_with_backup(path: Path, content: bytes) -> None:
    """Write a file whole, and keep what was there as a backup.

    Raises
    ------
    StorageError
        If it cannot be written; then the file is as it was, or its content is that of the backup.
    """
    make_folder(path.parent, 0o700)
    if path.exists():
        # Linked rather than moved, so that there is a whole file at each moment.
        _link(path, backup_of(path))
    replace_file(path, content, _KIND)


def _link(path: Path, backup: Path) -> None:
    try:
        backup.unlink(missing_ok=True)
        try:
            os.link(path, backup)
        except OSError:
            path.replace(backup)  # A file system without links.
    except OSError as error:
        raise storage_error(error, f"backup {str(backup)!r} cannot be written") from None


def read_with_backup(path: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """Read a file, or its backup where the file is damaged or missing.

    A damaged file is put aside, with ``.damaged`` behind its name, so that it does not become the backup.

    Returns
    -------
    document : dict or None
        None if there is neither, or both are damaged.
    notes : list of str
        What was wrong, for people.
    """
    notes: list[str] = []
    for candidate in (path, backup_of(path)):
        if not candidate.is_file():
            continue
        try:
            return read_session(candidate), notes
        except ModelError as error:
            notes.append(f"{error}; {_put_aside(candidate)}")
    return None, notes


def _put_aside(path: Path) -> str:
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
    except OSError:
        return "it could not be put aside"
    return f"it is kept as {aside.name}"


def kept_aside(path: Path) -> str:
    """Copy a session of which not everything could be taken, with ``.before`` behind its name; tells how it went."""
    aside = path.with_name(path.name + ".before")
    try:
        replace_file(aside, read_capped(path, MAX_FILE_BYTES, _KIND), _KIND, 0o600)
    except RemapdError as error:
        return f"the session as it was is not kept: {error}"
    return f"the session as it was is kept as {aside.name}"
