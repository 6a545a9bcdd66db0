"""A whole recording through the detector, with what it saw on the way: for plots, tests and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.dsp.approximation import log10
from remapd.dsp.kernel import compiled
from remapd.errors import FieldError
from remapd.onsets import detector, levels
from remapd.onsets.bands import BAND_COUNT
from remapd.onsets.decision import REASONS
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.onsets.strength import FOLLOWING_STEPS

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible hit: times in seconds, levels in dBFS, strength in dB."""

    onset_s: float
    decided_s: float
    reason: str
    level_db: float
    floor_db: float
    strength_db: float

    @property
    def accepted(self) -> bool:
        """Whether the candidate was taken for a hit."""
        return self.reason == REASONS[0]


@dataclass(frozen=True, slots=True)
class DetectionTrace:
    """What the detector saw, step by step (a third of a millisecond).

    Parameters
    ----------
    time_s : ndarray, shape (steps,)
        Time in the recording that the values below belong to.
    signal_db : ndarray, shape (steps,)
        Rise of the bands over mask and floor; from `on_db` on it makes a candidate, below `off_db` the next may come.
    strength_threshold_db : ndarray, shape (steps,)
        Strength a candidate needs at that time; higher in a restless sound.
    level_db, floor_db : ndarray, shape (steps,)
        Level of all bands together and the noise floor, in dBFS.
    on_db, off_db : float
        Thresholds of `signal_db`.
    hop_s : float
        Seconds from one value to the next.
    candidates : tuple of Candidate
        In the order in which they were decided.
    """

    time_s: Samples
    signal_db: Samples
    strength_threshold_db: Samples
    level_db: Samples
    floor_db: Samples
    on_db: float
    off_db: float
    hop_s: float
    candidates: tuple[Candidate, ...]

    @property
    def onsets_s(self) -> Samples:
        """Times of the accepted hits in seconds."""
        return np.array([c.onset_s for c in self.candidates if c.accepted])


def analyse(samples: ArrayLike, sample_rate: float, values: Mapping[str, float] | None = None) -> DetectionTrace:
    """Run the detector over a recording.

    Parameters
    ----------
    samples : array_like, shape (frames,)
        One channel, finite.
    sample_rate : float
        Frames per second.
    values : mapping, optional
        Parameters that differ from the default, by name.

    Raises
    ------
    FieldError
        If the samples are no finite vector, or a parameter does not fit.
    """
    x = np.ascontiguousarray(samples, dtype=np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise FieldError("samples", "finite numbers in one dimension", f"shape {x.shape}")
    vector = ONSET_PARAMETERS.vector({**ONSET_PARAMETERS.mapping(ONSET_PARAMETERS.default), **(values or {})})
    state = np.zeros(1, dtype=detector.STATE)[0]
    detector.reset(state, sample_rate)
    detector.configure(state, vector, sample_rate)
    hop = int(state["step_frames"])
    rows = np.zeros((len(x) // hop, 4))
    found = np.zeros(len(x) // hop + 1, dtype=detector.CANDIDATE)
    count = _run(state, x, hop, rows, found)
    times: Samples = (np.arange(len(rows), dtype=np.float64) + 1.0 - FOLLOWING_STEPS) * (hop / sample_rate)
    signal, threshold, level, floor = rows.T
    on_db, off_db = (float(vector[ONSET_PARAMETERS.index(f"{name}_threshold_db")]) for name in ("attack", "off"))
    candidates = tuple(_candidate(record, sample_rate) for record in found[:count])
    return DetectionTrace(times, signal, threshold, level, floor, on_db, off_db, hop / sample_rate, candidates)


@compiled
def _run(state: Any, x: Any, hop: int, rows: Any, found: Any) -> int:
    """Run whole steps, one row of values each; returns the number of candidates."""
    count = 0
    for row in range(len(rows)):
        start = row * hop
        for i in range(detector.detect(state, x[start : start + hop], hop, start)):
            found[count] = state.candidates[i]
            count += 1
        at = levels.slot(state.levels.steps - 1 - min(row, FOLLOWING_STEPS))
        rows[row, 0] = state.signal_db
        rows[row, 1] = state.decision.threshold_db
        rows[row, 2] = sum_db(state.levels.level_db[at])
        rows[row, 3] = sum_db(state.levels.floor_db[at])
    return count


@compiled
def sum_db(levels_db: Any) -> float:
    """Level of all bands together."""
    power = 0.0
    for band in range(BAND_COUNT):
        power += 10.0 ** (0.1 * levels_db[band])
    return float(10.0 * log10(power))


def _candidate(record: np.void, sample_rate: float) -> Candidate:
    return Candidate(
        float(record["onset_frame"] / sample_rate),
        float(record["decided_frame"] / sample_rate),
        REASONS[int(record["reason"])],
        float(record["level_db"]),
        float(record["floor_db"]),
        float(record["strength_db"]),
    )
