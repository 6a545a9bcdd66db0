"""The long-term features on the CPU: compiled, with gradients written by hand, hits side by side on threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.training.kernels import features
from remapd.training.kernels.threads import in_threads
from remapd.training.long_term import FRAMES, SOUND_FRAMES


def frame_means(sound: Tensor, weights: Tensor) -> Tensor:
    """Weighted means of each hit's loudness, centroid and flatness.

    Parameters
    ----------
    sound : Tensor, shape (hits, SOUND_FRAMES)
        On the CPU, float64.
    weights : Tensor, shape (hits, FRAMES, 2)
        What each frame counts for either mean.

    Returns
    -------
    Tensor, shape (hits, 6)
        Both means of the loudness in dB, of the centroid and of the flatness in dB.
    """
    means: Tensor = _FrameMeans.apply(sound, weights)  # type: ignore[no-untyped-call]
    return means


class _FrameMeans(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sound: Tensor, weights: Tensor) -> Tensor:
        sounds, values = sound.detach().contiguous().numpy(), np.empty((len(sound), 3, FRAMES))
        tapes = in_threads(lambda hit: features.measure(*hit), zip(sounds, values, strict=True))
        ctx.tapes, ctx.weights = tapes if ctx.needs_input_grad[0] else [], weights
        return (torch.from_numpy(values) @ weights).flatten(start_dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_means: Tensor) -> tuple[Tensor, None]:
        by_values = (by_means.unflatten(1, (3, 2)) @ ctx.weights.mT).contiguous().numpy()
        by_sounds = np.empty((len(by_values), SOUND_FRAMES))
        in_threads(lambda hit: features.differentiate(*hit), zip(ctx.tapes, by_values, by_sounds, strict=True))
        return torch.from_numpy(by_sounds), None
