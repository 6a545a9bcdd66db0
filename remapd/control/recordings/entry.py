"""A recording of the store, and what is written down beside it so that it need not be read again."""

from __future__ import annotations

import contextlib
import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remapd.control.recordings.probing import AudioInfo
from remapd.errors import FieldError, RemapdError
from remapd.fields import checked_name
from remapd.files import read_capped, replace_file

#: Endings by libsndfile's name of the format; nothing else is stored.
SUFFIXES = {"WAV": ".wav", "WAVEX": ".wav", "RF64": ".rf64", "W64": ".w64", "FLAC": ".flac", "AIFF": ".aiff",
            "OGG": ".ogg", "MPEG": ".mp3", "MP3": ".mp3", "CAF": ".caf"}  # fmt: skip
_MAX_NOTE_BYTES = 1 << 16


@dataclass(frozen=True)
class RecordingEntry:
    """A recording.

    Parameters
    ----------
    name : str
        Its name, which is that of the file without its ending.
    path : Path
        The file.
    size_bytes : int
        Size of the file.
    modified_s : float
        When it was last written, in seconds since 1970.
    info : AudioInfo or None
        What is in it; None until it has been read.
    problem : str
        Why it cannot be read, in one line.
    """

    name: str
    path: Path
    size_bytes: int
    modified_s: float
    info: AudioInfo | None = None
    problem: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it has been read, well or not."""
        return self.info is not None or bool(self.problem)

    def document(self) -> dict[str, Any]:
        """Everything but where it lies, for JSON."""
        info = self.info.document() if self.info is not None else None
        return {
            "name": self.name,
            "file": self.path.name,
            "size_bytes": self.size_bytes,
            "modified_s": self.modified_s,
            "info": info,
            "problem": self.problem,
        }


def entry_of(path: Path) -> RecordingEntry | None:
    """Entry of a file; None if it is none of a recording."""
    if path.suffix not in SUFFIXES.values():
        return None
    try:
        name, status = checked_name(path.stem), path.stat()
    except (OSError, FieldError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None  # Reading a pipe would wait for ever.
    return RecordingEntry(name, path, status.st_size, status.st_mtime)


def note_path(path: Path) -> Path:
    """Where is written down what is in a recording."""
    return path.with_name(f".{path.name}.info")


def noted_info(entry: RecordingEntry) -> AudioInfo | None:
    """What was written down of a recording that has not changed since."""
    try:
        note = json.loads(read_capped(note_path(entry.path), _MAX_NOTE_BYTES, "note"))
        if (note["size_bytes"], note["modified_s"]) == (entry.size_bytes, entry.modified_s):
            return AudioInfo.from_document(note["info"])
    except (RemapdError, ValueError, TypeError, KeyError):
        pass
    return None


def write_note(entry: RecordingEntry, info: AudioInfo) -> None:
    """Write down what is in a recording; without it, it will be read again."""
    note = {"size_bytes": entry.size_bytes, "modified_s": entry.modified_s, "info": info.document()}
    with contextlib.suppress(RemapdError):
        replace_file(note_path(entry.path), json.dumps(note).encode(), "note")
