"""Losses between wanted and reached changes."""

from __future__ import annotations

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
