"""A model and its file: weights, feature window and scaling, preset with damping, and where it all came from.

One ``.safetensors`` file holds the whole. It loads completely or is refused with the name of the field that does not
fit. See `models/README.md` for the fields.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.errors import FieldError, ModelError
from remapd.features.descriptors import FeatureSpec
from remapd.fields import checked_name, checked_object, checked_text
from remapd.files import read_capped, replace_file
from remapd.mapping import document
from remapd.mapping.container import MAX_FILE_BYTES, pack, unpack
from remapd.mapping.network import Network
from remapd.mapping.scaling import Scaling
from remapd.parameters import Parameter, ParameterTable
from remapd.synth.presets import Preset, preset_document
from remapd.units import MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ

FORMAT_VERSION = 1
MAX_DESCRIPTION_LENGTH = 1000
MAX_LICENCE_LENGTH = 100
MAX_PROVENANCE_ENTRIES = 32
MAX_PROVENANCE_LENGTH = 500

SAMPLE_RATE = Parameter(
    "sample_rate_hz", "Hz", MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ, 48000.0, "Rate at which a model was trained."
)

_FIELDS = (
    "format", "name", "description", "licence", "provenance", "sample_rate_hz",
    "synth", "features", "scaler", "preset", "network",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that turns a hit into a sound, checked as it is made.

    Parameters
    ----------
    name : str
        1 to 64 letters, digits, blanks and ``_ . + -``, the first a letter or a digit.
    network : Network
        From the features of `scaler`, scaled and centred, to a modulation of each parameter of the synth.
    scaler : Scaling
        Which features it hears, their range and reference.
    preset : Preset
        What is modulated, how far, and on which synth.
    licence : str
        Of the weights, as an SPDX expression where there is one.
    features : FeatureSpec
        The window on which the features are measured.
    sample_rate_hz : float
        Rate of the synth in training, 8000 to 384000 Hz.
    description : str
        For people.
    provenance : mapping of str to str
        What it was made from and how; up to 32 entries.

    Raises
    ------
    FieldError
        If anything does not fit; `field` names it.
    """

    name: str
    network: Network
    scaler: Scaling
    preset: Preset
    licence: str
    features: FeatureSpec = field(default_factory=FeatureSpec)
    sample_rate_hz: float = SAMPLE_RATE.default
    description: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked_name(self.name)
        checked_text(self.description, "description", MAX_DESCRIPTION_LENGTH)
        checked_text(self.licence, "licence", MAX_LICENCE_LENGTH, 1)
        object.__setattr__(self, "provenance", _checked_provenance(self.provenance))
        object.__setattr__(self, "sample_rate_hz", SAMPLE_RATE.check(self.sample_rate_hz))
        if self.network.inputs != len(self.scaler.names):
            expected = f"{len(self.scaler.names)}, the number of features"
            raise FieldError("network.sizes.0", expected, self.network.inputs)
        if self.network.outputs != len(self.table):
            expected = f"{len(self.table)}, the number of parameters of {self.synth}"
            raise FieldError("network.sizes", f"at their end {expected}", self.network.outputs)

    @property
    def synth(self) -> str:
        """Name of the synth."""
        return self.preset.synth

    @property
    def table(self) -> ParameterTable:
        """Parameter table of the synth."""
        return self.preset.table

    def modulation(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Modulation (parameters,) for all features (7,) in their units, before damping."""
        return self.network.modulation(self.scaler.centred(features))

    def describe(self) -> dict[str, Any]:
        """Give everything but the weights, in words and numbers, for people and for JSON."""
        card = _document(self)
        card["network"]["parameters"] = self.network.parameter_count
        return card


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model file.

    Raises
    ------
    ModelError
        If the file cannot be read, is too large or damaged, or a field does not fit; the text names the file and the
        field.
    """
    path = Path(path)
    content = read_capped(path, MAX_FILE_BYTES, "model")
    try:
        return model_from_bytes(content)
    except (FieldError, ModelError) as error:
        raise ModelError(f"model {str(path)!r}: {error}") from error


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file, whole or not at all; equal models give equal bytes.

    Raises
    ------
    ModelError
        If the folder or the file cannot be written.
    """
    replace_file(Path(path), model_bytes(model), "model")


def model_bytes(model: Model) -> bytes:
    """Content of a model's file."""
    text = json.dumps(_document(model), ensure_ascii=False, allow_nan=False, sort_keys=True)
    return pack(text, document.network_tensors(model.network))


def model_from_bytes(content: bytes) -> Model:
    """Model of a file's content.

    Raises
    ------
    ModelError
        If the content is too large or damaged.
    FieldError
        If a field is missing, unknown or does not fit; `field` names it.
    """
    description, tensors = unpack(content)
    # The version comes first: another one may well have other fields.
    if description.get("format") != FORMAT_VERSION:
        raise FieldError("format", f"{FORMAT_VERSION}, the only one this version reads", description.get("format"))
    fields: Mapping[str, Any] = checked_object(description, "model", _FIELDS)
    synth = document.synth_from(fields["synth"])
    features, heard = document.features_from(fields["features"])
    return Model(
        name=fields["name"],
        network=document.network_from(fields["network"], tensors),
        scaler=document.scaling_from(fields["scaler"], heard),
        preset=document.preset_from(fields["preset"], synth),
        licence=fields["licence"],
        features=features,
        sample_rate_hz=fields["sample_rate_hz"],
        description=fields["description"],
        provenance=fields["provenance"],
    )


def _document(model: Model) -> dict[str, Any]:
    return {
        "format": FORMAT_VERSION,
        "name": model.name,
        "description": model.description,
        "licence": model.licence,
        "provenance": dict(model.provenance),
        "sample_rate_hz": model.sample_rate_hz,
        "synth": document.synth_document(model.synth, model.table),
        "features": document.features_document(model.features, model.scaler),
        "scaler": document.scaling_document(model.scaler),
        "preset": preset_document(model.preset),
        "network": document.network_document(model.network),
    }


def _checked_provenance(value: object) -> dict[str, str]:
    entries = checked_object(value, "provenance")
    if len(entries) > MAX_PROVENANCE_ENTRIES:
        raise FieldError("provenance", f"at most {MAX_PROVENANCE_ENTRIES} entries", len(entries))
    return {
        checked_text(key, "provenance", 64, 1): checked_text(text, f"provenance.{key}", MAX_PROVENANCE_LENGTH)
        for key, text in entries.items()
    }
