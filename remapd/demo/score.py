"""What was heard of what was played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from remapd.demo.performance import Performance
from remapd.engine.events import HitEvent

#: A hit belongs to a stroke that is no further away than this.
TOLERANCE_S = 0.010
#: A stroke that stands out by less than this is buried in the ring of the one before.
LEAST_JUMP_DB = 3.0

_AFTER_S, _BEFORE_S = 0.004, 0.006


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of strokes and hits, and times in ms.

    Attributes
    ----------
    played, buried : int
        Strokes, and those among them that are buried in the ring of the stroke before.
    found, missed : int
        Of the strokes that are not buried.
    found_buried : int
        Of those that are.
    false : int
        Hits where nothing was played.
    onset_error_ms, sound_after_ms : float
        Medians over the found strokes: the onset as reported, and the start of the synthesiser's sound, after the
        true onset. Not a number if nothing was found.
    """

    played: int
    buried: int
    found: int
    missed: int
    found_buried: int
    false: int
    onset_error_ms: float
    sound_after_ms: float


def score(performance: Performance, hits: Sequence[HitEvent]) -> Score:
    """Compare hits with the strokes that were truly played."""
    true = np.array([stroke.time_s for stroke in performance.strokes])
    found = np.array([hit.onset_s for hit in hits])
    pairs = matched(true, found, TOLERANCE_S)
    jump = np.array([jump_db(performance, time_s) for time_s in true])
    clear = jump >= LEAST_JUMP_DB
    strokes = np.array([stroke for stroke, _ in pairs], dtype=int)
    errors = [found[hit] - true[stroke] for stroke, hit in pairs]
    delays = [hits[hit].trigger_s - true[stroke] for stroke, hit in pairs]
    return Score(
        played=len(true),
        buried=int((~clear).sum()),
        found=int(clear[strokes].sum()),
        missed=int(clear.sum() - clear[strokes].sum()),
        found_buried=int((~clear)[strokes].sum()),
        false=len(hits) - len(pairs),
        onset_error_ms=_median_ms(errors),
        sound_after_ms=_median_ms(delays),
    )


def matched(true: np.ndarray, found: np.ndarray, tolerance_s: float) -> list[tuple[int, int]]:
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


def _peak(samples: np.ndarray) -> float:
    return float(np.max(np.abs(samples), initial=0.0))


def _median_ms(seconds: Sequence[float]) -> float:
    return 1000.0 * float(np.median(seconds)) if len(seconds) else float("nan")
