"""K-weighting (ITU-R BS.1770-4) of frames, each from an empty filter."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def k_weighting(sample_rate: float) -> NDArray[np.float64]:
    """Coefficients of both stages at any rate.

    The recommendation gives a table for 48 kHz; this is the bilinear transform of the two analogue prototypes behind
    it, as libebur128 does, which returns that table at 48 kHz.

    Parameters
    ----------
    sample_rate : float
        In Hz.

    Returns
    -------
    array of float, shape (2, 2, 3)
        Of the shelf and of the high-pass: numerator and denominator, the denominator's first coefficient being 1.
    """
    return np.stack([_shelf(sample_rate), _high_pass(sample_rate)])


def _shelf(sample_rate: float) -> NDArray[np.float64]:
    k, q = math.tan(math.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    high = 10.0 ** (3.999843853973347 / 20.0)
    band = high**0.4996667741545416
    b = [high + band * k / q + k * k, 2.0 * (k * k - high), high - band * k / q + k * k]
    a = _denominator(k, q)
    return np.array([b, a]) / a[0]


def _high_pass(sample_rate: float) -> NDArray[np.float64]:
    k, q = math.tan(math.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    a = _denominator(k, q)
    return np.array([[1.0, -2.0, 1.0], np.array(a) / a[0]])  # the numerator as in the recommendation, not normalised


def _denominator(k: float, q: float) -> list[float]:
    return [1.0 + k / q + k * k, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k]
