"""How much each parameter is heard: ``python -m remapd.training.sensitivity`` measures it and writes the table.

Of every preset that comes with remapd, each parameter is moved by a tenth of its way to both sides, along its curve, as
far as its range goes. The voice that plays renders the hit, and the seven long-term features tell the difference,
weighted and averaged as the default recipe's loss does. The table has the mean over sides and presets for a whole way.
The same voices give the same table. It runs in a checkout of the source.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from remapd.files import replace_file
from remapd.sinks.midi.sensitivity import TABLE_FILE
from remapd.synth.base import Synth
from remapd.synth.presets import Preset, load_preset
from remapd.synth.registry import SYNTHS
from remapd.training.ddsp.features import long_term_features
from remapd.training.fit import feature_weights
from remapd.training.long_term import LONG_TERM, SOUND_FRAMES, TRAINING_RATE_HZ
from remapd.training.objective import NOISE_SEED
from remapd.training.recipes import get_recipe
from remapd.training.shipped import MODELS_FOLDER
from remapd.training.torch_state import undisturbed

STEP = 0.1
_DIGITS = 4

Vector = NDArray[np.float64]


def shipped_presets(synth: str) -> list[Preset]:
    """Every preset of a synthesiser that comes with remapd, by name."""
    presets = [load_preset(path) for path in sorted((MODELS_FOLDER / "presets").glob("*.json"))]
    return [preset for preset in presets if preset.synth == synth]


def features_of(synth: Synth, hits: list[Vector]) -> Vector:
    """Long-term features (hits, 7) of hits with these values, each out of silence."""
    sounds = np.stack([_sound(synth, values) for values in hits])
    with undisturbed(), torch.no_grad():
        return long_term_features(torch.from_numpy(sounds)).numpy()


def difference(one: Vector, other: Vector) -> Vector:
    """Differences between features (..., 7) in one number each, as the default recipe's loss weighs them."""
    weights = np.array(feature_weights(get_recipe("default").centroid_weight))
    return np.abs(one - other) @ weights / weights.sum()


def measured(synth: Synth, presets: list[Preset]) -> dict[str, float]:
    """Mean difference that the whole way of each parameter would make, by its name."""
    found = np.mean([_of_preset(synth, preset) for preset in presets], axis=0)
    return {name: round(float(value), _DIGITS) for name, value in zip(synth.table.names, found, strict=True)}


def _sound(synth: Synth, values: Vector) -> Vector:
    voice = np.zeros(1, synth.state)[0]
    synth.reset(voice, float(TRAINING_RATE_HZ), NOISE_SEED)
    synth.trigger(voice, values)
    out = np.zeros(SOUND_FRAMES)
    synth.render(voice, out, 0, SOUND_FRAMES)
    return out


def _of_preset(synth: Synth, preset: Preset) -> Vector:
    """What was measured of each parameter around one preset."""
    moves = [(at, moved, way) for at in range(len(synth.table)) for moved, way in _moves(preset, at)]
    features = features_of(synth, [preset.values, *(moved for _, moved, _ in moves)])
    rates = difference(features[1:], features[0]) / np.array([way for _, _, way in moves])
    return np.array([rates[[at == index for at, _, _ in moves]].mean() for index in range(len(synth.table))])


def _moves(preset: Preset, index: int) -> Iterator[tuple[Vector, float]]:
    """The values with one parameter moved to either side, and how far it went."""
    parameter = preset.table.parameters[index]
    position = parameter.to_position(float(preset.values[index]))
    for step in (-STEP, STEP):
        moved = preset.values.copy()
        moved[index] = parameter.from_position(position + step)
        way = abs(parameter.to_position(float(moved[index])) - position)
        if way > 0.0:
            yield moved, way


def main() -> None:
    """Measure every synthesiser and write the table."""
    table = {name: measured(synth, shipped_presets(name)) for name, synth in SYNTHS.items()}
    document = {
        "description": "Mean weighted change of the long-term features for the whole way of each parameter.",
        "features": list(LONG_TERM.names),
        "weights": feature_weights(get_recipe("default").centroid_weight),
        "step": STEP,
        "sensitivity": table,
    }
    replace_file(TABLE_FILE, (json.dumps(document, indent=1) + "\n").encode(), "table")
    sys.stdout.write(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
