"""Whether a model does what a model should: its numbers, its network against other arithmetic, and its sound."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remapd.features.descriptors import FEATURES
from remapd.mapping.bundle import Model
from remapd.mapping.mapper import LAYER_NORM_EPSILON
from remapd.mapping.network import Network
from remapd.synth.registry import VOICE, render_voice, reset_voice, synth_id, trigger_voice

#: Largest difference of the engine's forward pass from the one here.
FORWARD_TOLERANCE = 1e-6
#: A hit below this peak is silent.
SILENCE_DB = -80.0
_SAMPLE_RATE = 48000.0
_SECONDS = 0.5
_POINTS = 256

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """Result of one check: the field it is about, whether it passed, and what was found."""

    field: str
    passed: bool
    text: str


def verify_model(model: Model) -> Iterator[Check]:
    """Check a model that was loaded, which means that all its fields fit."""
    yield Check("synth.fingerprint", True, f"{model.table.fingerprint}, the table of {model.synth}")
    yield _check_weights(model.network)
    features = _features(model)
    modulations = np.array([model.modulation(row) for row in features])
    yield _check_modulation(modulations)
    yield _check_forward(model, features, modulations)
    yield from _check_sound(model, modulations)


def independent_modulation(network: Network, inputs: Vector) -> Vector:
    """Modulation (n, parameters) for inputs (n, features), in NumPy and 64 bits, from the definitions of the layers."""
    x = inputs.T
    if network.kind == "linear":
        return np.clip(network.weights[0].astype(np.float64) @ x, -1.0, 1.0).T
    layers = list(zip(network.weights, network.biases, strict=True))
    for weight, bias in layers[:-1]:
        y = weight.astype(np.float64) @ x + bias[:, None]
        deviation = np.sqrt(y.var(axis=0) + LAYER_NORM_EPSILON)
        x = np.maximum((y - y.mean(axis=0)) / deviation, 0.0)
    weight, bias = layers[-1]
    return np.tanh(weight.astype(np.float64) @ x + bias[:, None]).T


def _features(model: Model) -> Vector:
    """All features in their units: the corners of the model's ranges, points between, and the ends of what can be."""
    scaler, random = model.scaler, np.random.default_rng(0)
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=len(scaler.names))))
    places = np.vstack([corners, random.uniform(size=(_POINTS, len(scaler.names)))])
    inside = np.tile(FEATURES.minimum, (len(places), 1))
    inside[:, scaler.places] = scaler.minimum + places * (scaler.maximum - scaler.minimum)
    outside = np.array(list(itertools.product(*zip(FEATURES.minimum, FEATURES.maximum, strict=True))))
    return np.vstack([inside, outside])


def _check_weights(network: Network) -> Check:
    arrays = (*network.weights, *network.biases)
    largest = max(float(np.abs(array).max()) for array in arrays)
    is_finite = all(np.isfinite(array).all() for array in arrays)
    return Check("network", is_finite, f"{network.parameter_count} numbers, the largest {largest:.3g}")


def _check_modulation(modulations: Vector) -> Check:
    largest = float(np.abs(modulations).max())
    # Written so that a NaN does not pass.
    return Check("modulation", largest <= 1.0, f"largest {largest:.3g} over {len(modulations)} points, of 1 at most")


def _check_forward(model: Model, features: Vector, modulations: Vector) -> Check:
    inputs = np.array([model.scaler.centred(row) for row in features])
    difference = float(np.abs(independent_modulation(model.network, inputs) - modulations).max())
    text = f"largest difference from NumPy {difference:.2g}, of {FORWARD_TOLERANCE:g} at most"
    return Check("forward", difference <= FORWARD_TOLERANCE, text)


def _check_sound(model: Model, modulations: Vector) -> Iterator[Check]:
    bare = _peak_db(model, np.zeros(len(model.table)))
    yield Check("preset", bare > SILENCE_DB, f"peak {bare:.1f} dB, of more than {SILENCE_DB:g} dB")
    extremes = np.unique(np.concatenate([modulations.argmin(axis=0), modulations.argmax(axis=0)]))
    peaks = np.array([_peak_db(model, modulations[index]) for index in extremes])
    text = f"peaks {peaks.min():.1f} to {peaks.max():.1f} dB in {len(peaks)} hits that move each parameter the furthest"
    yield Check("sound", bool(np.isfinite(peaks).all() and peaks.max() > SILENCE_DB), text)


def _peak_db(model: Model, modulation: Vector) -> float:
    """Peak of one hit out of silence; NaN if a sample is not finite."""
    preset = model.preset
    values = model.table.denormalise(preset.unit_values + preset.damping * modulation)
    voice, sound = np.zeros(1, VOICE)[0], np.zeros(round(_SECONDS * _SAMPLE_RATE))
    reset_voice(voice, _SAMPLE_RATE, 0)
    trigger_voice(voice, synth_id(model.synth), values)
    render_voice(voice, sound, 0, len(sound))
    peak = float(np.abs(sound).max())
    return 20.0 * float(np.log10(max(peak, 1e-10))) if np.isfinite(sound).all() else float("nan")
