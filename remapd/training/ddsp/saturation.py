"""The soft clipper that mixes the paths of a voice, differentiable."""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.training.ddsp.compiled import has_kernel, run_rows
from remapd.training.kernels import saturation as kernel


def soft_clip(*paths: Tensor) -> Tensor:
    """Hyperbolic tangent of the sum of one or more paths.

    Parameters
    ----------
    *paths : Tensor, shape (hits, frames)

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    if has_kernel(*paths):
        return _SoftClip.apply(*paths)  # type: ignore[no-any-return,no-untyped-call]
    return reference_soft_clip(*paths)


def reference_soft_clip(*paths: Tensor) -> Tensor:
    """What `soft_clip` is, in plain PyTorch."""
    return torch.tanh(reduce(torch.add, paths))


class _SoftClip(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *paths: Tensor) -> Tensor:
        out = torch.empty_like(paths[0], memory_format=torch.contiguous_format)
        run_rows(kernel.forward, len(out), out, *paths)
        ctx.save_for_backward(out)
        ctx.paths = len(paths)
        return out

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        (out,) = ctx.saved_tensors
        by_sum = torch.empty_like(out)
        run_rows(kernel.backward, len(out), gradient, out, by_sum)
        return (by_sum,) * ctx.paths
