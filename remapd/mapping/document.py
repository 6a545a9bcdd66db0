"""The parts of a model as JSON, each read back with checks that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.errors import FieldError
from remapd.features.descriptors import SPEC_PARAMETERS, FeatureSpec
from remapd.fields import checked_object, checked_text
from remapd.mapping.container import Tensors
from remapd.mapping.mapper import KINDS, MAX_LAYERS, MAX_WIDTH, Kind
from remapd.mapping.network import Network
from remapd.mapping.scaling import Scaling
from remapd.parameters import ParameterTable
from remapd.synth.presets import PRESET_FIELDS, Preset, preset_from_document
from remapd.synth.registry import get_synth

_SCALER_FIELDS = ("minimum", "maximum", "reference")


def synth_document(name: str, table: ParameterTable) -> dict[str, Any]:
    """Name and fingerprint of a synth."""
    return {"name": name, "fingerprint": table.fingerprint}


def synth_from(value: object) -> str:
    """Name of a synth that this version has, with the same table."""
    fields = checked_object(value, "synth", ("name", "fingerprint"))
    name = checked_text(fields["name"], "synth.name", 64)
    table = get_synth(name, "synth.name").table
    if fields["fingerprint"] != table.fingerprint:
        expected = f"{table.fingerprint} (the parameters of {name} have changed: train or export the model again)"
        raise FieldError("synth.fingerprint", expected, fields["fingerprint"])
    return name


def features_document(spec: FeatureSpec, scaling: Scaling) -> dict[str, Any]:
    """Names of the features that the network hears, in order, and their window."""
    return {"names": list(scaling.names), **{name: getattr(spec, name) for name in SPEC_PARAMETERS.names}}


def features_from(value: object) -> tuple[FeatureSpec, list[str]]:
    """Window of the features, and the names of those that the network hears, which `Scaling` checks."""
    fields: Mapping[str, Any] = checked_object(value, "features", ("names", *SPEC_PARAMETERS.names))
    names = fields["names"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FieldError("features.names", "a list of names", names)
    return FeatureSpec(*(fields[name] for name in SPEC_PARAMETERS.names)), names


def scaling_document(scaling: Scaling) -> dict[str, Any]:
    """Minimum, maximum and reference by feature."""
    vectors = {name: getattr(scaling, name).tolist() for name in _SCALER_FIELDS}
    return {name: dict(zip(scaling.names, vector, strict=True)) for name, vector in vectors.items()}


def scaling_from(value: object, names: list[str]) -> Scaling:
    """Scaling of values by feature."""
    fields = checked_object(value, "scaler", _SCALER_FIELDS)
    minimum, maximum, reference = (_feature_vector(fields[name], f"scaler.{name}", names) for name in _SCALER_FIELDS)
    return Scaling(minimum, maximum, reference, tuple(names))


def _feature_vector(value: object, field: str, names: list[str]) -> NDArray[np.float64]:
    fields: Mapping[str, Any] = checked_object(value, field, names)
    for name, number in fields.items():
        if not isinstance(number, float):
            raise FieldError(f"{field}.{name}", "a number", number)
    return np.array([fields[name] for name in names])


def preset_from(value: object, synth: str) -> Preset:
    """Preset for a synth; its own checks are those of a preset file, and all its fields must be there."""
    fields = checked_object(value, "preset", PRESET_FIELDS)
    if fields["synth"] != synth:
        raise FieldError("preset.synth", f"{synth}, the synth of the model", fields["synth"])
    try:
        return preset_from_document(fields)
    except FieldError as error:
        raise FieldError(f"preset.{error.field.removeprefix('preset.')}", error.expected, error.got) from None


def network_document(network: Network) -> dict[str, Any]:
    """Kind and sizes of a network."""
    return {"kind": network.kind, "sizes": list(network.sizes)}


def network_tensors(network: Network) -> Tensors:
    """Weights and biases of a network by their names in a file."""
    arrays = {f"layers.{i}.weight": weight for i, weight in enumerate(network.weights)}
    return arrays | {f"layers.{i}.bias": bias for i, bias in enumerate(network.biases)}


def network_from(value: object, tensors: Tensors) -> Network:
    """Network of its document and tensors, which must be all that it has and no others."""
    fields = checked_object(value, "network", ("kind", "sizes"))
    kind, sizes = _kind(fields["kind"]), _sizes(fields["sizes"])
    shapes = _tensor_shapes(kind, sizes)
    checked_object(tensors, "tensors", shapes)
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise FieldError(f"tensors.{name}", f"shape {shape}", tensors[name].shape)
    layers = range(len(sizes) - 1)
    biases = [tensors[f"layers.{i}.bias"] for i in layers] if kind == "mlp" else []
    return Network(kind, [tensors[f"layers.{i}.weight"] for i in layers], biases)


def _kind(value: object) -> Kind:
    for kind in KINDS:
        if value == kind:
            return kind
    raise FieldError("network.kind", " or ".join(KINDS), value)


def _sizes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not 2 <= len(value) <= MAX_LAYERS + 1:
        raise FieldError("network.sizes", f"a list of 2 to {MAX_LAYERS + 1} sizes", value)
    for i, size in enumerate(value):
        if not isinstance(size, float) or size not in range(1, MAX_WIDTH + 1):
            raise FieldError(f"network.sizes.{i}", f"a whole number from 1 to {MAX_WIDTH}", size)
    return tuple(int(size) for size in value)


def _tensor_shapes(kind: Kind, sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    layers = range(len(sizes) - 1)
    shapes: dict[str, tuple[int, ...]] = {f"layers.{i}.weight": (sizes[i + 1], sizes[i]) for i in layers}
    if kind == "mlp":
        shapes |= {f"layers.{i}.bias": (sizes[i + 1],) for i in layers}
    return shapes
