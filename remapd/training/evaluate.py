"""What a model does with hits, by the code that plays it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from remapd.mapping.bundle import Model
from remapd.synth.registry import VOICE, render_voice, reset_voice, synth_id, trigger_voice
from remapd.training.long_term import SOUND_FRAMES, TRAINING_RATE_HZ
from remapd.training.objective import NOISE_SEED, Objective
from remapd.training.result import Answers, Differences

if TYPE_CHECKING:
    from remapd.training.dataset import HitSet


def modulations(model: Model, hits: HitSet) -> NDArray[np.float64]:
    """Modulations (hits, parameters) as the engine computes them, before damping."""
    rows = [model.modulation(features) for features in hits.onset_features]
    return np.array(rows).reshape(len(rows), len(model.table))


def engine_answers(
    model: Model, modulation: NDArray[np.float64], objective: Objective, indices: NDArray[np.int64]
) -> Answers:
    """Play hits on the engine's voice, and hold what it plays against the twin.

    Parameters
    ----------
    model : Model
    modulation : array of float, shape (hits, parameters)
        Of all hits, as `modulations` gives it.
    objective : Objective
        Of the same hits.
    indices : array of int, shape (answers,)
        The hits to play.
    """
    device = objective.wanted.device
    sounds = np.array([engine_sound(model, modulation[i]) for i in indices]).reshape(len(indices), SOUND_FRAMES)
    places = torch.from_numpy(indices).to(device)
    with torch.no_grad():
        played = objective.changes(torch.from_numpy(sounds).to(device), places).cpu().numpy()
        computed = objective.reached(torch.from_numpy(modulation[indices]).to(device), places).cpu().numpy()
    # Without any answer there is no distance.
    distance = np.abs(played - computed) if indices.size else np.full((1, played.shape[1]), np.nan)
    wanted, counted = objective.wanted.cpu().numpy()[indices], objective.counted.cpu().numpy()[indices]
    return Answers(
        indices, sounds.astype(np.float32), Differences(wanted, played, counted), distance.max(0), distance.mean(0)
    )


def engine_sound(model: Model, modulation: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the voice plays for a modulation (parameters,), out of silence; shape (SOUND_FRAMES,) at 44.1 kHz."""
    preset = model.preset
    voice, out = np.zeros(1, VOICE)[0], np.zeros(SOUND_FRAMES)
    reset_voice(voice, float(TRAINING_RATE_HZ), NOISE_SEED)
    trigger_voice(
        voice, synth_id(model.synth), model.table.denormalise(preset.unit_values + preset.damping * modulation)
    )
    render_voice(voice, out, 0, SOUND_FRAMES)
    return out
