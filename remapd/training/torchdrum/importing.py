"""A TorchDrum model becomes one of ours.

The network, the damping and the preset come from the file. It holds no scaling of the features: TorchDrum scales each
by the least and greatest value heard so far, and subtracts nothing. The model gets a fixed scaling instead (`MINIMUM`,
`MAXIMUM`); the track's parameter `adaptive` does what TorchDrum does.

A file that remapd exported carries the model it was made from; that is used, once it answers as the file does.
"""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.errors import FieldError, ModelError, Told
from remapd.features.descriptors import BASIC_FEATURES, FeatureSpec
from remapd.fields import name_from
from remapd.files import read_capped
from remapd.mapping.bundle import Model, model_from_bytes
from remapd.mapping.scaling import Scaling
from remapd.parameters import ParameterTable
from remapd.synth.presets import Preset
from remapd.synth.registry import get_synth
from remapd.training.torchdrum.archive import MAX_FILE_BYTES
from remapd.training.torchdrum.process import LIMIT_S, Reading, read_torchscript
from remapd.training.torchdrum.ranges import SYNTH, TRAINING_RATE_HZ, WINDOW_FRAMES, to_plugin
from remapd.training.torchdrum.shape import mapper_from

#: What close-miked snare hits have over their first 5 ms, softest to loudest.
MINIMUM = {"loudness_db": -54.0, "centroid_st": 79.0, "flatness_db": -84.0}
MAXIMUM = {"loudness_db": -7.0, "centroid_st": 105.0, "flatness_db": -29.0}

#: Largest difference of an output of the model from the file's, of a whole range.
TOLERANCE = 1e-6
_FLOAT32_STEP = 6e-8


def import_torchdrum(path: Path, name: str | None = None, licence: str = "unknown", limit_s: int = LIMIT_S) -> Model:
    """Read a TorchDrum model.

    Parameters
    ----------
    path : Path
        A TorchScript file; nothing of it runs in this process.
    name : str, optional
        Of the model; by default that of the file.
    licence : str
        Of the weights, which the file does not tell.
    limit_s : int
        Processor time for the file.

    Raises
    ------
    TrainingError
        If torch is not installed.
    ModelError
        If the file cannot be read, is hostile, of an unknown shape, or answers otherwise than the model made of it; the
        text names the file and the field.
    """
    content = read_capped(path, MAX_FILE_BYTES, "TorchDrum model")
    inputs = probes()
    try:
        reading = read_torchscript(content, inputs, limit_s)
        if reading.model is not None:
            return _carried(reading, inputs, name)
        named = name or name_from(path.stem, "imported")
        return _converted(reading, inputs, named, licence, _provenance(path, content))
    except (FieldError, ModelError) as error:
        raise ModelError(f"TorchDrum model {str(path)!r}: {error}") from error


def probes() -> NDArray[np.float64]:
    """Scaled features (n, 3) over which a file and its model are compared: a grid and points between."""
    grid = np.array(list(itertools.product(np.linspace(0.0, 1.0, 5), repeat=len(BASIC_FEATURES))))
    return np.vstack([grid, np.random.default_rng(0).uniform(size=(64, len(BASIC_FEATURES)))])


def outputs(model: Model, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Answer of a TorchDrum file (n, 2, parameters) with this model's network, damping and preset, in our 0..1."""
    centred = inputs - model.scaler.reference
    modulation = np.array([model.network.modulation(x) for x in centred]) * model.preset.damping
    return np.stack([modulation, np.broadcast_to(model.preset.unit_values, modulation.shape)], axis=1)


def check_same(
    model: Model, expected: NDArray[np.float64], inputs: NDArray[np.float64], factors: ArrayLike = 1.0
) -> None:
    """Refuse a model whose outputs, times `factors`, differ from those of a file.

    Raises
    ------
    FieldError
        It names the parameter with the largest difference.
    """
    difference = np.abs(outputs(model, inputs) * np.asarray(factors) - expected).max(axis=0)
    row, column = np.unravel_index(difference.argmax(), difference.shape)
    if not difference.max() <= TOLERANCE:
        place = f"output.{row}.{model.table.names[column]}"
        largest = Told(f"one {difference.max():.3g} away")
        raise FieldError(place, f"the number that the file answers, within {TOLERANCE:g}", largest)


def _carried(reading: Reading, inputs: NDArray[np.float64], name: str | None) -> Model:
    """Model that an exported file carries."""
    assert reading.model is not None
    model = model_from_bytes(reading.model)
    if model.synth != SYNTH:
        raise FieldError("synth.name", SYNTH, model.synth)
    check_same(model, reading.outputs, inputs, to_plugin())
    if name is None:
        return model
    return Model(**{**{field: getattr(model, field) for field in Model.__dataclass_fields__}, "name": name})


def _converted(
    reading: Reading, inputs: NDArray[np.float64], name: str, licence: str, provenance: dict[str, str]
) -> Model:
    table = get_synth(SYNTH).table
    if len(reading.preset) != len(table):
        raise FieldError("output.1", f"{len(table)} numbers, one for each parameter of {SYNTH}", len(reading.preset))
    mapper = mapper_from(reading.steps)
    if mapper.network.outputs != len(table):
        raise FieldError("output.0", f"{len(table)} numbers, one for each parameter of {SYNTH}", mapper.network.outputs)
    model = Model(
        name=name,
        network=mapper.network,
        scaler=Scaling(_in_order(MINIMUM), _in_order(MAXIMUM), mapper.reference),
        preset=Preset(name, SYNTH, _values(table, reading.preset), _damping(table, mapper.damping)),
        licence=licence,
        features=FeatureSpec(window_ms=1000.0 * WINDOW_FRAMES / 48000.0),
        sample_rate_hz=TRAINING_RATE_HZ,
        description="Imported from TorchDrum. Its scaling of features is a guess; adaptive=1 is as TorchDrum does.",
        provenance=provenance,
    )
    check_same(model, reading.outputs, inputs)
    return model


def _values(table: ParameterTable, unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Preset in units, each value as short as 32 bits allow."""
    for parameter, value in zip(table, unit, strict=True):
        if not -_FLOAT32_STEP <= value <= 1.0 + _FLOAT32_STEP:
            raise FieldError(f"preset.{parameter.name}", "0 to 1", value)
    values = zip(table.denormalise(unit), table.maximum - table.minimum, strict=True)
    return np.clip([_shortest(v, _FLOAT32_STEP * width) for v, width in values], table.minimum, table.maximum)


def _damping(table: ParameterTable, damping: NDArray[np.float64]) -> NDArray[np.float64]:
    for parameter, value in zip(table, damping, strict=True):
        if not 0.0 <= value <= 1.0 + _FLOAT32_STEP:
            raise FieldError(f"damping.{parameter.name}", "0 to 1", value)
    return np.clip([_shortest(value, _FLOAT32_STEP) for value in damping], 0.0, 1.0)


def _shortest(value: float, within: float) -> float:
    """Shortest decimal number that is as near to `value` as that."""
    rounded = (round(float(value), digits) for digits in range(10))
    return next((number for number in rounded if abs(number - value) <= within), float(value))


def _in_order(values: dict[str, float]) -> NDArray[np.float64]:
    return np.array([values[name] for name in BASIC_FEATURES])


def _provenance(path: Path, content: bytes) -> dict[str, str]:
    name = "".join(c for c in path.name if c.isprintable())
    return {
        "method": "imported from TorchDrum",
        "file": name[:200],
        "file_sha256": hashlib.sha256(content).hexdigest(),
        "scaling": "fixed ranges of close-miked snare hits, as the file has none; adaptive=1 scales as TorchDrum does",
        "noise_filter": "0..1 taken as 20..22050 Hz, as in training; TorchDrum plays it as 20..24000 Hz",
    }
