"""What was heard of what was played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remapd.demo.performance import Performance
from remapd.engine.events import HitEvent

Array = NDArray[np.float64]

#: A hit belongs to a stroke that is no further away than this.
TOLERANCE_S = 0.010
#: A stroke that stands out by less than this is buried in the ring of the one before.
LEAST_JUMP_DB = 3.0

_AFTER_S, _BEFORE_S = 0.004, 0.006


@dataclass(frozen=True, slots=True)
class Part:
    """Counts within one part of a performance.

    Attributes
    ----------
    name : str
    clear : int
        Strokes that stand out.
    found : int
        Those of them that were heard.
    buried : int
        Strokes in the ring of the one before.
    """

    name: str
    clear: int
    found: int
    buried: int


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of strokes and hits, and times in ms.

    Attributes
    ----------
    parts : tuple of Part
        The parts that were played.
    false : int
        Hits where nothing was played.
    onset_error_ms, sounds_after_ms : float
        Medians over the strokes that were heard: the onset as reported, and the start of the synthesiser's sound, after
        the true onset. Not a number if none was heard.
    """

    parts: tuple[Part, ...]
    false: int
    onset_error_ms: float
    sounds_after_ms: float

    @property
    def clear(self) -> int:
        """Strokes that stand out."""
        return sum(part.clear for part in self.parts)

    @property
    def found(self) -> int:
        """Strokes that stand out and were heard."""
        return sum(part.found for part in self.parts)

    @property
    def buried(self) -> int:
        """Strokes that are buried in the ring of the one before."""
        return sum(part.buried for part in self.parts)

    @property
    def missed(self) -> int:
        """Strokes that stand out and were not heard."""
        return self.clear - self.found


def score(performance: Performance, hits: Sequence[HitEvent]) -> Score:
    """Compare hits with the strokes that were truly played."""
    true = np.array([stroke.time_s for stroke in performance.strokes])
    found = np.array([hit.onset_s for hit in hits])
    pairs = matched(true, found, TOLERANCE_S)
    clear = np.array([jump_db(performance, time_s) >= LEAST_JUMP_DB for time_s in true], dtype=bool)
    heard = np.zeros(len(true), dtype=bool)
    heard[[stroke for stroke, _ in pairs]] = True
    return Score(
        parts=_by_part(performance, true, clear, heard),
        false=len(hits) - len(pairs),
        onset_error_ms=_median_ms([found[hit] - true[stroke] for stroke, hit in pairs]),
        sounds_after_ms=_median_ms([hits[hit].trigger_s - true[stroke] for stroke, hit in pairs]),
    )


def _by_part(
    performance: Performance, true: Array, clear: NDArray[np.bool_], heard: NDArray[np.bool_]
) -> tuple[Part, ...]:
    ends = [start for _, start in performance.parts[1:]] + [np.inf]
    parts = []
    for (name, start), end in zip(performance.parts, ends, strict=True):
        within = (true >= start) & (true < end)
        if within.any():
            counts = (within & clear, within & clear & heard, within & ~clear)
            parts.append(Part(name, *(int(count.sum()) for count in counts)))
    return tuple(parts)


def matched(true: Array, found: Array, tolerance_s: float) -> list[tuple[int, int]]:
    """Pair times one to one, nearest first.

    Parameters
    ----------
    true, found : ndarray
        Times in seconds.
    tolerance_s : float
        Largest distance within a pair.

    Returns
    -------
    list of (int, int)
        Places in `true` and `found`, in the order of `true`.
    """
    distance = np.abs(true[:, np.newaxis] - found[np.newaxis, :])
    candidates = np.argwhere(distance <= tolerance_s)
    nearest = candidates[np.argsort(distance[tuple(candidates.T)], kind="stable")]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for stroke, hit in nearest.tolist():
        if stroke not in pairs and hit not in taken:
            pairs[stroke] = hit
            taken.add(hit)
    return sorted(pairs.items())


def jump_db(performance: Performance, time_s: float) -> float:
    """How far a stroke stands out: the peak of the 4 ms after its onset over that of the 6 ms before, in dB."""
    onset = round(time_s * performance.sample_rate)
    before = performance.samples[max(0, onset - round(_BEFORE_S * performance.sample_rate)) : onset]
    after = performance.samples[onset : onset + round(_AFTER_S * performance.sample_rate)]
    return float(20.0 * np.log10((_peak(after) + 1e-9) / (_peak(before) + 1e-9)))


def _peak(samples: NDArray[np.float32]) -> float:
    return float(np.max(np.abs(samples), initial=0.0))


def _median_ms(seconds: Sequence[float]) -> float:
    return 1000.0 * float(np.median(seconds)) if len(seconds) else float("nan")
