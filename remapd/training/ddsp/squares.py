"""The six square waves of `remapd.dsp.squares`, differentiable."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.dsp.squares import EDGE_HZ, FREQUENCIES_HZ, HIGHEST_EDGE, START_TURNS
from remapd.training.ddsp.compiled import has_kernel, run_rows
from remapd.training.ddsp.oscillator import sin_turns
from remapd.training.kernels import squares as kernel


def squares(ratio: Tensor, frames: int, sample_rate: float) -> Tensor:
    """Sum of the six oscillators from their start.

    Parameters
    ----------
    ratio : Tensor, shape (hits,)
        Factor on their frequencies.
    frames : int
        Length.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    if has_kernel(ratio):
        return _Squares.apply(ratio, frames, sample_rate)  # type: ignore[no-any-return,no-untyped-call]
    return reference_squares(ratio, frames, sample_rate)


def reference_squares(ratio: Tensor, frames: int, sample_rate: float) -> Tensor:
    """What `squares` is, in plain PyTorch."""
    index = torch.arange(frames, dtype=ratio.dtype, device=ratio.device)
    total = torch.zeros(len(ratio), frames, dtype=ratio.dtype, device=ratio.device)
    columns = (column.unbind(dim=1) for column in _tuned(ratio, sample_rate))
    for start_turns, increment, steepness in zip(START_TURNS, *columns, strict=True):
        total = total + torch.erf(steepness[:, None] * sin_turns(start_turns + increment[:, None] * index))
    return total


def _tuned(ratio: Tensor, sample_rate: float) -> tuple[Tensor, Tensor]:
    """Turns a frame and steepness of each oscillator, shape (hits, oscillators)."""
    frequency_hz = ratio[:, None] * torch.tensor(FREQUENCIES_HZ, dtype=ratio.dtype, device=ratio.device)
    edge_hz = min(EDGE_HZ, HIGHEST_EDGE * sample_rate)
    return frequency_hz / sample_rate, 0.5 * edge_hz / frequency_hz


class _Squares(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ratio: Tensor, frames: int, sample_rate: float) -> Tensor:
        out = ratio.new_empty(len(ratio), frames)
        if not ctx.needs_input_grad[0]:
            run_rows(kernel.forward, len(out), *_tuned(ratio, sample_rate), out)
            return out
        slope = torch.empty_like(out)
        run_rows(kernel.forward_with_slope, len(out), *_tuned(ratio, sample_rate), out, slope)
        ctx.save_for_backward(ratio, slope)
        return out

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        ratio, slope = ctx.saved_tensors
        return (gradient * slope).sum(dim=1) / ratio, None, None
