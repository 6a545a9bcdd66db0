"""What is in an audio file: read in a process of its own, so that a file made to do harm meets nothing worth it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from remapd.errors import AudioFileError
from remapd.fields import shown
from remapd.processes import child_environment

_COMMAND = (sys.executable, "-P", "-m", "remapd.control.recordings.probe")
_LIMIT_S = 240.0


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What is known of an audio file.

    Parameters
    ----------
    format, encoding : str
        As libsndfile calls them (``FLAC``, ``PCM_24``).
    sample_rate_hz, channels, frames : int
        Of the file.
    duration_s : float
        Length in seconds.
    peaks : tuple of float or None
        Largest sample of each channel, 1 at full scale; None where it is no finite number.
    """

    format: str
    encoding: str
    sample_rate_hz: int
    channels: int
    frames: int
    duration_s: float
    peaks: tuple[float | None, ...]

    def document(self) -> dict[str, Any]:
        """The values, for JSON."""
        return {**asdict(self), "peaks": list(self.peaks)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The information that `document` gave."""
        return cls(**{**document, "peaks": tuple(document["peaks"])})


class FileReader:
    """Starts the processes in which files are read, and ends them when it is stopped. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._is_stopped = False

    def read(self, path: Path, name: str) -> AudioInfo:
        """Read a file in full; takes a second for each few minutes of sound.

        Parameters
        ----------
        path : Path
            The file.
        name : str
            What it is called in errors.

        Raises
        ------
        AudioFileError
            If it is no audio file, damaged, or holds nothing.
        """
        try:
            answer = json.loads(self._answer([*_COMMAND, str(path), name]))
            if "refused" in answer:
                raise AudioFileError(shown(str(answer["refused"]), 400))
            return AudioInfo.from_document(answer)
        except subprocess.TimeoutExpired:
            raise AudioFileError(f"{name}: was not read within {_LIMIT_S:.0f} s") from None
        except OSError as error:
            raise AudioFileError(f"{name}: cannot be read now: {error.strerror or error}") from None
        except (ValueError, TypeError, KeyError):
            end = "was ended" if self._is_stopped else "died; the file is damaged or hostile"
            raise AudioFileError(f"{name}: the process that read it {end}") from None

    def stop(self) -> None:
        """End what is being read; nothing is read any more."""
        with self._lock:
            self._is_stopped = True
            for process in self._processes:
                process.kill()

    def _answer(self, command: list[str]) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            process = self._start(command, folder)
            try:
                return process.communicate(timeout=_LIMIT_S)[0]
            finally:
                process.kill()
                process.wait()
                with self._lock:
                    self._processes.discard(process)

    def _start(self, command: list[str], folder: str) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_stopped:
                raise ValueError
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=child_environment(), cwd=folder,
            )  # fmt: skip
            self._processes.add(process)
            return process
