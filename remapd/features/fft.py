"""The only Fourier transform: of real frames whose size is a power of two from 16 to 8192.

The even samples become the real and the odd ones the imaginary part of a complex frame of half the size, which is
transformed by Stockham's self-sorting algorithm in steps of radix 4 (and one of radix 2 where the size asks for it) and
then separated. Real and imaginary parts lie in arrays of their own, so that the inner loops run on neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.errors import FieldError

MIN_SIZE = 16
MAX_SIZE = 8192

_HALF = MAX_SIZE // 2
STATE = np.dtype(
    [
        ("size", np.int64),
        # exp(-2 pi i k / (size / 2)): the steps' factors
        ("step_re", np.float64, (_HALF,)),
        ("step_im", np.float64, (_HALF,)),
        # exp(-2 pi i k / size): the separation's factors
        ("split_re", np.float64, (_HALF,)),
        ("split_im", np.float64, (_HALF,)),
        ("a_re", np.float64, (_HALF,)),
        ("a_im", np.float64, (_HALF,)),
        ("b_re", np.float64, (_HALF,)),
        ("b_im", np.float64, (_HALF,)),
        # the spectrum, bins 0 to size / 2
        ("re", np.float64, (_HALF + 1,)),
        ("im", np.float64, (_HALF + 1,)),
    ],
    align=True,
)


def prepare(state: Any, size: int) -> None:
    """Fill the tables of a state for frames of `size` samples.

    Raises
    ------
    FieldError
        If `size` is no power of two from `MIN_SIZE` to `MAX_SIZE`.
    """
    if not MIN_SIZE <= size <= MAX_SIZE or size & (size - 1):
        raise FieldError("fft_size", f"a power of two from {MIN_SIZE} to {MAX_SIZE}", size)
    half = size // 2
    k = np.arange(half)
    state["size"] = size
    for name, turns in (("step", k / half), ("split", k / size)):
        state[f"{name}_re"][:half] = np.cos(2.0 * np.pi * turns)
        state[f"{name}_im"][:half] = -np.sin(2.0 * np.pi * turns)
    for name in ("a_re", "a_im", "b_re", "b_im", "re", "im"):
        state[name][: half + 1] = 0.0


@compiled
def transform(state: Any, frame: Any) -> None:
    """Set ``state.re`` and ``state.im`` to bins 0 to size / 2 of ``frame[:size]``."""
    half = state.size // 2
    x_re, x_im, y_re, y_im = state.a_re, state.a_im, state.b_re, state.b_im
    for i in range(half):
        x_re[i] = frame[2 * i]
        x_im[i] = frame[2 * i + 1]
    length, stride = half, 1
    while length >= 4:
        _radix_4(state, x_re, x_im, y_re, y_im, length, stride)
        x_re, x_im, y_re, y_im = y_re, y_im, x_re, x_im
        length, stride = length // 4, stride * 4
    if length == 2:
        _radix_2(x_re, x_im, y_re, y_im, stride)
        x_re, x_im = y_re, y_im
    _separate(state, x_re, x_im, half)


@compiled
def _radix_4(state: Any, x_re: Any, x_im: Any, y_re: Any, y_im: Any, length: int, stride: int) -> None:
    quarter = length // 4
    hop = quarter * stride
    for p in range(quarter):
        k = p * stride
        w1_re, w1_im = state.step_re[k], state.step_im[k]
        w2_re, w2_im = state.step_re[2 * k], state.step_im[2 * k]
        w3_re, w3_im = state.step_re[3 * k], state.step_im[3 * k]
        for i in range(k, k + stride):
            o = i + 3 * k
            even_re, even_im = x_re[i] + x_re[i + 2 * hop], x_im[i] + x_im[i + 2 * hop]
            less_re, less_im = x_re[i] - x_re[i + 2 * hop], x_im[i] - x_im[i + 2 * hop]
            odd_re, odd_im = x_re[i + hop] + x_re[i + 3 * hop], x_im[i + hop] + x_im[i + 3 * hop]
            # times i: the quarter turn between the two odd terms
            turn_re, turn_im = x_im[i + 3 * hop] - x_im[i + hop], x_re[i + hop] - x_re[i + 3 * hop]
            y_re[o], y_im[o] = even_re + odd_re, even_im + odd_im
            re, im = less_re - turn_re, less_im - turn_im
            y_re[o + stride], y_im[o + stride] = re * w1_re - im * w1_im, re * w1_im + im * w1_re
            re, im = even_re - odd_re, even_im - odd_im
            y_re[o + 2 * stride], y_im[o + 2 * stride] = re * w2_re - im * w2_im, re * w2_im + im * w2_re
            re, im = less_re + turn_re, less_im + turn_im
            y_re[o + 3 * stride], y_im[o + 3 * stride] = re * w3_re - im * w3_im, re * w3_im + im * w3_re


@compiled
def _radix_2(x_re: Any, x_im: Any, y_re: Any, y_im: Any, stride: int) -> None:
    for i in range(stride):
        y_re[i], y_im[i] = x_re[i] + x_re[i + stride], x_im[i] + x_im[i + stride]
        y_re[i + stride], y_im[i + stride] = x_re[i] - x_re[i + stride], x_im[i] - x_im[i + stride]


@compiled
def _separate(state: Any, z_re: Any, z_im: Any, half: int) -> None:
    """Take the spectra of the even and odd samples apart and join them to that of the frame."""
    re, im, w_re, w_im = state.re, state.im, state.split_re, state.split_im
    re[0], im[0] = z_re[0] + z_im[0], 0.0
    re[half], im[half] = z_re[0] - z_im[0], 0.0
    for k in range(1, half):
        even_re, even_im = 0.5 * (z_re[k] + z_re[half - k]), 0.5 * (z_im[k] - z_im[half - k])
        odd_re, odd_im = 0.5 * (z_im[k] + z_im[half - k]), 0.5 * (z_re[half - k] - z_re[k])
        re[k] = even_re + odd_re * w_re[k] - odd_im * w_im[k]
        im[k] = even_im + odd_re * w_im[k] + odd_im * w_re[k]
