"""What results depend on, as short text: by it a result that is there is known to be still valid."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remapd.synth.presets import Preset

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from remapd.training.dataset import HitSet


def digest(*arrays: NDArray[np.generic]) -> str:
    """Hash over arrays."""
    hashed = hashlib.sha256()
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()[:16]


def data_digest(hits: HitSet) -> str:
    """Hash over all that training takes from the hits."""
    return digest(hits.sounds, hits.onset_features, hits.horizon_s)


def preset_text(preset: Preset) -> str:
    """Synth, its table, and a hash over what the preset sets."""
    return f"{preset.synth} {preset.table.fingerprint} {digest(preset.values, preset.damping)}"


def recipe_fields(recipe: DataclassInstance) -> dict[str, Any]:
    """Fields of a recipe, in full precision, but for the words that describe it."""
    return {name: value for name, value in asdict(recipe).items() if name != "description"}
