"""Training from end to end: hits and a preset in, a model and all that is known of it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from remapd.errors import FieldError
from remapd.mapping.bundle import Model
from remapd.synth.presets import Preset
from remapd.training.checkpoint import Checkpoint, fingerprint
from remapd.training.dataset import HitSet
from remapd.training.evaluate import engine_answers, modulations
from remapd.training.fit import Fit, FitState, first_state
from remapd.training.long_term import TRAINING_RATE_HZ
from remapd.training.objective import Objective
from remapd.training.provenance import training_provenance
from remapd.training.recipes import Recipe
from remapd.training.result import Ending, Progress, TrainingResult
from remapd.training.scaling import fitted_scaling
from remapd.training.splits import Split, even_split
from remapd.training.torch_state import undisturbed


def train(
    hits: HitSet,
    preset: Preset,
    recipe: Recipe,
    *,
    seed: int = 0,
    split: Split | None = None,
    validation: float = 0.1,
    test: float = 0.1,
    name: str = "model",
    licence: str = "not stated",
    device: str = "cpu",
    progress: Callable[[Progress], object] | None = None,
    stop: Callable[[], bool] | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> TrainingResult:
    """Train a model.

    On the CPU the same arguments give the same weights, bit for bit, on any number of threads, resumed or not. Nothing
    that torch keeps for the whole process is changed.

    Parameters
    ----------
    hits : HitSet
        Measured on the window of the recipe.
    preset : Preset
        What the model modulates, and on which synth.
    recipe : Recipe
    seed : int
        Of the first weights, the order of the hits and, if none is given, the split.
    split : Split, optional
        If not given it is drawn evenly over loudness. Its validation hits are trained on if the recipe needs none.
    validation, test : float
        Parts of the hits in a split that is drawn.
    name, licence : str
        Of the model.
    device : str
        Where to compute, as torch names it.
    progress : callable, optional
        Called after each epoch.
    stop : callable, optional
        Asked after each epoch; when it returns true training ends, with the weights of the best epoch so far or, where
        the recipe keeps the last, of this one.
    checkpoint : Path, optional
        File that is written now and then to `resume` from, and when told to stop. It is not removed.
    resume : bool
        Go on from `checkpoint`.

    Returns
    -------
    TrainingResult

    Raises
    ------
    FieldError
        If the window of the hits is not that of the recipe, the split leaves nothing to train on or to validate with,
        or the checkpoint is one of another training.
    TrainingError
        If there is no checkpoint to resume from, or it is damaged.
    ModelError
        If a checkpoint cannot be written.
    """
    with undisturbed():
        objective = Objective(hits, preset, recipe.uses_horizons, torch.device(device))
        split = split or even_split(objective.loudness_db.cpu().numpy(), seed, validation, test, objective.reference)
        if recipe.keeps_last:
            split = split.without_validation()
        job = _Job(hits, preset, recipe, seed, objective, split)
        state = first_state(recipe, job.inputs.shape[1], len(preset.table), seed, torch.device(device))
        keep = None
        if checkpoint is not None:
            file = Checkpoint(checkpoint, fingerprint(hits, preset, recipe, split, seed, device))
            keep = file.keep
            if resume:
                file.read(state)
        ending = Fit(objective, job.inputs, split, recipe, seed).run(state, progress, stop, keep)
        return job.result(job.model(state, name, licence), state, ending)


class _Job:
    """What is fixed before the first epoch."""

    def __init__(
        self, hits: HitSet, preset: Preset, recipe: Recipe, seed: int, objective: Objective, split: Split
    ) -> None:
        if hits.spec != recipe.features:
            raise FieldError("hits.spec", f"{recipe.features}, as the recipe has it", hits.spec)
        if not (split.train.size and (split.validation.size or recipe.keeps_last)):
            raise FieldError("split", "hits to train on and to validate with", split)
        self._hits, self._preset, self._recipe, self._seed = hits, preset, recipe, seed
        self._objective, self._split = objective, split
        centre = objective.reference if recipe.is_centred else None
        self.scaling = fitted_scaling(hits.onset_features, centre, recipe.inputs)
        centred = [self.scaling.centred(features) for features in hits.onset_features]
        self.inputs = torch.from_numpy(np.array(centred)).to(objective.wanted.device)

    def model(self, state: FitState, name: str, licence: str) -> Model:
        """Model of the mapper's present weights."""
        preset = self._preset
        return Model(
            name=name,
            network=state.mapper.network(),
            scaler=self.scaling,
            preset=preset,
            licence=licence,
            features=self._hits.spec,
            sample_rate_hz=float(TRAINING_RATE_HZ),
            description=f"{preset.name} of {preset.synth}, trained with the recipe {self._recipe.name}.",
        )

    def result(self, model: Model, state: FitState, ending: Ending) -> TrainingResult:
        """Judge the model as it plays, and write down where it comes from."""
        modulation = modulations(model, self._hits)
        device = self.inputs.device
        everywhere = torch.arange(len(modulation), device=device)
        differences = self._objective.differences(torch.from_numpy(modulation).to(device), everywhere)
        known: dict[str, Any] = {
            "hits": self._hits,
            "split": self._split,
            "reference": self._objective.reference,
            "recipe": self._recipe.name,
            "settings": self._recipe.settings(),
            "seed": self._seed,
            "history": state.history,
            "differences": differences,
            "ending": ending,
        }
        return TrainingResult(
            model=replace(model, provenance=training_provenance(**known)),
            answers=engine_answers(model, modulation, self._objective, self._split.test),
            elapsed_s=state.elapsed_s,
            **known,
        )
