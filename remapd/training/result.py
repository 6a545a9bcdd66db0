"""What comes out of training, and the figures it is judged by. No torch: reports and tables read it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from remapd.training.long_term import LONG_TERM

if TYPE_CHECKING:
    from remapd.mapping.bundle import Model
    from remapd.training.dataset import HitSet
    from remapd.training.splits import Split

#: Why training ended: all epochs done, or told to stop.
Ending = Literal["finished", "stopped"]

#: Parts of a data set, as the fields of a `Split` are called.
PARTS = ("train", "validation", "test")

#: Features that tell whether a model answers louder with louder and brighter with brighter.
RANKED = ("loudness_t_db", "centroid_t")


@dataclass(frozen=True)
class Progress:
    """How far training is: epochs done and to do at most, losses, and an estimate of the time left.

    Validation losses are None where the recipe holds out no hits to validate with.
    """

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float | None
    best_loss: float | None
    left_s: float


@dataclass(frozen=True, eq=False)
class Errors:
    """Mean and standard deviation of absolute errors, in the features' units.

    Parameters
    ----------
    mean, deviation : array of float, shape (7,)
        In the order of `LONG_TERM`; NaN where no hit counts.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @property
    def overall(self) -> float:
        """Mean over the features."""
        return float(self.mean.mean())


@dataclass(frozen=True, eq=False)
class Differences:
    """Wanted and reached changes of the long-term features.

    Parameters
    ----------
    wanted, reached : array of float, shape (hits, 7)
        `y` and `y_hat`, in the order and units of `LONG_TERM`.
    counted : array of bool, shape (hits, 7)
        Which of them count; the temporal centroid of a hit that is cut short does not.
    """

    wanted: NDArray[np.float64]
    reached: NDArray[np.float64]
    counted: NDArray[np.bool_]

    def subset(self, indices: NDArray[np.int64]) -> Differences:
        """Take the hits at `indices`."""
        return Differences(self.wanted[indices], self.reached[indices], self.counted[indices])

    def errors(self) -> Errors:
        """Errors of what was reached."""
        return _errors(self.reached - self.wanted, self.counted)

    def bare_errors(self) -> Errors:
        """Errors of the bare preset, which never changes: those of a difference of zero."""
        return _errors(self.wanted, self.counted)

    def rank_correlation(self, feature: str) -> float:
        """Spearman's rank correlation of wanted and reached; NaN where either does not vary."""
        index = LONG_TERM.index(feature, "feature")
        counted = self.counted[:, index]
        return rank_correlation(self.wanted[counted, index], self.reached[counted, index])


@dataclass(frozen=True, eq=False)
class History:
    """Course of a training, one number for each epoch.

    Parameters
    ----------
    train_loss, learning_rate : array of float, shape (epochs,)
    validation_loss : array of float, shape (epochs,)
        Empty where the recipe holds out no hits to validate with.
    best_epoch : int
        The epoch whose weights were kept, counted from 0.
    """

    train_loss: NDArray[np.float64]
    validation_loss: NDArray[np.float64]
    learning_rate: NDArray[np.float64]
    best_epoch: int


@dataclass(frozen=True, eq=False)
class Answers:
    """What the engine plays for some hits.

    Parameters
    ----------
    indices : array of int, shape (answers,)
        The hits, as places in the data set.
    sounds : array of float32, shape (answers, frames)
        The engine's answers at 44.1 kHz, each out of silence.
    differences : Differences
        Wanted differences, and reached ones as measured on `sounds`.
    largest, mean : array of float, shape (7,)
        Largest and mean distance from the features of the twin's sounds to those of the engine's.
    """

    indices: NDArray[np.int64]
    sounds: NDArray[np.float32]
    differences: Differences
    largest: NDArray[np.float64]
    mean: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained model with everything that is known of it.

    Parameters
    ----------
    model : Model
    recipe : str
        Name of the recipe.
    settings : mapping of str to str
        Fields of the recipe, for people.
    seed : int
    hits : HitSet
        The data.
    split : Split
        Places in `hits` that were trained on, chosen by and tested on.
    reference : int
        Place in `hits` of the reference hit.
    history : History
    differences : Differences
        Of all hits in the order of `hits`, through the exported network and the twin.
    answers : Answers
        Of the test hits, through the engine.
    ending : {"finished", "stopped"}
    elapsed_s : float
        Time that training took, over all sessions of a resumed one.
    """

    model: Model
    recipe: str
    settings: Mapping[str, str]
    seed: int
    hits: HitSet
    split: Split
    reference: int
    history: History
    differences: Differences
    answers: Answers
    ending: Ending
    elapsed_s: float

    def part(self, name: str) -> Differences:
        """Differences of one of `PARTS`."""
        indices: NDArray[np.int64] = getattr(self.split, name)
        return self.differences.subset(indices)


def rank_correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Spearman's rank correlation, equal values at the mean of their ranks; NaN where either does not vary."""
    a, b = _centred_ranks(x), _centred_ranks(y)
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0.0 else float("nan")


def _centred_ranks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    below = (x[None, :] < x[:, None]).sum(axis=1)
    above = (x[None, :] > x[:, None]).sum(axis=1)
    ranks: NDArray[np.float64] = 0.5 * (below - above)
    return ranks


def _errors(difference: NDArray[np.float64], counted: NDArray[np.bool_]) -> Errors:
    mean, deviation = np.full(len(LONG_TERM), np.nan), np.full(len(LONG_TERM), np.nan)
    for feature in range(len(LONG_TERM)):
        error = np.abs(difference[counted[:, feature], feature])
        if error.size:
            mean[feature], deviation[feature] = error.mean(), error.std()
    return Errors(mean, deviation)
