"""Models and model files for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from remapd.features.descriptors import FEATURES, FeatureSpec
from remapd.mapping import container, document
from remapd.mapping.bundle import Model, model_bytes
from remapd.mapping.network import Network
from remapd.mapping.scaling import Scaling
from remapd.synth.presets import load_preset
from tests.networks import mlp

SHIPPED = Path(__file__).resolve().parents[1] / "models"
SCALING = Scaling(np.array([-60.0, 60.0, -100.0]), np.array([-6.0, 130.0, 0.0]), np.array([0.65, 0.5, 0.4]))


def shipped_presets(synth: str) -> list[Path]:
    """Files of the shipped presets of a synth."""
    return [path for path in sorted(SHIPPED.glob("presets/*.json")) if load_preset(path).synth == synth]


def all_features(*basic: float) -> NDArray[np.float64]:
    """A hit's features of which only the three basic ones matter."""
    return np.array([*basic, *FEATURES.default[len(basic) :]])


def make_model(network: Network | None = None, **changes: Any) -> Model:
    """Model with an MLP on the preset `snare_1`."""
    fields: dict[str, Any] = {
        "name": "a model",
        "network": network or mlp(),
        "scaler": SCALING,
        "preset": load_preset(SHIPPED / "presets" / "snare_1.json"),
        "licence": "CC0-1.0",
        "features": FeatureSpec(window_ms=2048 / 48.0),
        "sample_rate_hz": 44100.0,
        "description": 'made for a test, “quoted” \\ "twice"',
        "provenance": {"recording": "none", "seed": "1"},
    }
    return Model(**{**fields, **changes})


def changed_file(
    change: Callable[[dict[str, Any]], object] | None = None, tensors: Mapping[str, NDArray[Any]] | None = None
) -> bytes:
    """Content of a model file after `change` was done to its document, and with other tensors."""
    model = make_model()
    content, _ = container.unpack(model_bytes(model))
    fields = dict(content)
    if change is not None:
        change(fields)
    given = document.network_tensors(model.network) if tensors is None else tensors
    return safetensors.numpy.save(dict(given), {container.KEY: json.dumps(fields)})
