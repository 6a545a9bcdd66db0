"""Where the recordings lie that some tests and benchmarks use; none is part of the repository."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float64]

SNARES = tuple(
    (folder, name)
    for folder, second in (
        ("snare_fs14x65maple", "performance_b_noise"),
        ("snare_fs14x8al", "performance_b_noise"),
        ("snare_gogodze", "performance_b_oh_noise"),
    )
    for name in ("performance_a", second)
)
KITS = ("80sRock", "Britpop", "Reggae", "Rock", "Rockabilly", "Shadows")


@dataclass(frozen=True)
class Recording:
    """Samples with the true onsets, in seconds; `optional_s` are onsets that may be left out of a recall count."""

    name: str
    samples: Samples
    sample_rate: int
    onsets_s: Samples
    optional_s: Samples


def audio_folder() -> Path | None:
    """Folder of the recordings: ``REMAPD_AUDIO``, else ``../shared/audio`` beside the checkout, else None."""
    named = os.environ.get("REMAPD_AUDIO")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "audio"
    return folder if folder.is_dir() else None


def require_audio_folder() -> Path:
    """`audio_folder`, or skip the test that asks with a plain message."""
    folder = audio_folder()
    if folder is None:
        pytest.skip("no recordings here: set REMAPD_AUDIO to their folder to run this test")
    return folder


def read_mono(path: Path) -> tuple[Samples, int]:
    """First channel of a file and its sample rate."""
    samples, sample_rate = soundfile.read(path, dtype="float64", always_2d=True)
    return np.ascontiguousarray(samples[:, 0]), sample_rate


def snare_performance(folder: Path, snare: str, performance: str, least_jump_db: float = 3.0) -> Recording:
    """A performance built of single hits; hits that jump less than `least_jump_db` are optional."""
    path = folder / snare / performance
    with path.with_suffix(".events.csv").open() as file:
        rows = list(csv.DictReader(file))
    times = np.array([float(row["time_s"]) for row in rows])
    jumps = np.array([float(row["jump_db"]) for row in rows])
    samples, rate = read_mono(path.with_suffix(".flac"))
    return Recording(
        f"{snare}/{performance}", samples, rate, times[jumps >= least_jump_db], times[jumps < least_jump_db]
    )


def kit_recording(folder: Path, name: str) -> Recording:
    """A recording of a whole kit with onsets annotated by hand (good to about 25 ms)."""
    path = folder / "onsets_mdb_drums" / name
    times = np.loadtxt(path.with_suffix(".onsets.txt"), usecols=0, ndmin=1)
    samples, rate = read_mono(path.with_suffix(".flac"))
    return Recording(name, samples, rate, times, np.zeros(0))


def negative_recordings(folder: Path) -> list[Recording]:
    """Recordings without a drum in them."""
    found = []
    for path in sorted((folder / "negatives").glob("*.flac")):
        samples, rate = read_mono(path)
        found.append(Recording(path.stem, samples, rate, np.zeros(0), np.zeros(0)))
    return found
