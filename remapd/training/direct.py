"""Direct optimisation: a modulation of each hit by itself, without a mapper.

It knows the answer it is judged by, so it shows how near the synth can come at all; no mapper can be better (Shier et
al., NIME 2024).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remapd.synth.presets import Preset
from remapd.training.dataset import HitSet
from remapd.training.objective import Objective
from remapd.training.recipes import DirectRecipe
from remapd.training.result import Differences
from remapd.training.schedule import LEAST_FALL
from remapd.training.torch_state import undisturbed

# Hits in a step; gradients take memory.
_BATCH = 32


def optimise_directly(
    hits: HitSet,
    preset: Preset,
    recipe: DirectRecipe,
    *,
    indices: NDArray[np.int64] | None = None,
    device: str = "cpu",
    progress: Callable[[int, int], object] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Differences:
    """Find the modulation of each hit that comes nearest to its wanted change.

    Hits do not influence each other: each has its own learning rate, halved when its own error has not fallen for
    `recipe.patience` steps.

    Parameters
    ----------
    hits : HitSet
    preset : Preset
    recipe : DirectRecipe
    indices : array of int, optional
        The hits to optimise, as places in `hits`; all if not given.
    device : str
        As torch names it.
    progress : callable, optional
        Called with the steps done and to do.
    stop : callable, optional
        Ends it early, with the best so far, when it returns true.

    Returns
    -------
    Differences
        Of these hits, at the least error of each.
    """
    with undisturbed():
        objective = Objective(hits, preset, recipe.uses_horizons, torch.device(device))
        places = np.arange(len(hits)) if indices is None else indices
        search = _Search(objective, torch.from_numpy(places).to(device), len(preset.table), recipe)
        for step in range(recipe.steps):
            search.step()
            if progress is not None:
                progress(step + 1, recipe.steps)
            if stop is not None and stop():
                break
        return objective.differences(search.best, search.indices)


class _Search:
    """Adam (Kingma and Ba 2015) with a learning rate for each hit; what leaves the range is put back on its edge."""

    _MEAN_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, objective: Objective, indices: Tensor, parameters: int, recipe: DirectRecipe) -> None:
        self._objective, self._patience, self._steps = objective, recipe.patience, 0
        self.indices = indices
        each = objective.wanted[indices, 0]
        self._modulation = each.new_zeros(len(each), parameters)
        self._mean, self._square = torch.zeros_like(self._modulation), torch.zeros_like(self._modulation)
        self._rate = torch.full_like(each, recipe.learning_rate)[:, None]
        self._least = torch.full_like(each, torch.inf)
        self._mark = self._least
        self._waited = torch.zeros_like(each, dtype=torch.int64)
        self.best = self._modulation.clone()

    def step(self) -> None:
        """Improve every hit once."""
        error, gradient = self._error_and_gradient()
        self._note(error)
        self._steps += 1
        self._mean.lerp_(gradient, 1.0 - self._MEAN_DECAY)
        self._square.lerp_(gradient.square(), 1.0 - self._SQUARE_DECAY)
        mean = self._mean / (1.0 - self._MEAN_DECAY**self._steps)
        square = self._square / (1.0 - self._SQUARE_DECAY**self._steps)
        moved = self._modulation - self._rate * mean / (square.sqrt() + self._EPSILON)
        self._modulation = self._objective.within_range(moved)

    def _error_and_gradient(self) -> tuple[Tensor, Tensor]:
        errors, gradients = [], []
        for modulation, part in zip(self._modulation.split(_BATCH), self.indices.split(_BATCH), strict=True):
            modulation = modulation.clone().requires_grad_()
            error = self._objective.errors(modulation, part)
            (gradient,) = torch.autograd.grad(error.sum(), modulation)
            errors.append(error.detach())
            gradients.append(gradient)
        return torch.cat(errors), torch.cat(gradients)

    def _note(self, error: Tensor) -> None:
        """Keep what is better than before, and halve the rate of hits that have waited for too long."""
        is_better = error < self._least
        self._least = torch.where(is_better, error, self._least)
        self.best[is_better] = self._modulation[is_better]
        is_improved = error < self._mark * (1.0 - LEAST_FALL)
        self._mark = torch.where(is_improved, error, self._mark)
        self._waited = torch.where(is_improved, 0, self._waited + 1)
        is_stuck = self._waited > self._patience
        self._rate[is_stuck] *= 0.5
        self._waited[is_stuck] = 0
