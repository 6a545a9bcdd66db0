"""Takes for tests of training: strokes with known times and levels, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.drum_signals import BASE_RATE, at_rate, performance, stroke

Samples = NDArray[np.float64]
RATE = 44100


def take(
    count: int = 24, gap_s: float = 0.4, levels_db: tuple[float, float] = (-30.0, -4.0), rate: int = RATE
) -> Samples:
    """A crescendo of strokes `gap_s` apart, the first at 0.5 s."""
    times = [0.5 + gap_s * i for i in range(count)]
    sound = performance(times, list(np.linspace(*levels_db, count)), times[-1] + 1.0)
    return sound if rate == BASE_RATE else at_rate(sound, rate)


def write(path: Path, samples: NDArray[Any], rate: int = RATE, subtype: str = "FLOAT") -> Path:
    """Write an audio file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def sample(level_db: float = -6.0, seed: int = 0, rate: int = RATE) -> Samples:
    """A single stroke that begins with the file and is over before it ends."""
    one = 10 ** (level_db / 20) * stroke(seed, seconds=1.0)
    return one if rate == BASE_RATE else at_rate(one, rate)
