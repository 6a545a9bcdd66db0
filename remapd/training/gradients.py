"""Changes to gradients that keep a training with large steps together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def held_in_unit_range(x: Tensor) -> Tensor:
    """Clamp to 0..1, with a gradient outside too where it leads back.

    The gradient of a plain clamp is 0 outside, so that what has left the range stays there.
    """
    return _HeldInUnitRange.apply(x)


class _HeldInUnitRange(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(0.0, 1.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        leads_out = ((x < 0.0) & (gradient > 0.0)) | ((x > 1.0) & (gradient < 0.0))
        return gradient.masked_fill(leads_out, 0.0)


def limited_to_median(gradient: Tensor) -> Tensor:
    """Gradients (hits, n), none of them longer than their median: a single hit cannot lead all others away."""
    length = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    return gradient * (length.median() / length.clamp(min=1e-300)).clamp(max=1.0)
