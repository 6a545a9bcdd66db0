"""The percussive envelope of `remapd.dsp.envelope`, differentiable and without an end."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from remapd.dsp.envelope import DECAY_NEPERS


def attack_frames(sample_rate: float) -> int:
    """Length of the attack, 1 ms."""
    return max(1, math.floor(sample_rate / 1000.0))


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
    attack = attack_frames(sample_rate)
    index = torch.arange(frames, dtype=decay_ms.dtype, device=decay_ms.device)
    nepers_a_frame = torch.log1p(-DECAY_NEPERS / (decay_ms * sample_rate / 1000.0))
    decay = torch.exp((index - attack).clamp(min=0.0) * nepers_a_frame[:, None])
    return torch.where(index < attack, (index + 1.0) / attack, decay)
