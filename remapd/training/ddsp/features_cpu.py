"""The long-term features on the CPU: compiled, with gradients written by hand, hits side by side on threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.training.kernels import features
from remapd.training.kernels.memory import empty
from remapd.training.kernels.threads import in_threads
from remapd.training.long_term import FRAMES

Array = NDArray[np.float64]


def means_and_sums(sound: Tensor, weights: Tensor, weightings: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted means of each hit's loudness, centroid and flatness, and sums of its first samples' power.

    Parameters
    ----------
    sound : Tensor, shape (hits, SOUND_FRAMES)
        On the CPU, float64.
    weights : Tensor, shape (hits, FRAMES, 2)
        What each frame counts for either mean.
    weightings : Tensor, shape (frames, n)
        What each sample's power counts for each sum.

    Returns
    -------
    Tensor, shape (hits, 6)
        Both means of the loudness in dB, of the centroid and of the flatness in dB.
    Tensor, shape (hits, n)
        The sums.
    """
    means, sums = _Measured.apply(sound, weights, weightings)  # type: ignore[no-untyped-call]
    return means, sums


class _Measured(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sound: Tensor, weights: Tensor, weightings: Tensor) -> tuple[Tensor, Tensor]:
        sound = sound.detach().contiguous()
        columns = weightings.T.contiguous().numpy()
        values, sums = np.empty((len(sound), 3, FRAMES)), np.empty((len(sound), len(columns)))
        needs_gradient = ctx.needs_input_grad[0]

        def measure(hit: tuple[Array, Array, Array]) -> features.Tape | None:
            one, its_values, its_sums = hit
            tape = features.measure(one, columns, its_values, its_sums)
            return tape if needs_gradient else None

        ctx.tapes = in_threads(measure, zip(sound.numpy(), values, sums, strict=True))
        ctx.columns = columns
        ctx.save_for_backward(sound, weights)
        return (torch.from_numpy(values) @ weights).flatten(start_dim=1), torch.from_numpy(sums)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_means: Tensor, by_sums: Tensor) -> tuple[Tensor, None, None]:
        sound, weights = ctx.saved_tensors
        by_values = (by_means.unflatten(1, (3, 2)) @ weights.mT).contiguous()
        gradient = torch.from_numpy(empty(*sound.shape))

        def differentiate(hit: tuple[features.Tape, Array, Array, Array, Array]) -> None:
            tape, one, *rest = hit
            features.differentiate(tape, one, ctx.columns, *rest)

        arrays = (tensor.contiguous().numpy() for tensor in (sound, by_values, by_sums, gradient))
        in_threads(differentiate, zip(ctx.tapes, *arrays, strict=True))
        return gradient, None, None
