"""The networks of `remapd.mapping.mapper` in torch, to be trained."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear

from remapd.mapping.mapper import LAYER_NORM_EPSILON
from remapd.mapping.network import Network


class Mapper(torch.nn.Module):
    """A linear network or a perceptron, in float64.

    Parameters
    ----------
    sizes : sequence of int
        Width of the input, of each hidden layer and of the output; without a hidden layer it is linear.
    init_std : float
        Standard deviation of the normally distributed weights; biases are 0.
    seed : int
        Of the weights.
    """

    def __init__(self, sizes: Sequence[int], init_std: float, seed: int) -> None:
        super().__init__()
        random = np.random.default_rng(seed)
        shapes = [(outputs, inputs) for inputs, outputs in pairwise(sizes)]
        weights = [torch.from_numpy(init_std * random.standard_normal(shape)) for shape in shapes]
        biases = [torch.zeros(outputs, dtype=torch.float64) for outputs, _ in shapes]
        self.weights = torch.nn.ParameterList(weights)
        self.biases = torch.nn.ParameterList(biases if len(sizes) > 2 else [])

    def forward(self, x: Tensor) -> Tensor:
        """Modulations (hits, outputs) in -1..1 for inputs (hits, inputs)."""
        if not self.biases:
            return linear(x, self.weights[0]).clamp(-1.0, 1.0)
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            x = layer_norm(linear(x, weight, bias), bias.shape, eps=LAYER_NORM_EPSILON).relu()
        return linear(x, *last).tanh()

    def network(self) -> Network:
        """What a model stores: the same weights in 32 bits."""
        arrays = ([p.detach().cpu().numpy() for p in parameters] for parameters in (self.weights, self.biases))
        return Network("mlp" if self.biases else "linear", *arrays)
