"""Which hits are trained on, which decide when to stop, and which only test: drawn evenly over loudness."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.errors import FieldError

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Split:
    """Indices of hits, ascending; each hit is in one of the three.

    Parameters
    ----------
    train, validation, test : ndarray of int64
        Indices.
    """

    train: Indices
    validation: Indices
    test: Indices

    def without_validation(self) -> Split:
        """Train on what was to validate with too."""
        return _split(np.concatenate([self.train, self.validation]), self.validation[:0], self.test)


def even_split(
    loudness_db: ArrayLike, seed: int, validation: float = 0.1, test: float = 0.1, reference: int | None = None
) -> Split:
    """Draw one hit for the test, and one for validation, out of each of as many equal ranks of loudness as are wanted.

    Parameters
    ----------
    loudness_db : array_like, shape (hits,)
        Loudness of each hit.
    seed : int
        The same seed draws the same hits.
    validation, test : float
        Parts of the hits, 0 to less than 1; unless it is 0, there is at least one.
    reference : int, optional
        A hit that is trained on whatever the seed: that which others are compared with differs from itself by nothing,
        and would be a test that anybody passes.

    Raises
    ------
    FieldError
        If nothing is left to train on.
    """
    order, random = _by_loudness(loudness_db), np.random.default_rng(seed)
    test_count, validation_count = _count(len(order), test, "test"), _count(len(order), validation, "validation")
    order, kept = order[order != reference], order[order == reference]
    if test_count + validation_count >= len(order):
        raise FieldError("split", f"more than {test_count + validation_count} hits to draw from", len(order))
    tested, rest = _drawn(order, test_count, random)
    validated, trained = _drawn(rest, validation_count, random)
    return _split(np.concatenate([trained, kept]), validated, tested)


def reference_hit(loudness_db: ArrayLike, horizon_s: ArrayLike) -> int:
    """Index of the hit that others are compared with: that of median loudness, among those that sound the longest.

    Parameters
    ----------
    loudness_db : array_like, shape (hits,)
        Loudness of the transient.
    horizon_s : array_like, shape (hits,)
        How long each sounds undisturbed. A quarter of the hits, and those that sound as long as one of these, are
        chosen from; where all hits ring out these are all.

    Raises
    ------
    FieldError
        If there are no hits.
    """
    loudness, horizon = np.asarray(loudness_db, np.float64), np.asarray(horizon_s, np.float64)
    if loudness.size == 0 or loudness.shape != horizon.shape:
        raise FieldError("loudness_db", "one number for each hit, and at least one hit", f"shape {loudness.shape}")
    long = horizon >= np.sort(horizon)[-math.ceil(horizon.size / 4)]
    return int(np.argmin(np.where(long, np.abs(loudness - np.median(loudness)), np.inf)))


def _by_loudness(loudness_db: ArrayLike) -> Indices:
    loudness = np.asarray(loudness_db, np.float64)
    if loudness.ndim != 1 or not np.isfinite(loudness).all():
        raise FieldError("loudness_db", "finite numbers in one dimension", f"shape {loudness.shape}")
    return np.argsort(loudness, kind="stable")


def _count(hits: int, part: float, field: str) -> int:
    if not 0.0 <= part < 1.0:
        raise FieldError(field, "a part from 0 to less than 1", part)
    return max(1, round(hits * part)) if part > 0.0 else 0


def _drawn(order: Indices, count: int, random: np.random.Generator) -> tuple[Indices, Indices]:
    """One of each of `count` stretches of `order`, and all others."""
    bounds = np.linspace(0, len(order), count + 1).round().astype(np.int64)
    places = np.array([random.integers(low, high) for low, high in pairwise(bounds)], np.int64)
    return order[places], np.delete(order, places)


def _split(train: Indices, validation: Indices, test: Indices) -> Split:
    return Split(np.sort(train), np.sort(validation), np.sort(test))
