"""Bessel functions of whole order and their zeros, as far as a drum head needs them.

NumPy has none of its own, and SciPy would be a large dependency for one small table.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_ANGLES = 128
_GRID_STEP = 0.1
_HALVINGS = 42


def bessel_j(order: ArrayLike, x: ArrayLike) -> Array:
    """Bessel function of the first kind, J_m(x), for whole orders.

    The trapezoidal rule over Bessel's integral, ``J_m(x) = 1/pi int_0^pi cos(m t - x sin t) dt`` (DLMF 10.9.2), is
    exact to rounding here because the integrand is periodic and even.

    Parameters
    ----------
    order, x : array_like
        Orders (whole, 0..100) and arguments (0..100), broadcast against each other.

    Returns
    -------
    ndarray
        Values, absolute error below 1e-13.
    """
    angle = (np.arange(_ANGLES) + 0.5) * (np.pi / _ANGLES)
    order = np.asarray(order, dtype=np.float64)[..., np.newaxis]
    x = np.asarray(x, dtype=np.float64)[..., np.newaxis]
    return np.asarray(np.mean(np.cos(order * angle - x * np.sin(angle)), axis=-1))


@cache
def bessel_zeros(limit: float) -> tuple[Array, Array]:
    """Every positive zero of every J_m up to `limit`, in rising order.

    Parameters
    ----------
    limit : float
        Largest zero wanted (up to 100).

    Returns
    -------
    orders, zeros : ndarray
        Order m and zero j_mn of each drum mode (m, n), both of one length.
    """
    # J_m has no zero at or below m, and its zeros lie more than 2.4 apart, so a coarse grid brackets each of them.
    orders = np.arange(int(limit) + 1)
    grid = np.arange(_GRID_STEP, limit + _GRID_STEP, _GRID_STEP)
    positive = bessel_j(orders[:, np.newaxis], grid) > 0.0
    row, column = np.nonzero(positive[:, 1:] != positive[:, :-1])
    # Far below its first zero J_m is smaller than rounding, where the sign means nothing.
    genuine = grid[column] > row
    row, column = row[genuine], column[genuine]
    zeros = _bisect(row, grid[column], grid[column + 1], positive[row, column])
    rising = np.argsort(zeros, kind="stable")
    rising = rising[zeros[rising] <= limit]
    return row[rising].astype(np.float64), zeros[rising]


def _bisect(order: NDArray[np.int64], low: Array, high: Array, low_positive: NDArray[np.bool_]) -> Array:
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        same = (bessel_j(order, middle) > 0.0) == low_positive
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return 0.5 * (low + high)
