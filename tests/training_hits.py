"""Sets of hits for tests of training, played by a synth, so that no recording is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remapd.features.descriptors import FeatureSpec, measure_array
from remapd.synth.presets import Preset, load_preset
from remapd.synth.registry import VOICE, render_voice, reset_voice, synth_id, trigger_voice
from remapd.training.dataset import HitSet, Origin
from remapd.training.long_term import SOUND_FRAMES, TRAINING_RATE_HZ
from tests.models import SHIPPED

WHOLE_S = SOUND_FRAMES / TRAINING_RATE_HZ


def preset(name: str = "snare_1") -> Preset:
    return load_preset(SHIPPED / "presets" / f"{name}.json")


def played_hits(count: int = 18, seed: int = 0, spec: FeatureSpec | None = None) -> HitSet:
    """Hits of the 808 snare, from soft and dark to loud and bright."""
    spec, random = spec or FeatureSpec(), np.random.default_rng(seed)
    sounds = np.stack([_played(force, random) for force in np.linspace(0.0, 1.0, count)])
    features = np.stack([measure_array(sound, TRAINING_RATE_HZ, spec) for sound in sounds])
    origins = tuple(Origin(Path("played.wav"), 0, float(i), "played") for i in range(count))
    return HitSet(sounds.astype(np.float32), features, np.full(count, WHOLE_S), origins, spec)


def _played(force: float, random: np.random.Generator) -> NDArray[np.float64]:
    values = preset("snare_2").values.copy()
    table = preset().table
    values[table.index("tanh.in_gain")] = -24.0 + 20.0 * force + random.normal()
    values[table.index("noise_filter.freq")] = 1000.0 + 3000.0 * force + 200.0 * random.normal()
    values[table.index("noise_env.decay")] = 600.0
    voice, out = np.zeros(1, VOICE)[0], np.zeros(SOUND_FRAMES)
    reset_voice(voice, float(TRAINING_RATE_HZ), 5)
    trigger_voice(voice, synth_id("snare808"), values)
    render_voice(voice, out, 0, SOUND_FRAMES)
    return out
