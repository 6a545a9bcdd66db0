"""The networks of `remapd.mapping.mapper` in torch, to be trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear

from remapd.mapping.mapper import LAYER_NORM_EPSILON
from remapd.mapping.network import Network
from remapd.training.recipes import Start

# Without biases LayerNorm makes a unit's output depend on the direction of a centred input alone: near the reference
# hit it would jump.
_INPUT_GAIN, _INPUT_BIAS_STD = 3.0, 1.0
_HIDDEN_GAIN, _HIDDEN_BIAS_STD = math.sqrt(2.0), 0.2


class Mapper(torch.nn.Module):
    """A linear network or a perceptron, in float64.

    Parameters
    ----------
    sizes : sequence of int
        Width of the input, of each hidden layer and of the output; without a hidden layer it is linear.
    init_std : float
        Standard deviation of the normally distributed weights of the last layer.
    start : {"small", "bent"}
        Other weights: as small, and biases 0, or such that units bend all over the range of the input.
    seed : int
        Of the weights.
    """

    def __init__(self, sizes: Sequence[int], init_std: float, start: Start, seed: int) -> None:
        super().__init__()
        random = np.random.default_rng(seed)
        weights, biases = [], []
        for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
            is_last = layer == len(sizes) - 2
            weight_std, bias_std = (init_std, 0.0) if start == "small" or is_last else _bent_stds(layer, inputs)
            weights.append(torch.from_numpy(weight_std * random.standard_normal((outputs, inputs))))
            biases.append(torch.from_numpy(bias_std * random.standard_normal(outputs)))
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


def _bent_stds(layer: int, inputs: int) -> tuple[float, float]:
    """Standard deviations of the weights and biases of a hidden layer."""
    gain, bias_std = (_INPUT_GAIN, _INPUT_BIAS_STD) if layer == 0 else (_HIDDEN_GAIN, _HIDDEN_BIAS_STD)
    return gain / math.sqrt(inputs), bias_std
