"""Second-order filters of `remapd.dsp.biquad`, differentiable in the signal, the cutoff and Q.

The bilinear transform with ``K = tan(pi fc / sr)`` and ``D = 1 + K/Q + K^2``: ``a1 = 2 (K^2 - 1) / D``,
``a2 = (1 - K/Q + K^2) / D``, and above it ``(1, -2, 1) / D`` for the high-pass, ``(K/Q, 0, -K/Q) / D`` for the
band-pass (gain 1 at its centre) and ``K^2 (1, 2, 1) / D`` for the low-pass.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.dsp.biquad import HIGHEST_CUTOFF
from remapd.training.ddsp.compiled import has_kernel, run_rows
from remapd.training.kernels import biquad as kernel

_NEPERS_A_DB = math.log(10.0) / 20.0


def db_amplitude(gain_db: Tensor) -> Tensor:
    """Amplitude of a level in dB."""
    return torch.exp(gain_db * _NEPERS_A_DB)


def high_pass(x: Tensor, cutoff_hz: Tensor, q: Tensor, sample_rate: float) -> Tensor:
    """Filter each row from an empty state; a cutoff above `HIGHEST_CUTOFF` of the rate is held there.

    Parameters
    ----------
    x : Tensor, shape (hits, frames)
        Signals.
    cutoff_hz, q : Tensor, shape (hits,)
        Cutoff in Hz and resonance of each row's filter.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    return filtered(x, *high_pass_coefficients(cutoff_hz, q, sample_rate))


def high_pass_coefficients(cutoff_hz: Tensor, q: Tensor, sample_rate: float) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of `high_pass`, as `filtered` takes them."""
    k = _warped(cutoff_hz, sample_rate)
    one = torch.ones_like(k)
    return torch.stack([one, -2.0 * one, one]), _denominator(k, q)


def band_pass(x: Tensor, cutoff_hz: Tensor, q: Tensor, sample_rate: float) -> Tensor:
    """Filter as `high_pass` does, around a centre frequency at which the gain is 1."""
    k = _warped(cutoff_hz, sample_rate)
    return filtered(x, torch.stack([k / q, torch.zeros_like(k), -k / q]), _denominator(k, q))


def low_pass(x: Tensor, cutoff_hz: Tensor, q: Tensor, sample_rate: float) -> Tensor:
    """Filter as `high_pass` does, below the cutoff."""
    k = _warped(cutoff_hz, sample_rate)
    return filtered(x, torch.stack([k * k, 2.0 * k * k, k * k]), _denominator(k, q))


def _warped(cutoff_hz: Tensor, sample_rate: float) -> Tensor:
    return torch.tan(math.pi * (cutoff_hz / sample_rate).clamp(max=HIGHEST_CUTOFF))


def _denominator(k: Tensor, q: Tensor) -> Tensor:
    return torch.stack([1.0 + k / q + k * k, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k])


def filtered(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Filter each row by its coefficients, from an empty state.

    Parameters
    ----------
    x : Tensor, shape (hits, frames)
        Signals.
    b, a : Tensor, shape (3, hits)
        Numerators and denominators; they need not be normalised.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    if has_kernel(x, b, a):
        return _Filtered.apply(x, b, a)  # type: ignore[no-any-return,no-untyped-call]
    return reference_filtered(x, b, a)


def reference_filtered(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """What `filtered` is, in plain PyTorch."""
    b, a = b / a[0], a / a[0]
    matrix = torch.stack([torch.stack([-a[1], torch.ones_like(a[1])]), torch.stack([-a[2], torch.zeros_like(a[2])])])
    drive = torch.stack([b[1] - a[1] * b[0], b[2] - a[2] * b[0]], dim=1)[:, :, None] * x[:, None, :]
    after = _linear_recurrence(matrix.permute(2, 0, 1), drive)[:, 0]
    return b[0][:, None] * x + torch.nn.functional.pad(after[:, :-1], (1, 0))


def _linear_recurrence(matrix: Tensor, drive: Tensor) -> Tensor:
    """States ``s[n] = A s[n-1] + drive[n]`` of all `n` at once.

    After `k` rounds each state holds the last ``2^k`` terms of ``sum A^m drive[n-m]``; a round doubles them (Hillis and
    Steele, "Data parallel algorithms", 1986). Shapes (hits, 2, 2) and (hits, 2, frames).
    """
    states, power, reach, frames = drive, matrix, 1, drive.shape[2]
    while reach < frames:
        states = states + power @ torch.nn.functional.pad(states[:, :, :-reach], (reach, 0))
        power, reach = power @ power, 2 * reach
    return states


class _Filtered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, b: Tensor, a: Tensor) -> Tensor:
        y = torch.empty_like(x, memory_format=torch.contiguous_format)
        run_rows(kernel.forward, len(x), x, b, a, y)
        ctx.save_for_backward(x, y, b, a)
        return y

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        x, y, b, a = ctx.saved_tensors
        by_x, by_b, by_a = (torch.empty_like(of, memory_format=torch.contiguous_format) for of in (x, b, a))
        run_rows(kernel.backward, len(x), gradient, x, y, b, a, by_x, by_b, by_a)
        return by_x, by_b, by_a
