"""The noise that a voice plays."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from remapd.dsp import noise


def white_noise(seed: int, frames: int) -> Tensor:
    """First samples of the noise stream that a voice of this seed plays, bit for bit.

    Parameters
    ----------
    seed : int
        Seed of the stream; its low 32 bits count.
    frames : int
        Length.

    Returns
    -------
    Tensor, shape (frames,)
        Uniform in -1..1, float64.
    """
    stream = np.zeros(1, noise.STATE)[0]
    noise.seed(stream, seed)
    samples = np.empty(frames)
    noise.render(stream, np.ones(frames), samples, frames)
    return torch.from_numpy(samples)
