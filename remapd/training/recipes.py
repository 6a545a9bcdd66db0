"""Recipes: everything that decides how a model is trained, declared once.

The choices of ``--recipe``, the help, the experiment and the models' cards come from `RECIPES`. Those called
``nime2024`` follow Shier, Saitis, Robertson and McPherson, "Real-time Timbre Remapping with Differentiable DSP" (NIME
2024).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from remapd.errors import FieldError
from remapd.features.descriptors import BASIC_FEATURES, FEATURES, REFERENCE_RATE, SPEC_PARAMETERS, FeatureSpec
from remapd.mapping.mapper import MAX_LAYERS, MAX_WIDTH
from remapd.parameters import Parameter, ParameterTable

Schedule = Literal["plateau", "cosine"]

PUBLICATION = "Shier et al., NIME 2024"

#: The fields of a `Recipe` that are numbers.
RECIPE_PARAMETERS = ParameterTable(
    "recipe",
    [
        SPEC_PARAMETERS["window_ms"],
        SPEC_PARAMETERS["bandwidth_hz"],
        Parameter("layers", "", 0, MAX_LAYERS - 1, 1, "Hidden layers; without any the network is linear.", "whole"),
        Parameter("width", "", 1, MAX_WIDTH, 32, "Width of each hidden layer.", "whole"),
        Parameter("init_std", "", 0.0, 1.0, 1e-3, "Standard deviation of the weights before training; biases are 0."),
        Parameter("learning_rate", "", 1e-6, 1.0, 5e-4, "Of Adam, at its greatest.", "log"),
        Parameter("square_decay", "", 0.5, 0.9999, 0.999, "How slowly Adam forgets the squares of gradients."),
        Parameter(
            "centroid_weight", "", 0.1, 100.0, 1.0, "How much more the two centroids weigh; their unit is small."
        ),
        Parameter("batch", "", 1, 1024, 16, "Hits in a step.", "whole"),
        Parameter("epochs", "", 0, 100000, 250, "Passes through the hits; 0 where steps are counted.", "whole"),
        Parameter("steps", "", 0, 1000000, 0, "Batches, in whole passes; 0 where epochs are counted.", "whole"),
        Parameter("patience", "", 1, 100000, 20, "Epochs without improvement until the rate is halved.", "whole"),
    ],
)


@dataclass(frozen=True)
class Recipe:
    """How a mapper is trained; see `RECIPE_PARAMETERS` for the numbers.

    Parameters
    ----------
    name, description : str
    schedule : {"plateau", "cosine"}
        Learning rate: halved after `patience` epochs without improvement, or after a short rise down along half a
        cosine.
    foresees : bool
        Whether to train towards what the onset features let expect, with its uncertainty, and not towards each hit (see
        `remapd.training.smoothing`).
    keeps_last : bool
        Whether the weights of the last epoch are kept, so that no hits are needed to choose an epoch and all but those
        of the test are trained on; else those of the epoch with the least loss over the validation hits.
    is_centred : bool
        Whether the reference hit's features are subtracted from the input.
    uses_horizons : bool
        Whether hits that the next one cuts short are compared over what is heard of them alone; else they are taken as
        they are, faded out.
    inputs : tuple of str
        The onset features that the network hears.

    Raises
    ------
    FieldError
        If a number does not fit.
    """

    name: str
    description: str
    window_ms: float = RECIPE_PARAMETERS["window_ms"].default
    bandwidth_hz: float = RECIPE_PARAMETERS["bandwidth_hz"].default
    layers: int = 1
    width: int = 32
    init_std: float = 1e-3
    learning_rate: float = 5e-4
    square_decay: float = 0.999
    schedule: Schedule = "plateau"
    centroid_weight: float = 1.0
    batch: int = 16
    epochs: int = 250
    steps: int = 0
    patience: int = 20
    foresees: bool = False
    keeps_last: bool = False
    is_centred: bool = True
    uses_horizons: bool = False
    inputs: tuple[str, ...] = BASIC_FEATURES

    def __post_init__(self) -> None:
        _check_numbers(self, RECIPE_PARAMETERS)
        if bool(self.epochs) == bool(self.steps):
            raise FieldError("recipe.epochs", "either epochs or steps", f"{self.epochs} and {self.steps}")

    def epochs_of(self, hits: int) -> int:
        """Passes through so many hits."""
        return self.epochs or max(1, round(self.steps / math.ceil(hits / self.batch)))

    @property
    def features(self) -> FeatureSpec:
        """Window of the onset features."""
        return FeatureSpec(window_ms=self.window_ms, bandwidth_hz=self.bandwidth_hz)

    def settings(self) -> dict[str, str]:
        """Give every field but the name in words, for people."""
        return {field.name: _in_words(getattr(self, field.name)) for field in fields(self) if field.name != "name"}


DIRECT_PARAMETERS = ParameterTable(
    "direct",
    [
        Parameter("learning_rate", "", 1e-6, 1.0, 5e-3, "Of Adam, in the beginning.", "log"),
        Parameter("steps", "", 1, 100000, 1000, "Steps.", "whole"),
        Parameter("patience", "", 1, 100000, 50, "Steps without improvement until the rate is halved.", "whole"),
    ],
)


@dataclass(frozen=True)
class DirectRecipe:
    """Optimise a modulation for each hit by itself: what no mapper can be better than; see `DIRECT_PARAMETERS`."""

    name: str
    description: str
    learning_rate: float = 5e-3
    steps: int = 1000
    patience: int = 50
    uses_horizons: bool = False

    def __post_init__(self) -> None:
        _check_numbers(self, DIRECT_PARAMETERS)


def _check_numbers(recipe: Any, table: ParameterTable) -> None:
    for parameter in table:
        value = parameter.check(getattr(recipe, parameter.name), f"recipe.{parameter.name}")
        object.__setattr__(recipe, parameter.name, int(value) if parameter.curve == "whole" else value)


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


#: A window of this many samples at 48 kHz.
_LONG_WINDOW_MS = 1000.0 * 2048 / REFERENCE_RATE

_DEFAULT = Recipe(
    "default",
    "ours: the least error on hits that were held out",
    layers=3,
    width=64,
    learning_rate=1e-3,
    square_decay=0.99,
    schedule="cosine",
    centroid_weight=8.0,
    epochs=0,
    steps=600,
    foresees=True,
    keeps_last=True,
    uses_horizons=True,
    inputs=FEATURES.names,
)
# Published features take in all that the rate can carry.
_MLP = Recipe("nime2024", f"the MLP of {PUBLICATION}", bandwidth_hz=SPEC_PARAMETERS["bandwidth_hz"].maximum)
_PUBLISHED = (
    _MLP,
    replace(_MLP, name="nime2024-linear", description=f"the linear mapper of {PUBLICATION}", layers=0, init_std=1e-6,
            learning_rate=5e-3),
    replace(_MLP, name="nime2024-mlp-large", description=f"the large MLP of {PUBLICATION}", layers=3, width=64),
)  # fmt: skip


def _with_long_window(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        name=f"{recipe.name}-2048",
        description=f"{recipe.description}, with windows of 2048 samples",
        window_ms=_LONG_WINDOW_MS,
    )


def _not_centred(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        name=f"{recipe.name}-uncentred",
        description=f"{recipe.description}, its input not centred",
        is_centred=False,
    )


#: Recipes that make a model, by name.
RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _DEFAULT,
        *_PUBLISHED,
        *(_not_centred(recipe) for recipe in _PUBLISHED),
        *(_with_long_window(recipe) for recipe in _PUBLISHED),
        *(_with_long_window(_not_centred(recipe)) for recipe in _PUBLISHED),
    )
}

#: The upper bound.
DIRECT = DirectRecipe("direct", f"direct optimisation as in {PUBLICATION}: no model")


def get_recipe(name: str) -> Recipe:
    """Recipe of a name; an unknown name is refused with the nearest known one."""
    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(str(name), RECIPES, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise FieldError("recipe", f"one of {', '.join(RECIPES)}{hint}", name)
