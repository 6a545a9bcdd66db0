"""Records what the engine hears into a file, from a thread of the engine's process that only runs meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from remapd.audio.file import AudioWriter
from remapd.engine.tape import Tape
from remapd.engine_process.flac_length import note_length
from remapd.errors import AudioFileError, FieldError, RemapdError

#: How often the ring is emptied, and how often progress is told.
PERIOD_S = 0.05
_TOLD_EVERY = 20
_PIECE_FRAMES = 4096

#: Formats by the name in an order: that of the library, and the encoding.
FORMATS = {"wav": ("WAV", "float"), "flac": ("FLAC", "24")}
#: A WAV file counts its bytes in 32 bits; some are left for the header.
_LARGEST_WAV_BYTES = 2**32 - 4096
_SAMPLE_BYTES = 4
_LONGEST_S = 7.0 * 24.0 * 3600.0


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """What is to be recorded.

    Parameters
    ----------
    path : str
        A file that does not exist yet.
    format : {"wav", "flac"}
        32-bit floats as they came, or 24-bit integers.
    max_s : float
        Longest recording in seconds.
    """

    path: str
    format: str
    max_s: float

    @classmethod
    def from_values(cls, values: Any) -> RecordingOrder:
        """The order as it came; a field that does not fit is refused."""
        if not isinstance(values, Mapping):
            raise FieldError("record", "path, format and max_s", values)
        path, kind, max_s = (values.get(name) for name in ("path", "format", "max_s"))
        if not isinstance(path, str) or not os.path.isabs(path):
            raise FieldError("record.path", "an absolute path", path)
        if kind not in FORMATS:
            raise FieldError("record.format", f"one of {', '.join(FORMATS)}", kind)
        if isinstance(max_s, bool) or not isinstance(max_s, int | float) or not 0.0 < max_s < float("inf"):
            raise FieldError("record.max_s", "a number of seconds above 0", max_s)
        return cls(path, kind, float(max_s))


class Recorder:
    """Empties the ring of one engine into files, one at a time.

    Parameters
    ----------
    tape : Tape
        The ring.
    tell : callable
        Takes each report, a line of JSON: ``{"recording": {"path", "seconds", "dropped_frames", "state", "error"}}``
        with the states ``recording`` (at once, then every second) and ``stopped``, with an ``error`` if it ended early
        for one; the file keeps what was written.
    """

    def __init__(self, tape: Tape, tell: Callable[[str], None]) -> None:
        self._tape, self._tell = tape, tell
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._frames = 0
        self._report: dict[str, Any] = {}

    def start(self, order: RecordingOrder) -> None:
        """Begin; what goes wrong from here on is reported.

        Raises
        ------
        RemapdError
            If a recording runs already, there is no input, or the file cannot be made.
        """
        if self._report.get("state") == "recording":
            raise RemapdError("a recording runs already")
        if self._tape.channels == 0:
            raise RemapdError("there is no input to record")
        writer = self._open(order)
        self._stop.clear()
        self._frames = 0
        self._tape.start()
        self._say(order, "recording")
        self._thread = threading.Thread(target=self._record, args=(order, writer), name="recorder", daemon=True)
        self._thread.start()

    def stop(self, wait_s: float = 0.0) -> None:
        """End the recording, if there is one, and wait for so long until its file is complete."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(wait_s)

    def last_report(self) -> list[str]:
        """What was told last, for a parent that has not heard it."""
        return [json.dumps({"recording": self._report})] if self._report else []

    def _open(self, order: RecordingOrder) -> AudioWriter:
        try:
            os.close(os.open(order.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise RemapdError(f"cannot record into {order.path}: {error.strerror}") from None
        file_format, encoding = FORMATS[order.format]
        rate, channels = round(self._tape.sample_rate), self._tape.channels
        try:
            return AudioWriter(Path(order.path), file_format, rate, channels, encoding, always_readable=True)
        except AudioFileError:
            os.unlink(order.path)
            raise

    def _record(self, order: RecordingOrder, writer: AudioWriter) -> None:
        error = ""
        try:
            self._write(order, writer)
            writer.close()
        except Exception as failure:  # Whatever it is: it must be told.
            error = str(failure) or type(failure).__name__
            self._tape.stop()
            with contextlib.suppress(AudioFileError):
                writer.close()
            self._note_length(order)
        self._say(order, "stopped", error)

    def _write(self, order: RecordingOrder, writer: AudioWriter) -> None:
        limit, periods = self._limit(order), 0
        piece = np.zeros((_PIECE_FRAMES, self._tape.channels), np.float32)
        while self._frames < limit and not self._stop.wait(PERIOD_S):
            self._empty(order, writer, piece, limit)
            periods += 1
            if periods % _TOLD_EVERY == 0:
                self._note_length(order)
                self._say(order, "recording")
        self._tape.stop()
        self._empty(order, writer, piece, limit)

    def _limit(self, order: RecordingOrder) -> int:
        """Longest recording in frames."""
        frames = round(min(order.max_s, _LONGEST_S) * self._tape.sample_rate)
        if order.format == "wav":
            frames = min(frames, _LARGEST_WAV_BYTES // (_SAMPLE_BYTES * self._tape.channels))
        return max(1, frames)

    def _empty(self, order: RecordingOrder, writer: AudioWriter, piece: Any, limit: int) -> None:
        """Write what the ring holds, up to the limit."""
        while n := self._tape.take(piece[: limit - self._frames]):
            if order.format == "flac":  # It has no room for what is no number.
                np.nan_to_num(piece[:n], copy=False)
            writer.write(piece[:n])
            self._frames += n

    def _note_length(self, order: RecordingOrder) -> None:
        if order.format == "flac":
            note_length(order.path, self._frames)

    def _say(self, order: RecordingOrder, state: str, error: str = "") -> None:
        self._report = {
            "path": order.path,
            "seconds": self._frames / self._tape.sample_rate,
            "dropped_frames": self._tape.dropped,
            "state": state,
            "error": error,
        }
        self._tell(json.dumps({"recording": self._report}))
