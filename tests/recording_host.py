"""A host whose engine records: it writes real files and reports as the engine process does, from another thread."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import soundfile

from tests.fake_host import FakeHost

RATE, CHANNELS = 48000, 1


class RecordingHost(FakeHost):
    """Writes `seconds` of noise as soon as it is told to record.

    Parameters
    ----------
    seconds : float
        Length of what it writes.
    fault : str
        If not empty, recording cannot begin, for this reason.
    """

    def __init__(self, seconds: float = 1.0, fault: str = "") -> None:
        super().__init__()
        self.seconds, self.fault = seconds, fault
        self.path: Path | None = None
        self.dropped = 0

    def order(self, message):
        super().order(message)
        thread = threading.Thread(target=self._obey, args=(message,))
        thread.start()
        thread.join()

    def _obey(self, message):
        if "record" in message:
            self.path = Path(message["record"]["path"])
            if self.fault:
                self.say("failed", self.fault)
            else:
                write_noise(self.path, self.seconds)
                self.say("recording")
        elif "stop_recording" in message and self.path is not None:
            self.say("stopped")

    def say(self, state, error="", seconds=None):
        values = {"path": str(self.path), "seconds": self.seconds if seconds is None else seconds}
        self.report({"recording": {**values, "dropped_frames": self.dropped, "state": state, "error": error}})

    def die(self):
        """The engine is gone, and another has begun."""
        self.starts += 1


def write_noise(path: Path, seconds: float = 1.0, level: float = 0.5, channels: int = CHANNELS) -> Path:
    """A file of noise in the format of its ending."""
    samples = level * np.random.default_rng(0).uniform(-1.0, 1.0, (round(seconds * RATE), channels))
    samples[0] = level
    subtype = {".flac": "PCM_24", ".wav": "FLOAT"}.get(path.suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE, subtype=subtype)
    return path
