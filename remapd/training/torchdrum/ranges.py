"""TorchDrum's synth and its 0..1, and how they differ from ours.

The plugin's synth is the published 808 snare with the same parameters in the same order. Their ranges are those of
training but for one: the noise filter's frequency goes up to 24000 Hz in the plugin, and to half the rate in training,
which is at 44.1 kHz. The published training writes its own 0..1 into a file, so the plugin plays a noise whose cutoff
is 8.9 % too high.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remapd.synth.registry import get_synth

SYNTH = "snare808"
CUTOFF = "noise_filter.freq"
PLUGIN_CUTOFF_MAX_HZ = 24000.0
TRAINING_RATE_HZ = 44100.0
WINDOW_FRAMES = 256


def to_plugin() -> NDArray[np.float64]:
    """Factors (parameters,) from our 0..1 to the plugin's, for presets and modulations alike.

    Both ranges of each parameter begin at the same value, so a factor is all there is.
    """
    table = get_synth(SYNTH).table
    cutoff = table[CUTOFF]
    factors = np.ones(len(table))
    factors[table.index(CUTOFF)] = (cutoff.maximum - cutoff.minimum) / (PLUGIN_CUTOFF_MAX_HZ - cutoff.minimum)
    return factors
