"""A whole recording through the detector, with what it saw on the way: for plots, tests and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.dsp.kernel import CHUNK_FRAMES
from remapd.errors import FieldError
from remapd.onsets import detector
from remapd.onsets.decision import REASONS
from remapd.onsets.parameters import ONSET_PARAMETERS

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible hit: times in seconds, levels in dB (dBFS), `strength_db` the rise over the mask."""

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
    """What the detector saw.

    Parameters
    ----------
    time_s : ndarray, shape (steps,)
        End of each chunk of samples.
    signal_db, level_db, floor_db : ndarray, shape (steps,)
        Detection signal, level of all bands together and noise floor at those times.
    on_db, off_db : float
        Thresholds of the detection signal.
    hop_s : float
        Seconds between two values.
    candidates : tuple of Candidate
        In the order in which they were decided.
    """

    time_s: Samples
    signal_db: Samples
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
    rows, candidates = [], []
    for start in range(0, len(x), CHUNK_FRAMES):
        chunk = x[start : start + CHUNK_FRAMES]
        count = detector.detect(state, chunk, len(chunk), start)
        candidates += [_candidate(state["candidates"][i], sample_rate) for i in range(count)]
        rows.append((start + len(chunk), float(state["signal_db"]), *_levels(state)))
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return DetectionTrace(
        columns[0] / sample_rate, *columns[1:], vector[0], vector[1], CHUNK_FRAMES / sample_rate, tuple(candidates)
    )


def _candidate(record: np.void, sample_rate: float) -> Candidate:
    return Candidate(
        float(record["onset_frame"] / sample_rate),
        float(record["decided_frame"] / sample_rate),
        REASONS[int(record["reason"])],
        float(record["level_db"]),
        float(record["floor_db"]),
        float(record["strength_db"]),
    )


def _levels(state: np.void) -> tuple[float, float]:
    levels = state["levels"]
    newest = (int(levels["steps"]) - 1) % len(levels["level_db"])
    return _sum_db(levels["level_db"][newest]), _sum_db(levels["floor_db"][newest])


def _sum_db(levels_db: NDArray[np.float64]) -> float:
    return float(10.0 * np.log10(np.sum(10.0 ** (0.1 * levels_db))))
