"""What an experiment consists of: a job for each drum, preset, recipe and seed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from remapd import __version__
from remapd.errors import FieldError
from remapd.features.descriptors import FeatureSpec
from remapd.synth.presets import Preset
from remapd.training import recipes
from remapd.training.fingerprints import preset_text, recipe_fields
from remapd.training.recipes import PUBLICATION, DirectRecipe, Recipe

#: The presets of the published experiment.
PUBLISHED_PRESETS = ("noisy_snare", "open_snare", "snare_1", "snare_2", "snare_3")

_MAPPERS = {"nime2024-linear": "Linear", "nime2024": "MLP", "nime2024-mlp-large": "MLP Lrg"}
#: Rows of the table by the name of their recipe: the publication's, and ours.
ROWS: Mapping[str, str] = {
    "bare": "Bare preset",
    "direct": "Direct optimisation",
    **{name: f"{label}, 256" for name, label in _MAPPERS.items()},
    **{f"{name}-2048": f"{label}, 2048" for name, label in _MAPPERS.items()},
    "default": "Our default",
}


@dataclass(frozen=True)
class BareRecipe:
    """Leave the preset as it is, whatever is played."""

    name: str = "bare"
    description: str = f"the bare preset of {PUBLICATION}: no model"


Method = BareRecipe | DirectRecipe | Recipe


def methods() -> dict[str, Method]:
    """Everything that can be compared, by name."""
    return {"bare": BareRecipe(), recipes.DIRECT.name: recipes.DIRECT, **recipes.RECIPES}


def get_method(name: str) -> Method:
    """Recipe of a name; an unknown name is refused with the nearest known one.

    Raises
    ------
    FieldError
        If there is none.
    """
    known = methods()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise FieldError("--recipes", f"some of {', '.join(known)}{hint}", name)


class Cell(NamedTuple):
    """What tells a job from the others."""

    drum: str
    preset: str
    recipe: str
    seed: int


@dataclass(frozen=True, eq=False)
class Job:
    """One training, or what takes its place; it can be sent to another process.

    Parameters
    ----------
    drum : str
    preset : Preset
    method : Recipe, DirectRecipe or BareRecipe
    seed : int
        Of the hits that are held out, and of the training.
    """

    drum: str
    preset: Preset
    method: Method
    seed: int

    @property
    def cell(self) -> Cell:
        """What it is called by."""
        return Cell(self.drum, self.preset.name, self.method.name, self.seed)

    def fingerprint(self, data: str) -> dict[str, str]:
        """Everything that the result depends on, by name.

        Parameters
        ----------
        data : str
            As `remapd.training.fingerprints.data_digest` gives it.
        """
        recipe = json.dumps(recipe_fields(self.method), sort_keys=True)
        return {
            "version": __version__,
            "data": data,
            "preset": preset_text(self.preset),
            "recipe": f"{type(self.method).__name__} {recipe}",
        }


@dataclass(frozen=True, eq=False)
class Batch:
    """Jobs that hear the same hits.

    Parameters
    ----------
    folder : Path
        The drum's recordings.
    spec : FeatureSpec
        Window of the onset features.
    jobs : tuple of Job
    """

    folder: Path
    spec: FeatureSpec
    jobs: tuple[Job, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """An experiment.

    Parameters
    ----------
    folders : tuple of Path
        One for each drum, with its recordings; the drum is called like the folder.
    presets : tuple of Preset
    methods : tuple of Recipe, DirectRecipe or BareRecipe
    seeds : int
        Number of seeds.
    first_seed : int
        The least of them.
    channel : int
        Channel of the recordings, from 0, or `remapd.audio.file.MIX`.

    Raises
    ------
    FieldError
        If two of a kind have the same name.
    """

    folders: tuple[Path, ...]
    presets: tuple[Preset, ...]
    methods: tuple[Method, ...]
    seeds: int = 1
    first_seed: int = 0
    channel: int = 0

    def __post_init__(self) -> None:
        _check_distinct("--drums", [folder.name for folder in self.folders])
        _check_distinct("--presets", [preset.name for preset in self.presets])
        _check_distinct("--recipes", [method.name for method in self.methods])

    def __len__(self) -> int:
        return len(self.folders) * len(self.presets) * len(self.methods) * self.seeds

    def batches(self) -> Iterator[Batch]:
        """All jobs, drum by drum."""
        for folder in self.folders:
            for spec, members in self._by_spec().items():
                yield Batch(folder, spec, tuple(self._jobs(folder.name, members)))

    def _by_spec(self) -> dict[FeatureSpec, list[Method]]:
        grouped: dict[FeatureSpec, list[Method]] = {}
        for method in self.methods:
            spec = method.features if isinstance(method, Recipe) else FeatureSpec()
            grouped.setdefault(spec, []).append(method)
        return grouped

    def _jobs(self, drum: str, members: list[Method]) -> Iterator[Job]:
        for preset in self.presets:
            for seed in range(self.first_seed, self.first_seed + self.seeds):
                yield from (Job(drum, preset, method, seed) for method in members)


def _check_distinct(option: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise FieldError(option, "each once", name)
