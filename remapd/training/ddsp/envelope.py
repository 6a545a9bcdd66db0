"""The percussive envelope of `remapd.dsp.envelope`, differentiable and without an end."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.dsp.envelope import DECAY_NEPERS
from remapd.training.ddsp.compiled import has_kernel, run_rows
from remapd.training.kernels import envelope as kernel


def attack_frames(sample_rate: float) -> int:
    """Length of the attack, 1 ms."""
    return max(1, math.floor(sample_rate / 1000.0))


def decay_nepers(decay_ms: Tensor, sample_rate: float) -> Tensor:
    """Logarithm of the decay's ratio from one frame to the next, ``ln(1 - 6.91 / (decay_ms sr / 1000))``."""
    return torch.log1p(-DECAY_NEPERS / (decay_ms * sample_rate / 1000.0))


def decay_envelope(decay_ms: Tensor, frames: int, sample_rate: float) -> Tensor:
    """Envelope from rest: ``1/N .. N/N``, then ``1, r, r^2 ..`` with ``r = 1 - 6.91 / (decay_ms sr / 1000)``.

    Parameters
    ----------
    decay_ms : Tensor, shape (hits,)
        Time in which the decay falls by 60 dB, in ms.
    frames : int
        Length.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    if has_kernel(decay_ms):
        return burst(torch.ones(frames, dtype=decay_ms.dtype), decay_ms, torch.ones_like(decay_ms), sample_rate)
    return reference_decay_envelope(decay_ms, frames, sample_rate)


def burst(source: Tensor, decay_ms: Tensor, amplitude: Tensor, sample_rate: float) -> Tensor:
    """One source under the envelope of each hit.

    Parameters
    ----------
    source : Tensor, shape (frames,)
        Such as noise; without a gradient.
    decay_ms, amplitude : Tensor, shape (hits,)
        Decay to -60 dB in ms, and peak amplitude.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    if has_kernel(source, decay_ms, amplitude):
        nepers = decay_nepers(decay_ms, sample_rate)
        return _Burst.apply(source.detach(), nepers, amplitude, attack_frames(sample_rate))  # type: ignore[no-any-return,no-untyped-call]
    return reference_burst(source, decay_ms, amplitude, sample_rate)


def reference_decay_envelope(decay_ms: Tensor, frames: int, sample_rate: float) -> Tensor:
    """What `decay_envelope` is, in plain PyTorch."""
    attack = attack_frames(sample_rate)
    index = torch.arange(frames, dtype=decay_ms.dtype, device=decay_ms.device)
    decay = torch.exp((index - attack).clamp(min=0.0) * decay_nepers(decay_ms, sample_rate)[:, None])
    return torch.where(index < attack, (index + 1.0) / attack, decay)


def reference_burst(source: Tensor, decay_ms: Tensor, amplitude: Tensor, sample_rate: float) -> Tensor:
    """What `burst` is, in plain PyTorch."""
    return amplitude[:, None] * reference_decay_envelope(decay_ms, len(source), sample_rate) * source.detach()


class _Burst(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, source: Tensor, nepers: Tensor, amplitude: Tensor, attack: int) -> Tensor:
        ctx.save_for_backward(source, nepers, amplitude)
        ctx.attack = attack
        out = source.new_empty(len(nepers), len(source))
        run_rows(kernel.forward, len(nepers), source, nepers, amplitude, attack, out)
        return out

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        source, nepers, amplitude = ctx.saved_tensors
        by_nepers, by_amplitude = torch.empty_like(nepers), torch.empty_like(amplitude)
        run_rows(kernel.backward, len(nepers), gradient, source, nepers, amplitude, ctx.attack, by_nepers, by_amplitude)
        return None, by_nepers, by_amplitude, None
