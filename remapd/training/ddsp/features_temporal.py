"""Temporal centroid: where the energy of the first 125 ms has its centre.

The envelope is ``x^2`` convolved with a Hann window of 2048 samples and cut to the length of `x` ("same"). It enters
only through its sum and its first moment, and both are dot products of ``x^2`` with a weighting that is computed once:
what the convolution does to a sum is what the reversed window does to the weights of that sum.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remapd.training.long_term import FRAME, TEMPORAL_CENTROID_FRAMES, TRAINING_RATE_HZ


def temporal_centroid(sound: Tensor) -> Tensor:
    """Centre of the envelope in ms as ``0.03 ms^1.864``; shape (hits, frames) gives (hits,)."""
    power = sound[:, :TEMPORAL_CENTROID_FRAMES].square()
    return centre(power @ weightings(sound.device))


def centre(sums: Tensor) -> Tensor:
    """Temporal centroid of the envelope's sum and first moment; shape (hits, 2) gives (hits,)."""
    total, moment = sums.unbind(dim=1)
    return 0.03 * (moment / (total + 1e-8)) ** 1.864


@lru_cache
def weightings(device: torch.device) -> Tensor:
    """What each sample's power counts for the envelope's sum and for its first moment in ms; shape (frames, 2)."""
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FRAME) / FRAME)
    ms = 1000.0 * np.arange(TEMPORAL_CENTROID_FRAMES) / TRAINING_RATE_HZ
    columns = [_reversed_same(weights, hann) for weights in (np.ones_like(ms), ms)]
    return torch.from_numpy(np.stack(columns, axis=1)).to(device)


def _reversed_same(weights: NDArray[np.float64], window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convolution with the reversed window, cut so that it is the adjoint of one that is cut to the middle ("same")."""
    start = window.size // 2
    return np.convolve(weights, window[::-1])[start : start + weights.size]
