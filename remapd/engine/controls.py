"""What can be set while the engine runs: per track and for the whole engine.

The engine sees both tables as vectors in the table's order; the detector's parameters are part of each track's.
"""

from __future__ import annotations

import functools
from dataclasses import replace

from remapd.features.descriptors import FEATURES
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.parameters import Parameter, ParameterTable
from remapd.synth.registry import get_synth

# The features' names without their units.
_FEATURES = tuple(name.rpartition("_")[0] for name in FEATURES.names)

_TRACK = (
    Parameter("neurality", "", 0.0, 4.0, 1.0, "How far the mapper moves the preset: 0 plays the bare preset."),
    Parameter("dry_wet", "", 0.0, 1.0, 1.0, "Mix of the input (0) and the synthesiser (1)."),
    Parameter("gain_db", "dB", -60.0, 12.0, 0.0, "Level of the track."),
    Parameter("pan", "", -1.0, 1.0, 0.0, "Place between left (-1) and right (1); constant power, 0 dB in the middle."),
    Parameter("mute", "", 0.0, 1.0, 0.0, "Silences the track; hits are still found and sent.", "switch"),
    Parameter("solo", "", 0.0, 1.0, 0.0, "Silences every track that is not soloed.", "switch"),
    Parameter("loudness_amount", "", 0.0, 1.0, 0.0, "How much a hit's loudness sets its level, beside the mapper."),
    Parameter("loudness_range_db", "dB", 0.0, 60.0, 40.0, "Level between the softest and the loudest hit at amount 1."),
    Parameter("adaptive", "", 0.0, 1.0, 0.0, "Scales features by the range heard so far, not the model's.", "switch"),
)
# All factors, then all offsets: the scaler takes each as a vector.
_SCALING = (
    *(Parameter(f"{n}.scale", "", -4.0, 4.0, 1.0, f"Factor on the scaled {n} before the mapper.") for n in _FEATURES),
    *(Parameter(f"{n}.offset", "", -1.0, 1.0, 0.0, f"Added to the scaled {n} before the mapper.") for n in _FEATURES),
)
_ONSET = tuple(replace(parameter, name=f"onset.{parameter.name}") for parameter in ONSET_PARAMETERS)

#: Everything that is set per track, besides depth, lock and base value of each synth parameter.
TRACK_PARAMETERS = ParameterTable("track", (*_TRACK, *_SCALING, *_ONSET))

#: Everything that is set once for the engine.
GLOBAL_PARAMETERS = ParameterTable(
    "engine",
    (
        Parameter("output_gain_db", "dB", -60.0, 12.0, 0.0, "Level of the mix before the limiter."),
        Parameter("limiter_ceiling_db", "dB", -24.0, 0.0, -0.3, "Highest peak that leaves the engine."),
        Parameter("limiter_release_ms", "ms", 5.0, 1000.0, 80.0, "Time the limiter takes to let go."),
    ),
)

#: Range of a synth parameter's depth (a factor on its modulation).
DEPTH = Parameter("depth", "ratio", 0.0, 1.0, 1.0, "Factor on the modulation of one synth parameter.")
#: Lock of a synth parameter: it stays at the preset's value.
LOCK = Parameter("lock", "", 0.0, 1.0, 0.0, "Keeps one synth parameter at its base value.", "switch")

#: Where a track listens.
INPUT_CHANNEL = Parameter("input_channel", "", 0.0, 255.0, 0.0, "Channel of the input, from 0.", "whole")

_DEPTH_PREFIX, _LOCK_PREFIX = "depth.", "lock."


@functools.cache
def track_settings(synth: str) -> ParameterTable:
    """Everything that can be set by name on a track that plays `synth`.

    These are `TRACK_PARAMETERS`, the base value of each parameter of the synth under its own name, and the ``depth.``
    and the ``lock.`` of each.
    """
    table = get_synth(synth).table
    depths = (replace(DEPTH, name=_DEPTH_PREFIX + name) for name in table.names)
    locks = (replace(LOCK, name=_LOCK_PREFIX + name) for name in table.names)
    return ParameterTable("a track", (*TRACK_PARAMETERS, *table, *depths, *locks))


#: Times over which changes that would click are spread.
MIX_RAMP_MS = 5.0
LEVEL_RAMP_MS = 1.0
