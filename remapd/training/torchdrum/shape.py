"""Steps of a computation, as a file gave them, become a mapper if they are those of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.errors import FieldError, Told
from remapd.features.descriptors import BASIC_FEATURES
from remapd.fields import shown
from remapd.mapping.mapper import LAYER_NORM_EPSILON, Kind
from remapd.mapping.network import Network, Weights

Step = Mapping[str, Any]
Vector = NDArray[np.float64]

_KNOWN = "a matrix clamped to -1..1, or layers of matrix, LayerNorm (without affine part) and ReLU, a matrix and tanh"


@dataclass(frozen=True, eq=False)
class Mapper:
    """What the steps amount to: ``damping * network(features - reference)``.

    Parameters
    ----------
    network : Network
    reference : array of float, shape (features,)
        0..1.
    damping : array of float, shape (parameters,)
    """

    network: Network
    reference: Vector
    damping: Vector


def mapper_from(steps: Sequence[Step]) -> Mapper:
    """Make a mapper of the steps from the features to the modulation.

    Raises
    ------
    FieldError
        If they are not those of a known shape; it says what they are.
    """
    reader = _Reader(steps)
    factor, offset = reader.affine(len(BASIC_FEATURES))
    weights, biases = _layers(reader)
    if not weights or weights[0].shape[1] != len(BASIC_FEATURES):
        raise reader.unknown()
    kind: Kind = "mlp" if reader.take("tanh") else "linear"
    damping = _damping(reader, len(weights[-1]))
    if reader.step or (kind == "linear" and (len(weights) > 1 or biases[0].any())):
        raise reader.unknown()
    reference = _reference(factor, offset)
    if reference is None and kind == "linear":
        expected = "features from which 0 to 1 is subtracted, for a network without bias"
        raise FieldError("scaler.reference", expected, Told(f"{offset.tolist()} added"))
    if reference is None:
        biases[0] = biases[0] + weights[0] @ offset
        reference = np.zeros(len(BASIC_FEATURES))
    weights[0] = weights[0] * factor
    given = biases if kind == "mlp" else []
    return Mapper(Network(kind, _float32(weights), _float32(given)), reference, damping)


def found(steps: Sequence[Step]) -> str:
    """The steps in words."""
    return ", ".join(_named(step) for step in steps[:20]) + (", ..." if len(steps) > 20 else "") or "nothing"


def number_array(value: object, field: str, rank: int) -> NDArray[np.float64]:
    """Finite numbers as an array of `rank` dimensions.

    Raises
    ------
    FieldError
        If they are not.
    """
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise FieldError(field, "numbers", Told(type(value).__name__)) from None
    if array.ndim != rank:
        raise FieldError(field, f"an array of {rank} dimensions", Told(f"shape {array.shape}"))
    if not np.isfinite(array).all():
        raise FieldError(field, "finite numbers", array[~np.isfinite(array)][0].item())
    return array


class _Reader:
    """The steps one after the other."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._place = 0

    @property
    def step(self) -> Step | None:
        """The step that comes next, if there is one."""
        return self._steps[self._place] if self._place < len(self._steps) else None

    def take(self, op: str) -> Step | None:
        """The next step, if it is an `op`."""
        step = self.step
        if step is None or step.get("op") != op:
            return None
        self._place += 1
        return step

    def affine(self, width: int) -> tuple[Vector, Vector]:
        """Scales and shifts that come next, as one factor and one addend."""
        factor, addend = np.ones(width), np.zeros(width)
        while True:
            if (step := self.take("scale")) is not None:
                by = self.vector(step, width)
                factor, addend = factor * by, addend * by
            elif (step := self.take("shift")) is not None:
                addend = addend + self.vector(step, width)
            else:
                return factor, addend

    def vector(self, step: Step, width: int) -> Vector:
        """What a step scales or shifts by, of `width` numbers or one for all."""
        array = number_array(step.get("by"), f"network.{_named(step)}", 1)
        if array.size not in (1, width):
            raise self.unknown()
        return np.broadcast_to(array, width)

    def unknown(self) -> FieldError:
        """Make the error for steps that are no mapper's."""
        return FieldError("network", _KNOWN, Told(found(self._steps)))


def _layers(reader: _Reader) -> tuple[list[Vector], list[Vector]]:
    weights: list[Vector] = []
    biases: list[Vector] = []
    while (step := reader.take("linear")) is not None:
        weight = number_array(step.get("weight"), f"network.weights.{len(weights)}", 2)
        bias = np.zeros(len(weight))
        if step.get("bias") is not None:
            bias = bias + number_array(step["bias"], f"network.biases.{len(weights)}", 1)
        # A bias that was written as a step of its own.
        while (shift := reader.take("shift")) is not None:
            bias = bias + reader.vector(shift, len(weight))
        weights.append(weight)
        biases.append(bias)
        if (norm := reader.take("layer_norm")) is None:
            break
        if not _is_ours(norm, len(weight)) or not reader.take("relu"):
            raise reader.unknown()
    return weights, biases


def _float32(arrays: list[Vector]) -> list[Weights]:
    # A number too large for 32 bits is infinite then, and refused by the network.
    with np.errstate(over="ignore"):
        return [array.astype(np.float32) for array in arrays]


def _is_ours(norm: Step, width: int) -> bool:
    epsilon = norm.get("epsilon")
    is_plain = norm.get("plain") is True and norm.get("width") == [width]
    return is_plain and isinstance(epsilon, float) and abs(epsilon - LAYER_NORM_EPSILON) < 1e-9


def _damping(reader: _Reader, width: int) -> Vector:
    """Factors up to the end; clamping to -1..1 changes nothing, as is seen when the outputs are compared."""
    damping = np.ones(width)
    while True:
        if (scale := reader.take("scale")) is not None:
            damping = damping * reader.vector(scale, width)
        elif (clamp := reader.take("clamp")) is not None:
            if (clamp.get("low"), clamp.get("high")) != (-1.0, 1.0):
                raise reader.unknown()
        else:
            return damping


def _reference(factor: Vector, offset: Vector) -> Vector | None:
    """What is subtracted from the features before they are scaled, if it can be a reference hit's."""
    if not factor.all():
        return None
    reference = -offset / factor + 0.0
    return reference if ((reference >= 0.0) & (reference <= 1.0)).all() else None


def _named(step: Step) -> str:
    op = step.get("op")
    if op == "linear" and isinstance(step.get("weight"), list) and step["weight"]:
        rows = step["weight"]
        inputs = len(rows[0]) if isinstance(rows[0], list) else 0
        return f"linear {inputs}-{len(rows)}" + (" without bias" if step.get("bias") is None else "")
    if op == "layer_norm" and step.get("plain") is not True:
        return "layer_norm with affine part"
    if op == "clamp":
        return f"clamp {step.get('low')}..{step.get('high')}"
    return shown(str(step.get("name", op)))
