"""Weights of a mapper in Python: checked, and written into the memory of the compiled forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.errors import FieldError
from remapd.mapping.mapper import (
    KINDS,
    MAX_INPUTS,
    MAX_LAYERS,
    MAX_OUTPUTS,
    MAX_WEIGHTS,
    MAX_WIDTH,
    NETWORK,
    SCRATCH,
    Kind,
    forward,
)

Weights = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Network:
    """Weights of a mapper.

    Parameters
    ----------
    kind : {"linear", "mlp"}
    weights : sequence of float32 arrays, each (outputs, inputs) of its layer
        As ``torch.nn.Linear.weight`` has them.
    biases : sequence of float32 arrays, each (outputs,)
        One for each layer of an ``mlp``, none for ``linear``.

    Raises
    ------
    FieldError
        If a shape does not fit the one before it, a limit is passed or a number is not finite.
    """

    kind: Kind
    weights: Sequence[Weights]
    biases: Sequence[Weights] = ()

    def __post_init__(self) -> None:
        for name, rank in (("weights", 2), ("biases", 1)):
            arrays = tuple(_as_float32(f"network.{name}.{i}", a, rank) for i, a in enumerate(getattr(self, name)))
            object.__setattr__(self, name, arrays)
        _check_kind(self.kind, len(self.weights), len(self.biases))
        _check_shapes(self.weights, self.biases)
        _check_limits(self.sizes, self.parameter_count)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of the input, of each hidden layer and of the output."""
        return (self.weights[0].shape[1], *(w.shape[0] for w in self.weights))

    @property
    def inputs(self) -> int:
        """Number of features."""
        return self.sizes[0]

    @property
    def outputs(self) -> int:
        """Number of modulated parameters."""
        return self.sizes[-1]

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases."""
        return sum(w.size for w in self.weights) + sum(b.size for b in self.biases)

    def write(self, record: Any) -> None:
        """Write this network into a `NETWORK` record."""
        record["kind"] = KINDS.index(self.kind)
        record["layers"] = len(self.weights)
        record["sizes"] = 0
        record["sizes"][: len(self.sizes)] = self.sizes
        record["weights"] = 0.0
        biases = self.biases or [np.zeros(self.outputs, np.float32)]
        parts = [part for w, b in zip(self.weights, biases, strict=True) for part in (b, w.T.ravel())]
        flat = np.concatenate(parts)
        record["weights"][: flat.size] = flat

    def modulation(self, features: ArrayLike) -> NDArray[np.float64]:
        """Modulation (outputs,) for features (inputs,), computed by the engine's own code."""
        x = np.ascontiguousarray(features, dtype=np.float64)
        if x.shape != (self.inputs,):
            raise FieldError("features", f"{self.inputs} numbers", f"shape {x.shape}")
        network, out = np.zeros(1, NETWORK), np.zeros(self.outputs)
        self.write(network[0])
        forward(network[0], np.zeros(1, SCRATCH)[0], x, out)
        return out


def _as_float32(field: str, array: ArrayLike, rank: int) -> Weights:
    with np.errstate(over="ignore"):
        result = np.array(array, dtype=np.float32)
    if result.ndim != rank or 0 in result.shape:
        raise FieldError(field, f"an array of {rank} dimension{'s' * (rank > 1)}", f"shape {result.shape}")
    if not np.isfinite(result).all():
        raise FieldError(field, "finite numbers", result[~np.isfinite(result)][0].item())
    result.flags.writeable = False
    return result


def _check_kind(kind: str, layers: int, biases: int) -> None:
    if kind not in KINDS:
        raise FieldError("network.kind", " or ".join(KINDS), kind)
    if kind == "linear" and (layers != 1 or biases):
        raise FieldError("network.weights", "one layer without bias in a linear network", f"{layers}, {biases} biases")
    if kind == "mlp" and not 2 <= layers <= MAX_LAYERS:
        raise FieldError("network.weights", f"2 to {MAX_LAYERS} layers in an mlp", layers)
    if kind == "mlp" and biases != layers:
        raise FieldError("network.biases", f"one for each of {layers} layers", biases)


def _check_shapes(weights: Sequence[Weights], biases: Sequence[Weights]) -> None:
    for i in range(1, len(weights)):
        if weights[i].shape[1] != weights[i - 1].shape[0]:
            expected = f"{weights[i - 1].shape[0]} inputs, the outputs of the layer before"
            raise FieldError(f"network.weights.{i}", expected, weights[i].shape[1])
    for i, bias in enumerate(biases):
        if bias.shape[0] != weights[i].shape[0]:
            raise FieldError(f"network.biases.{i}", f"{weights[i].shape[0]} numbers", bias.shape[0])


def _check_limits(sizes: tuple[int, ...], parameters: int) -> None:
    limits = (MAX_INPUTS, *(MAX_WIDTH for _ in sizes[1:-1]), MAX_OUTPUTS)
    for i, (size, limit) in enumerate(zip(sizes, limits, strict=True)):
        if size > limit:
            raise FieldError(f"network.sizes.{i}", f"at most {limit}", size)
    # A linear network takes the room of its zero biases too; it is far from the limit by its size.
    if parameters > MAX_WEIGHTS:
        raise FieldError("network", f"at most {MAX_WEIGHTS} weights", parameters)
