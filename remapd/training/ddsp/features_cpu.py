"""The long-term features on the CPU: compiled, with gradients written by hand, hits side by side on threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.training.kernels import features

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        measured = _in_threads(features.measure, sound.detach().contiguous().numpy())
        values = torch.from_numpy(np.stack([hit_values for hit_values, _ in measured]))
        ctx.tapes = [tape for _, tape in measured] if ctx.needs_input_grad[0] else []
        ctx.weights = weights
        return (values @ weights).flatten(start_dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_means: Tensor) -> tuple[Tensor, None]:
        by_values = (by_means.unflatten(1, (3, 2)) @ ctx.weights.mT).contiguous().numpy()
        jobs = list(zip(ctx.tapes, by_values, strict=True))
        return torch.from_numpy(np.stack(_in_threads(lambda job: features.differentiate(*job), jobs))), None


def _in_threads(function: Callable[[Any], Result], items: Iterable[Any]) -> list[Result]:
    """Results in order, computed on as many threads as torch uses; they are the same on any number."""
    threads = torch.get_num_threads()
    return list(_pool(threads).map(function, items) if threads > 1 else map(function, items))


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "remapd-features")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
