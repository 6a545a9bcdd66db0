"""Small experiments for tests: two drums, recipes of two epochs, and a pool that does everything at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from remapd.training.experiment_plan import Plan, get_method
from remapd.training.experiment_run import Experiment, Settings, Tally
from remapd.training.experiment_store import Store
from remapd.training.long_term import TRAINING_RATE_HZ
from remapd.training.recipes import DirectRecipe, Recipe
from tests.training_hits import played_hits, preset


def write_drums(folder: Path, *names: str) -> Path:
    """A folder for each drum, with eighteen hits as one recording."""
    for seed, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        sounds = np.pad(played_hits(18, seed).sounds, ((0, 0), (2000, 0)))
        soundfile.write(folder / name / "take.wav", sounds.ravel(), TRAINING_RATE_HZ, subtype="FLOAT")
    return folder


def short(name: str) -> Any:
    """Recipe of a name, but over at once."""
    method = get_method(name)
    if isinstance(method, DirectRecipe):
        return replace(method, steps=3)
    return replace(method, epochs=2, steps=0) if isinstance(method, Recipe) else method


def plan(folder: Path, *recipes: str, seeds: int = 1) -> Plan:
    """Every drum of a folder with snare_1."""
    return Plan(tuple(sorted(folder.iterdir())), (preset(),), tuple(short(name) for name in recipes), seeds)


class InlinePool:
    """Does each call as it is submitted; `calls` counts them, the one numbered `fails_at` fails instead."""

    size = 1

    def __init__(self, fails_at: int = -1, failure: BaseException | None = None) -> None:
        self.calls, self._fails_at, self._failure = 0, fails_at, failure or KeyboardInterrupt()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        if self.calls == self._fails_at:
            raise self._failure
        self.calls += 1
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self, is_complete: bool) -> None:
        pass

    def lost(self, error: BaseException) -> BaseException:
        return error


def run(plan: Plan, results: Path, pool: Any = None, **settings: bool) -> tuple[Tally, list[str]]:
    """Run an experiment; gives the tally and what was told."""
    told: list[str] = []
    store = Store(results)
    store.prepare()
    tally = Experiment(plan, store, Settings(**settings), told.append, lambda *_: None).run(pool or InlinePool())
    return tally, told


def contents(results: Path) -> dict[str, bytes]:
    """Every result by the name of its file."""
    return {path.name: path.read_bytes() for path in (results / "jobs").iterdir()}
