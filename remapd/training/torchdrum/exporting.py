"""One of our models becomes a file that TorchDrum loads.

The file answers a (1, 3) tensor of scaled features with a (2, 14) tensor: the modulation, damped and clipped to -1..1,
and the preset in 0..1. It is built of the same parts, under the same names, as those the published training writes.
What differs in the plugin is evened out, so that it sounds as trained: the reference hit is subtracted in the file,
because the plugin subtracts nothing, and the noise filter's frequency is in the plugin's range (`ranges`).
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from remapd.errors import FieldError, Told
from remapd.features.descriptors import BASIC_FEATURES
from remapd.files import replace_file
from remapd.mapping.bundle import Model, model_bytes
from remapd.mapping.mapper import LAYER_NORM_EPSILON
from remapd.mapping.network import Network
from remapd.training.torchdrum.archive import MODEL_ENTRY, pack, read_archive
from remapd.training.torchdrum.importing import check_same, probes
from remapd.training.torchdrum.ranges import SYNTH, to_plugin


class _Projection(torch.nn.Module):
    """Features less the reference hit's, in the precision of the rest."""

    reference: torch.Tensor

    def __init__(self, reference: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("reference", reference)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(torch.float64) - self.reference


class _Network(torch.nn.Module):
    def __init__(self, net: torch.nn.Module, is_mlp: bool) -> None:
        super().__init__()
        self.net = net
        self.is_mlp = is_mlp

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.net(x)
        return torch.tanh(y) if self.is_mlp else torch.clamp(y, -1.0, 1.0)


class _ParameterMapper(torch.nn.Module):
    damp: torch.Tensor
    patch: torch.Tensor

    def __init__(self, model: torch.nn.Module, projection: torch.nn.Module, damp: torch.Tensor, patch: torch.Tensor):
        super().__init__()
        self.model = model
        self.projection = projection
        self.register_buffer("damp", damp)
        self.register_buffer("patch", patch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        modulation = torch.clamp(self.model(self.projection(x)) * self.damp, -1.0, 1.0)
        return torch.cat([modulation, self.patch], dim=0)


def export_torchdrum(model: Model, path: Path) -> None:
    """Write a model as a TorchScript file, whole or not at all.

    Raises
    ------
    FieldError
        If the model's synth is not the one TorchDrum has, or the file would answer otherwise than the model.
    ModelError
        If the file cannot be written.
    """
    replace_file(path, torchscript_bytes(model), "TorchDrum model")


def torchscript_bytes(model: Model) -> bytes:
    """Content of a model's TorchScript file, the same in each process; raises as `export_torchdrum` does."""
    if model.synth != SYNTH:
        raise FieldError("synth.name", f"{SYNTH}, the only synth TorchDrum has", model.synth)
    if model.scaler.names != BASIC_FEATURES:
        expected = f"{', '.join(BASIC_FEATURES)}, which is all that TorchDrum measures"
        raise FieldError("features.names", expected, Told(", ".join(model.scaler.names)))
    out = io.BytesIO()
    with warnings.catch_warnings():
        # TorchScript is called deprecated, but it is what TorchDrum reads.
        warnings.simplefilter("ignore")
        module = torch.jit.trace(_module(model).eval(), torch.zeros(1, len(BASIC_FEATURES)))
        torch.jit.save(module, out)
        # Without torch's tables for debugging, which hold names of folders of this machine.
        archive = read_archive(out.getvalue())
        content = pack({**archive.entries, MODEL_ENTRY: model_bytes(model)})
        written = torch.jit.load(io.BytesIO(content))
    inputs = probes()
    with torch.no_grad():
        answers = np.array([written(torch.from_numpy(x[None])).numpy() for x in inputs])
    check_same(model, answers, inputs, to_plugin())
    return content


def _module(model: Model) -> torch.nn.Module:
    factors = to_plugin()
    projection = _Projection(_tensor(model.scaler.reference[None]))
    network = _Network(_layers(model.network), model.network.kind == "mlp")
    damp, patch = model.preset.damping * factors, model.preset.unit_values * factors
    return _ParameterMapper(network, projection, _tensor(damp[None]), _tensor(patch[None]))


def _layers(network: Network) -> torch.nn.Module:
    if network.kind == "linear":
        return _linear(network.weights[0], None)
    layers: list[torch.nn.Module] = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        layers += [_linear(weight, bias), _layer_norm(len(weight)), torch.nn.ReLU()]
    # Nothing follows the last matrix but tanh.
    return torch.nn.Sequential(*layers[:-2])


def _linear(weight: NDArray[np.float32], bias: NDArray[np.float32] | None) -> torch.nn.Linear:
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(_tensor(weight))
        if bias is not None:
            layer.bias.copy_(_tensor(bias))
    return layer


def _layer_norm(width: int) -> torch.nn.LayerNorm:
    return torch.nn.LayerNorm(width, eps=LAYER_NORM_EPSILON, elementwise_affine=False)


def _tensor(array: NDArray[np.floating]) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.float64))
