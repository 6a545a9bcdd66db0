"""How well detected onsets agree with the true ones; knows nothing of remapd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Score:
    """Counts of one comparison, and the lags of the matched detections in seconds."""

    matched: int
    missed: int
    false: int
    lags_s: NDArray[np.float64]

    @property
    def precision(self) -> float:
        """Matched detections among all; 1 where nothing was detected."""
        return self.matched / (self.matched + self.false) if self.matched + self.false else 1.0

    @property
    def recall(self) -> float:
        """Matched onsets among all; 1 where there was none."""
        return self.matched / (self.matched + self.missed) if self.matched + self.missed else 1.0

    @property
    def f_measure(self) -> float:
        """Harmonic mean of precision and recall."""
        total = 2 * self.matched + self.missed + self.false
        return 2 * self.matched / total if total else 1.0

    def lag_ms(self, percentile: float = 50.0) -> float:
        """Percentile of the lag of the matched detections in ms; NaN without any."""
        return 1000.0 * float(np.percentile(self.lags_s, percentile)) if len(self.lags_s) else float("nan")


def pairs_within(
    true_s: NDArray[np.float64], detected_s: NDArray[np.float64], window_s: float
) -> list[tuple[int, int]]:
    """One-to-one pairs no further apart than `window_s`, as many as possible; both inputs ascending."""
    pairs, i, j = [], 0, 0
    while i < len(true_s) and j < len(detected_s):
        if abs(detected_s[j] - true_s[i]) <= window_s:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif detected_s[j] < true_s[i]:
            j += 1
        else:
            i += 1
    return pairs


def score(true_s: ArrayLike, detected_s: ArrayLike, window_s: float, optional_s: ArrayLike = ()) -> Score:
    """Compare detections with true onsets.

    A detection that matches one of `optional_s` and no true onset counts neither as true nor as false.
    """
    true, detected = np.sort(np.asarray(true_s, float)), np.sort(np.asarray(detected_s, float))
    pairs = pairs_within(true, detected, window_s)
    taken = {j for _, j in pairs}
    rest = np.array([d for j, d in enumerate(detected) if j not in taken])
    excused = len(pairs_within(np.sort(np.asarray(optional_s, float)), rest, window_s))
    lags = np.array([detected[j] - true[i] for i, j in pairs])
    return Score(len(pairs), len(true) - len(pairs), len(rest) - excused, lags)
