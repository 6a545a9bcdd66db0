"""What an earlier control process left unfinished in the folder of recordings, and what can be made of it."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from remapd.control.recordings.store import RECORDING, UPLOAD, RecordingStore
from remapd.errors import AudioFileError, FieldError, StorageError

_log = logging.getLogger("remapd.recordings")


def leftovers(store: RecordingStore) -> dict[Path, float]:
    """Recordings and uploads that are not whole, and when each was last written, in seconds since 1970."""
    found = {}
    for path in store.files():
        with contextlib.suppress(OSError):
            if path.name.startswith(".") and (path.suffix == UPLOAD or Path(path.stem).suffix == RECORDING):
                found[path] = path.stat().st_mtime
    return found


def recover(store: RecordingStore, path: Path) -> tuple[str, bool] | None:
    """Keep what was written of a recording that was broken off; an upload that was is removed.

    Returns
    -------
    tuple of str and bool, or None
        Name of the recording and whether there is one now; None for an upload.
    """
    if path.suffix == UPLOAD:
        path.unlink(missing_ok=True)
        return None
    name = name_of(path)
    try:
        entry = store.keep(path, name)
    except (AudioFileError, FieldError, StorageError) as error:
        _log.warning("recording %s was broken off and is lost: %s", name, error)
        return name, False
    _log.warning("recording %s was broken off; what there was of it is kept as %s", name, entry.name)
    return entry.name, True


def name_of(path: Path) -> str:
    """What the recording is to be called that is written to a file."""
    return Path(path.stem).stem.lstrip(".")
