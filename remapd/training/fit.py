"""The training loop: Adam over shuffled batches, the weights of the best validation loss kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from remapd.errors import TrainingError
from remapd.training.long_term import LONG_TERM
from remapd.training.losses import expected_difference, feature_difference
from remapd.training.mapper_module import Mapper
from remapd.training.objective import Objective
from remapd.training.recipes import Recipe
from remapd.training.result import Ending, History, Progress
from remapd.training.schedule import along_cosine, halved_on_plateau
from remapd.training.smoothing import foreseen
from remapd.training.splits import Split

_MEAN_DECAY = 0.9


@dataclass
class FitState:
    """Everything that the next epoch depends on, but for the data; it can be saved and gone on from.

    Parameters
    ----------
    mapper : Mapper
    optimiser : torch.optim.Adam
        Of the mapper's parameters.
    best : list of Tensor
        The mapper's parameters after the best epoch.
    train_loss, validation_loss, learning_rate : list of float
        One for each epoch done; no validation losses where no hits are held out to validate with.
    elapsed_s : float
        Time spent.
    """

    mapper: Mapper
    optimiser: torch.optim.Adam
    best: list[Tensor]
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0

    @property
    def best_epoch(self) -> int:
        """Epoch with the least validation loss, from 0; the last one where none is validated with."""
        return int(np.argmin(self.validation_loss)) if self.validation_loss else len(self.train_loss) - 1

    @property
    def history(self) -> History:
        """Course of the training so far."""
        train_loss, validation_loss, rate = map(np.array, (self.train_loss, self.validation_loss, self.learning_rate))
        return History(train_loss, validation_loss, rate, self.best_epoch)

    def note(self, rate: float, train_loss: float, validation_loss: list[float]) -> None:
        """Remember an epoch, and its weights if it is the best; `validation_loss` is empty where there is none."""
        self.learning_rate.append(rate)
        self.train_loss.append(train_loss)
        self.validation_loss += validation_loss
        if self.best_epoch == len(self.train_loss) - 1:
            self.best = [parameter.detach().clone() for parameter in self.mapper.parameters()]

    def restore_best(self) -> None:
        """Give the mapper its best weights."""
        with torch.no_grad():
            for parameter, best in zip(self.mapper.parameters(), self.best, strict=True):
                parameter.copy_(best)


def first_state(recipe: Recipe, inputs: int, outputs: int, seed: int, device: torch.device) -> FitState:
    """State before the first epoch."""
    sizes = (inputs, *[recipe.width] * recipe.layers, outputs)
    mapper = Mapper(sizes, recipe.init_std, seed).to(device)
    betas = (_MEAN_DECAY, recipe.square_decay)
    optimiser = torch.optim.Adam(mapper.parameters(), betas=betas)
    return FitState(mapper, optimiser, [parameter.detach().clone() for parameter in mapper.parameters()])


class Fit:
    """One training.

    Parameters
    ----------
    objective : Objective
    inputs : Tensor, shape (hits, features)
        What the mapper sees, scaled and centred.
    split : Split
    recipe : Recipe
    seed : int
        Of the order of the hits.
    """

    def __init__(self, objective: Objective, inputs: Tensor, split: Split, recipe: Recipe, seed: int) -> None:
        self._objective, self._inputs, self._recipe, self._seed = objective, inputs, recipe, seed
        self._weights = objective.counted * inputs.new_tensor(feature_weights(recipe.centroid_weight))
        self._epochs = recipe.epochs_of(len(split.train))
        self._train = split.train
        self._foreseen = _foreseen(objective, inputs, split) if recipe.foresees else None
        self._validation = torch.from_numpy(split.validation).to(inputs.device)

    def run(
        self,
        state: FitState,
        progress: Callable[[Progress], object] | None = None,
        stop: Callable[[], bool] | None = None,
        keep: Callable[[FitState, bool], object] | None = None,
    ) -> Ending:
        """Go on from `state` to the end, or until `stop` says so after an epoch; the mapper then has its best weights.

        `progress` and `keep` are called after each epoch, `keep` also with whether it is the last for now.
        """
        is_stopped = False
        for epoch in range(len(state.train_loss), self._epochs):
            began = time.monotonic()
            self._epoch(state, epoch)
            state.elapsed_s += time.monotonic() - began
            is_stopped = stop is not None and stop()
            if keep is not None:
                keep(state, is_stopped)
            if progress is not None:
                progress(self._progress(state))
            if is_stopped:
                break
        state.restore_best()
        return "stopped" if is_stopped else "finished"

    def _epoch(self, state: FitState, epoch: int) -> None:
        batches = self._batches(epoch)
        losses = []
        for i, batch in enumerate(batches):
            rate = self._learning_rate(state, epoch + (i + 0.5) / len(batches))
            state.optimiser.param_groups[0]["lr"] = rate
            losses.append(self._step(state, batch) * len(batch))
        train_loss, validation_loss = sum(losses) / len(self._train), self._validation_loss(state.mapper)
        if not np.isfinite([train_loss, *validation_loss]).all():
            raise TrainingError(f"training has diverged in epoch {epoch + 1}: its loss is no number")
        state.note(rate, train_loss, validation_loss)

    def _learning_rate(self, state: FitState, epoch: float) -> float:
        recipe = self._recipe
        if recipe.schedule == "cosine":
            return along_cosine(recipe.learning_rate, epoch / self._epochs)
        return halved_on_plateau(recipe.learning_rate, recipe.patience, state.validation_loss)

    def _batches(self, epoch: int) -> tuple[Tensor, ...]:
        """Hits in an order of their own for each epoch; the last batch may be smaller."""
        order = np.random.default_rng((self._seed, epoch)).permutation(self._train)
        return torch.from_numpy(order).to(self._inputs.device).split(self._recipe.batch)

    def _step(self, state: FitState, batch: Tensor) -> float:
        loss = self._loss(state.mapper, batch)
        state.optimiser.zero_grad()
        loss.backward()
        state.optimiser.step()
        return loss.item()

    @torch.no_grad()
    def _validation_loss(self, mapper: Mapper) -> list[float]:
        held_out = self._validation
        if not len(held_out):
            return []
        reached = self._objective.reached_in_parts(mapper(self._inputs[held_out]), held_out)
        return [self._plain_loss(reached, held_out).item()]

    def _loss(self, mapper: Mapper, batch: Tensor) -> Tensor:
        reached = self._objective.reached(mapper(self._inputs[batch]), batch)
        if self._foreseen is None:
            return self._plain_loss(reached, batch)
        mean, deviation = self._foreseen
        return expected_difference(reached, mean[batch], deviation[batch], self._weights[batch])

    def _plain_loss(self, reached: Tensor, batch: Tensor) -> Tensor:
        return feature_difference(reached, self._objective.wanted[batch], self._weights[batch])

    def _progress(self, state: FitState) -> Progress:
        done, epochs, held_out = len(state.train_loss), self._epochs, state.validation_loss
        return Progress(
            epoch=done,
            epochs=epochs,
            train_loss=state.train_loss[-1],
            validation_loss=held_out[-1] if held_out else None,
            best_loss=held_out[state.best_epoch] if held_out else None,
            left_s=state.elapsed_s / done * (epochs - done),
        )


def feature_weights(centroid_weight: float) -> list[float]:
    """Weight of each long-term feature, in their order."""
    return [centroid_weight if name.startswith("centroid") else 1.0 for name in LONG_TERM.names]


def _foreseen(objective: Objective, inputs: Tensor, split: Split) -> tuple[Tensor, Tensor]:
    """Mean and deviation (hits, 7) of the changes that the hits trained on let expect."""
    wanted, counted, x = (tensor.cpu() for tensor in (objective.wanted, objective.counted, inputs))
    columns = []
    for feature in range(wanted.shape[1]):
        known = split.train[counted[split.train, feature].numpy()]
        columns.append(foreseen(x[known], wanted[known, feature], x))
    mean, deviation = (torch.stack(column, dim=1).to(inputs.device) for column in zip(*columns, strict=True))
    return mean, deviation
