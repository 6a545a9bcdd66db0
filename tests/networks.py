"""Networks of random weights, and the forward pass written again in NumPy alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from remapd.mapping.network import Network

MLP = (3, 32, 14)
MLP_LARGE = (3, 64, 64, 64, 14)


def linear(inputs: int = 3, outputs: int = 14, seed: int = 0, scale: float = 0.5) -> Network:
    """A linear network of normally distributed weights."""
    return Network("linear", [scale * np.random.default_rng(seed).normal(size=(outputs, inputs))])


def mlp(sizes: tuple[int, ...] = MLP, seed: int = 0, scale: float = 0.3) -> Network:
    """A perceptron of normally distributed weights and biases."""
    rng = np.random.default_rng(seed)
    weights = [scale * rng.normal(size=(o, i)) for i, o in pairwise(sizes)]
    return Network("mlp", weights, [scale * rng.normal(size=o) for o in sizes[1:]])


def reference_modulation(network: Network, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """What `network` should answer, in NumPy, from the definitions of its layers."""
    x = np.asarray(features, dtype=np.float64)
    if network.kind == "linear":
        return np.clip(network.weights[0].astype(np.float64) @ x, -1.0, 1.0)
    layers = list(zip(network.weights, network.biases, strict=True))
    for weight, bias in layers[:-1]:
        y = weight.astype(np.float64) @ x + bias
        x = np.maximum((y - y.mean()) / np.sqrt(y.var() + 1e-5), 0.0)
    weight, bias = layers[-1]
    return np.tanh(weight.astype(np.float64) @ x + bias)
