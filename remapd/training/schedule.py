"""The course of the learning rate, as a function of what has happened so far: there is no state to keep."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: A loss has to fall by this part to count as an improvement; it keeps rounding from counting.
LEAST_FALL = 1e-4
# Part of a cosine schedule in which the rate rises.
_RISE = 0.1


def halved_on_plateau(learning_rate: float, patience: int, losses: Iterable[float]) -> float:
    """Learning rate after `losses`, halved whenever more than `patience` of them in a row brought no improvement."""
    best, waited = float("inf"), 0
    for loss in losses:
        waited = 0 if loss < best * (1.0 - LEAST_FALL) else waited + 1
        best = loss if waited == 0 else best
        if waited > patience:
            learning_rate, waited = 0.5 * learning_rate, 0
    return learning_rate


def along_cosine(learning_rate: float, done: float) -> float:
    """Learning rate after part `done` of the training, 0..1: a straight rise, then half a cosine down to 0."""
    if done < _RISE:
        return learning_rate * done / _RISE
    return learning_rate * 0.5 * (1.0 + math.cos(math.pi * (done - _RISE) / (1.0 - _RISE)))
