"""Losses between wanted and reached changes."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def feature_difference(reached: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """Mean of ``|y_hat - y|``, weighted (Shier et al., NIME 2024, where all weigh the same).

    Parameters
    ----------
    reached, wanted, weights : Tensor, shape (hits, 7)

    Returns
    -------
    Tensor, shape ()
    """
    return ((reached - wanted).abs() * weights).sum() / weights.sum()


def expected_difference(reached: Tensor, mean: Tensor, deviation: Tensor, weights: Tensor) -> Tensor:
    """Mean of ``|y_hat - y|`` that is to be expected of a normally distributed `y`, weighted.

    Parameters
    ----------
    reached, mean, deviation, weights : Tensor, shape (hits, 7)

    Returns
    -------
    Tensor, shape ()
    """
    distance = (reached - mean) / deviation
    spread = math.sqrt(2.0 / math.pi) * torch.exp(-0.5 * distance.square())
    expected = deviation * (spread + distance * torch.erf(distance / math.sqrt(2.0)))
    return (expected * weights).sum() / weights.sum()
