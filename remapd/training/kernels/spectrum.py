"""Centroid and flatness of a frame from its bare spectrum, and the gradient by that spectrum.

A window that is a short cosine series is a short convolution of the spectrum: ``w = sum c_j cos(2 pi j n / N)`` makes
of bin `k` the sum of ``c_j / 2`` times bins ``k - j`` and ``k + j``. So one transform serves both windows, and one
inverse transform returns both gradients: such a convolution is its own adjoint.

Logarithms are taken of products of eight bins, `_COLUMNS` apart: their sum is all that flatness needs, and the sum with
the bin's number as a factor, for the centroid, needs besides the product of ``x_j^j``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.approximation import log2
from remapd.dsp.kernel import compiled
from remapd.training.long_term import FRAME, TRAINING_RATE_HZ

# Cosine series of the flat-top window (SciPy's `flattop`) and of Hann's.
FLAT_TOP = (0.21557895, -0.41663158, 0.277263158, -0.083578947, 0.006947368)
HANN = (0.5, -0.5)
LEAST_MAGNITUDE = 1e-4
LEAST_POWER = 1e-10

_LAST = FRAME // 2
BINS = _LAST + 1
_COLUMNS = _LAST // 8
_BIN_HZ = TRAINING_RATE_HZ / FRAME
# The spectrum goes on in mirror image at either end, as far as the windows reach.
_MARGIN = len(FLAT_TOP) - 1
_T0, _T1, _T2, _T3, _T4 = FLAT_TOP[0], FLAT_TOP[1] / 2, FLAT_TOP[2] / 2, FLAT_TOP[3] / 2, FLAT_TOP[4] / 2
_H0, _H1 = HANN[0], HANN[1] / 2
_LN_2 = math.log(2.0)
_DB_PER_NEPER = 20.0 / math.log(10.0)

_ROW = (np.float64, (BINS,))
_WIDE = (np.float64, (BINS + 2 * _MARGIN,))
_COLUMN = (np.float64, (_COLUMNS,))
#: Memory to work in, of one thread.
WORK = np.dtype(
    [
        ("re", *_WIDE),
        ("im", *_WIDE),
        ("flat_re", *_WIDE),
        ("flat_im", *_WIDE),
        ("hann_re", *_WIDE),
        ("hann_im", *_WIDE),
        ("magnitude", *_ROW),
        ("power", *_ROW),
        ("compressed", *_COLUMN),
        ("moment", *_COLUMN),
        ("total", *_COLUMN),
        ("logarithm", *_COLUMN),
    ],
    align=True,
)

#: What the gradient needs to know of a frame.
SUMS = np.dtype(
    [
        ("compressed", np.float64),  # sum of the compressed magnitudes
        ("centroid_hz", np.float64),
        ("mean_power", np.float64),
        ("ratio", np.float64),  # geometric over arithmetic mean of the power
    ],
    align=True,
)


@compiled
def measure(work: Any, spectrum: Any, sums: Any) -> None:
    """Set a frame's `sums` from its spectrum, `BINS` pairs of a real and an imaginary part."""
    _load(work, spectrum)
    _window(work)
    _sum_columns(work)
    last_magnitude, last_power = (
        _floored(work.magnitude[_LAST], LEAST_MAGNITUDE),
        _floored(work.power[_LAST], LEAST_POWER),
    )
    last = math.log1p(last_magnitude)
    sums.compressed = _sum(work.compressed) * _LN_2 + last
    sums.centroid_hz = (_sum(work.moment) * _LN_2 + last * _LAST) * _BIN_HZ / sums.compressed
    sums.mean_power = (_sum(work.total) + last_power) / BINS
    sums.ratio = math.exp((_sum(work.logarithm) * _LN_2 + math.log(last_power)) / BINS) / sums.mean_power


@compiled
def _load(work: Any, spectrum: Any) -> None:
    re, im = work.re, work.im
    for k in range(BINS):
        re[k + _MARGIN] = spectrum[2 * k]
        im[k + _MARGIN] = spectrum[2 * k + 1]
    _mirror(re, im)


@compiled
def _mirror(re: Any, im: Any) -> None:
    for k in range(1, _MARGIN + 1):
        re[_MARGIN - k], im[_MARGIN - k] = re[_MARGIN + k], -im[_MARGIN + k]
        re[_MARGIN + _LAST + k], im[_MARGIN + _LAST + k] = re[_MARGIN + _LAST - k], -im[_MARGIN + _LAST - k]


@compiled
def _window(work: Any) -> None:
    re, im, magnitude, power = work.re, work.im, work.magnitude, work.power
    flat_re, flat_im, hann_re, hann_im = work.flat_re, work.flat_im, work.hann_re, work.hann_im
    for k in range(BINS):
        a, b = _flat_top(re, k), _flat_top(im, k)
        flat_re[k + _MARGIN] = a
        flat_im[k + _MARGIN] = b
        magnitude[k] = math.sqrt(a * a + b * b)
    for k in range(BINS):
        a, b = _hann(re, k), _hann(im, k)
        hann_re[k + _MARGIN] = a
        hann_im[k + _MARGIN] = b
        power[k] = a * a + b * b


@compiled
def _flat_top(x: Any, k: int) -> float:
    """Bin `k` under the window; it lies `_MARGIN` further in `x`."""
    inner = _T0 * x[k + 4] + _T1 * (x[k + 3] + x[k + 5])
    return (inner + _T2 * (x[k + 2] + x[k + 6])) + (_T3 * (x[k + 1] + x[k + 7]) + _T4 * (x[k] + x[k + 8]))


@compiled
def _hann(x: Any, k: int) -> float:
    return _H0 * x[k + 4] + _H1 * (x[k + 3] + x[k + 5])


@compiled
def _floored(x: float, least: float) -> float:
    return x if x > least else least


@compiled
def _sum_columns(work: Any) -> None:
    magnitude, power = work.magnitude, work.power
    compressed, moment, total, logarithm = work.compressed, work.moment, work.total, work.logarithm
    for b in range(_COLUMNS):
        product, weighted = 1.0, 1.0
        for j in range(7, 0, -1):
            product *= 1.0 + _floored(magnitude[b + j * _COLUMNS], LEAST_MAGNITUDE)
            weighted *= product
        product *= 1.0 + _floored(magnitude[b], LEAST_MAGNITUDE)
        compressed[b] = log2(product)
        moment[b] = b * compressed[b] + _COLUMNS * log2(weighted)
    for b in range(_COLUMNS):
        product, added = 1.0, 0.0
        for j in range(8):
            x = _floored(power[b + j * _COLUMNS], LEAST_POWER)
            product *= x
            added += x
        total[b] = added
        logarithm[b] = log2(product)


@compiled
def _sum(x: Any) -> float:
    """Sum in four lanes: a single one would wait for each addition."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for i in range(0, _COLUMNS, 4):
        a += x[i]
        b += x[i + 1]
        c += x[i + 2]
        d += x[i + 3]
    return (a + b) + (c + d)


@compiled
def differentiate(work: Any, spectrum: Any, sums: Any, by_centroid_hz: float, by_ratio: float, gradient: Any) -> None:
    """Gradient by a frame's spectrum, so that the inverse transform without a factor is that by its samples.

    Parameters
    ----------
    work : record of WORK
        Changed.
    spectrum : array of float, shape (2 BINS,)
        As for `measure`.
    sums : record of SUMS
        As `measure` left it.
    by_centroid_hz, by_ratio : float
        Gradient by the frame's centroid and by its ratio.
    gradient : array of float, shape (2 BINS,)
        Set: pairs of a real and an imaginary part.
    """
    _load(work, spectrum)
    _window(work)
    _pull_centroid(work, by_centroid_hz * _BIN_HZ / sums.compressed, sums.centroid_hz / _BIN_HZ)
    _pull_ratio(work, by_ratio * sums.ratio / BINS, 1.0 / sums.mean_power)
    _unwindow(work, gradient)


@compiled
def _pull_centroid(work: Any, slope: float, centre: float) -> None:
    """From the windowed spectrum to half the gradient by it; a floored magnitude has none."""
    re, im, magnitude = work.flat_re, work.flat_im, work.magnitude
    for k in range(BINS):
        m = magnitude[k]
        pull = 0.5 * slope * (k - centre) / ((1.0 + m) * m)
        pull = pull if m > LEAST_MAGNITUDE else 0.0
        re[k + _MARGIN] *= pull
        im[k + _MARGIN] *= pull
    _double_ends(re, im)
    _mirror(re, im)


@compiled
def _pull_ratio(work: Any, slope: float, inverse_mean: float) -> None:
    """As `_pull_centroid`; the half and the square's two cancel."""
    re, im, power = work.hann_re, work.hann_im, work.power
    for k in range(BINS):
        p = power[k]
        pull = slope * (1.0 / p - inverse_mean)
        pull = pull if p > LEAST_POWER else 0.0
        re[k + _MARGIN] *= pull
        im[k + _MARGIN] *= pull
    _double_ends(re, im)
    _mirror(re, im)


@compiled
def _double_ends(re: Any, im: Any) -> None:
    """The first and the last bin are their own mirror images."""
    for k in (_MARGIN, _MARGIN + _LAST):
        re[k] *= 2.0
        im[k] *= 2.0


@compiled
def _unwindow(work: Any, gradient: Any) -> None:
    flat_re, flat_im, hann_re, hann_im = work.flat_re, work.flat_im, work.hann_re, work.hann_im
    for k in range(BINS):
        gradient[2 * k] = _flat_top(flat_re, k) + _hann(hann_re, k)
        gradient[2 * k + 1] = _flat_top(flat_im, k) + _hann(hann_im, k)
