"""One channel of a recording, as the engine would hear it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remapd.audio.file import AudioReader
from remapd.errors import TrainingDataError

Samples = NDArray[np.float32]

#: More would need several gigabytes of memory; 37 minutes at 44.1 kHz.
MAX_FRAMES = 100_000_000
_READ_FRAMES = 65536


@dataclass(frozen=True, eq=False, slots=True)
class Recording:
    """One channel.

    Parameters
    ----------
    path : Path
        Where it came from.
    channel : int
        Channel of the file, from 0; `remapd.audio.file.MIX` is the mean of all.
    sample_rate : int
        In Hz.
    samples : ndarray of float32, shape (frames,)
        Finite.
    non_finite : int
        Samples that were infinite or no numbers and became silence, as in the engine.
    missing_s : float
        How much earlier the file ended than its header said, in seconds.
    channel_peaks : tuple of float
        Largest sample of each channel of the file.
    """

    path: Path
    channel: int
    sample_rate: int
    samples: Samples
    non_finite: int = 0
    missing_s: float = 0.0
    channel_peaks: tuple[float, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


def read_recording(path: Path, channel: int = 0) -> Recording:
    """Read a channel of a file, from 0, or `remapd.audio.file.MIX`.

    Raises
    ------
    AudioFileError
        If the file is missing, damaged, no audio file, or has no such channel.
    TrainingDataError
        If it is longer than `MAX_FRAMES`.
    """
    with AudioReader(path, [channel]) as reader:
        _check_length(path, reader.frames, reader.sample_rate)
        blocks: list[Samples] = []
        read = 0
        for block in reader.blocks(_READ_FRAMES):
            blocks.append(block[:, 0])
            read += len(block)
            _check_length(path, read, reader.sample_rate)
        samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        sound = np.isfinite(samples)
        return Recording(
            path,
            channel,
            reader.sample_rate,
            np.where(sound, samples, np.float32(0.0)),
            non_finite=int(np.count_nonzero(~sound)),
            missing_s=max(0, reader.frames - read) / reader.sample_rate,
            channel_peaks=tuple(float(peak) for peak in reader.peaks),
        )


def _check_length(path: Path, frames: int, sample_rate: int) -> None:
    if frames > MAX_FRAMES:
        longest_min = MAX_FRAMES / sample_rate / 60.0
        raise TrainingDataError(
            f"{path}: more than {longest_min:.0f} min at {sample_rate} Hz; cut a few minutes of playing out of it"
        )
