"""What of a change can be foreseen from the onset features, and how surely.

No two hits that begin alike go on alike: a mapper that follows each hit learns its noise. A Gaussian process (Rasmussen
and Williams, "Gaussian Processes for Machine Learning", 2006, equations 2.25, 2.26 and 5.8) tells the two apart, with
the covariance ``c^2 exp(-1/2 sum (d_i / l_i)^2) + b^2 (x x' + 1)`` and noise; lengths `l`, `c`, `b` and the noise are
those of the greatest likelihood under weak priors.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

#: Of fewer hits nothing is to be learnt.
FEWEST_HITS = 3
#: More hits are thinned out to so many; time grows with their cube.
MOST_HITS = 300

# Logarithms of what is typical for inputs and targets of unit variance: of the lengths, and of curve, slope and noise.
_LENGTH, _OTHERS = np.log(2.5), np.log([1.0, 0.5, 0.3])
_BOUNDS = ((-2.0, 5.0), ((-4.0, 3.0), (-5.0, 3.0), (-4.0, 1.0)))
_ITERATIONS = 40
_JITTER = 1e-6

Matrix = NDArray[np.float64]


def foreseen(x: Tensor, y: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of what hits can be expected to have.

    Parameters
    ----------
    x : Tensor, shape (hits, features)
        Onset features of the hits that are known; float64.
    y : Tensor, shape (hits,)
        What is to be foreseen.
    at : Tensor, shape (others, features)
        Onset features of others, or of the same.

    Returns
    -------
    mean, deviation : Tensor, shape (others,)
        The deviation holds the noise too. 0 and 1 where there are fewer than `FEWEST_HITS` to learn from.
    """
    if len(y) < FEWEST_HITS:
        return at.new_zeros(len(at)), at.new_ones(len(at))
    x, y = _thinned(x, y)
    centre, scale = x.mean(0), x.std(0) + 1e-9
    mean, deviation = y.mean(), y.std() + 1e-9
    inputs, targets, places = (x - centre) / scale, (y - mean) / deviation, (at - centre) / scale
    logarithms = _most_likely(inputs, targets)
    factor = torch.linalg.cholesky(_noisy(_covariance(inputs, inputs, logarithms), logarithms))
    shared = _covariance(inputs, places, logarithms)
    explained = torch.linalg.solve_triangular(factor, shared, upper=False)
    foreseen_mean = explained.T @ torch.linalg.solve_triangular(factor, targets[:, None], upper=False)
    curve, slope, noise = (2.0 * logarithms[-3:]).exp()
    variance = curve + slope * (places.square().sum(1) + 1.0) - explained.square().sum(0)
    return mean + deviation * foreseen_mean[:, 0], deviation * (variance.clamp(min=0.0) + noise).sqrt()


def _thinned(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """At most `MOST_HITS` hits, evenly over `y`."""
    if len(y) <= MOST_HITS:
        return x, y
    chosen = y.argsort(stable=True)[torch.linspace(0, len(y) - 1, MOST_HITS).round().long()]
    return x[chosen], y[chosen]


def _most_likely(x: Tensor, y: Tensor) -> Tensor:
    """Logarithms of lengths, curve, slope and noise."""
    typical = np.concatenate([np.full(x.shape[1], _LENGTH), _OTHERS])
    bounds = [_BOUNDS[0]] * x.shape[1] + list(_BOUNDS[1])

    def unlikelihood(values: Matrix) -> tuple[float, Matrix]:
        logarithms = torch.from_numpy(values.copy()).requires_grad_()
        prior = 0.5 * (logarithms - torch.from_numpy(typical)).square().sum()
        loss = _unlikelihood(x, y, logarithms) + prior
        (gradient,) = torch.autograd.grad(loss, logarithms)
        return loss.item(), gradient.numpy()

    found = minimize(
        unlikelihood, typical, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _ITERATIONS}
    )
    return torch.from_numpy(found.x)


def _unlikelihood(x: Tensor, y: Tensor, logarithms: Tensor) -> Tensor:
    """Negative logarithm of the likelihood, but for a constant."""
    factor = torch.linalg.cholesky(_noisy(_covariance(x, x, logarithms), logarithms))
    whitened = torch.linalg.solve_triangular(factor, y[:, None], upper=False)
    return 0.5 * whitened.square().sum() + factor.diagonal().log().sum()


def _covariance(x: Tensor, others: Tensor, logarithms: Tensor) -> Tensor:
    curve, slope, _ = (2.0 * logarithms[-3:]).exp()
    lengths = logarithms[:-3].exp()
    apart = (x[:, None] / lengths - others / lengths).square().sum(2)
    return curve * torch.exp(-0.5 * apart) + slope * (x @ others.T + 1.0)


def _noisy(covariance: Tensor, logarithms: Tensor) -> Tensor:
    return covariance + ((2.0 * logarithms[-1]).exp() + _JITTER) * torch.eye(len(covariance), dtype=covariance.dtype)
