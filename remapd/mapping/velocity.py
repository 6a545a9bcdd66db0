"""The model `velocity`: harder is louder, brighter and with a deeper pitch sweep, from loudness alone.

It needs no training, so it is what plays before anything is trained, and what a trained model has to beat. Run
``python -m remapd.mapping.velocity`` to write its file anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remapd.features.descriptors import BASIC_FEATURES
from remapd.mapping.bundle import Model, save_model
from remapd.mapping.network import Network
from remapd.mapping.scaling import Scaling
from remapd.synth.presets import Preset, load_preset

NAME = "velocity"
PRESET_NAME = "snare_1"

#: Ranges that hold close-miked snare hits with room to spare: over the first 5 ms these have -54 to -7 dB, 79 to 105 st
#: (cymbals up to 125) and -84 to -29 dB.
MINIMUM = {"loudness_db": -60.0, "centroid_st": 60.0, "flatness_db": -100.0}
MAXIMUM = {"loudness_db": -6.0, "centroid_st": 130.0, "flatness_db": 0.0}
#: The hit that plays the bare preset: -24.9 dB, about the median of such hits.
REFERENCE = {"loudness_db": 0.65, "centroid_st": 0.5, "flatness_db": 0.5}

#: Modulation over the whole range of loudness, as a part of each parameter's range. The softest hit of all is 0.65 of
#: it below the preset and just about without a pitch sweep, the loudest 0.35 above. With the drive, which is the gain
#: of all, tones follow the input by 0.66 dB for each dB and the noise by 0.9, so that soft hits are darker.
LOUDNESS_WEIGHTS = {
    "osc1.mod": 0.2,  # 0.6 of the sweep's ratio
    "osc2.mod": 0.15,  # 0.45 of the sweep's ratio
    "noise_filter.freq": 0.15,  # 3.3 kHz
    "osc1_gain.gain": 0.25,  # 16.5 dB
    "osc2_gain.gain": 0.25,
    "noise_gain.gain": 0.45,  # 29.7 dB
    "tanh.in_gain": 0.4,  # 19.2 dB
}


def build_velocity(preset: Preset) -> Model:
    """Build the model on a preset of the 808 snare."""
    weights = np.zeros((len(preset.table), len(BASIC_FEATURES)), np.float32)
    for name, weight in LOUDNESS_WEIGHTS.items():
        weights[preset.table.index(name), BASIC_FEATURES.index("loudness_db")] = weight
    return Model(
        name=NAME,
        network=Network("linear", [weights]),
        scaler=Scaling(_in_order(MINIMUM), _in_order(MAXIMUM), _in_order(REFERENCE)),
        preset=preset,
        licence="MIT",
        description="Harder is louder, brighter and with a deeper pitch sweep; from loudness alone, not trained.",
        provenance={"method": "set by hand", "source": "remapd.mapping.velocity"},
    )


def _in_order(values: dict[str, float]) -> NDArray[np.float64]:
    return np.array([values[name] for name in BASIC_FEATURES])


def main(folder: Path) -> None:
    """Write the model into a folder that has its preset in ``presets``."""
    preset = load_preset(folder / "presets" / f"{PRESET_NAME}.json")
    save_model(build_velocity(preset), folder / f"{NAME}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "models"))
