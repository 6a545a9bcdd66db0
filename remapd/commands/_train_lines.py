"""What ``remapd train --progress json`` tells a program: a JSON object on a line of standard output for each step.

``{"stage": ...}`` as each of `STAGES` begins, ``{"hits": ...}`` once the recordings are read, ``{"epoch": ...}`` after
each epoch, and in the end ``{"result": ...}`` or ``{"error": ...}``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from remapd.errors import FieldError, RemapdError

if TYPE_CHECKING:
    from remapd.commands._train_setup import Target
    from remapd.synth.presets import Preset
    from remapd.training.material import HitReport
    from remapd.training.recipes import Recipe
    from remapd.training.result import Differences, Progress, TrainingResult

STAGES = ("compiling", "reading", "training", "judging", "writing")


class Lines:
    """Tells of a training in lines of JSON."""

    def compiling(self) -> None:
        """Code is compiled first."""
        self._stage("compiling")

    def reading(self) -> None:
        """The recordings are read."""
        self._stage("reading")

    def hits(self, report: HitReport) -> None:
        """Tell what was found in the recordings."""
        _line(hits=report.as_dict())

    @contextlib.contextmanager
    def training(self, recipe: Recipe, preset: Preset) -> Iterator[Callable[[Progress], object]]:
        """Tell of each epoch."""
        self._stage("training", recipe=recipe.name, synth=preset.synth, preset=preset.name)
        yield self._epoch

    def writing(self) -> None:
        """Model and report are written."""
        self._stage("writing")

    def result(self, result: TrainingResult, target: Target) -> None:
        """Tell what came out."""
        _line(
            result={
                "name": result.model.name,
                "ending": result.ending,
                "epochs": len(result.history.train_loss),
                "elapsed_s": result.elapsed_s,
                "test_hits": len(result.split.test),
                "errors": _errors(result.part("test" if len(result.split.test) else "train")),
            }
        )

    @contextlib.contextmanager
    def faults(self) -> Iterator[None]:
        """Tell of an error that ends the training, which is raised again."""
        try:
            yield
        except RemapdError as error:
            _line(error=_told(error))
            raise

    def _epoch(self, progress: Progress) -> None:
        _line(**dataclasses.asdict(progress))
        if progress.epoch == progress.epochs:
            self._stage("judging")

    def _stage(self, name: str, **more: str) -> None:
        _line(stage=name, **more)


def _line(**members: Any) -> None:
    click.echo(json.dumps(members, allow_nan=False))


def _errors(differences: Differences) -> dict[str, float | None]:
    """Mean error over the long-term features, of the bare preset and of the model."""
    overall = {"bare_preset": differences.bare_errors().overall, "model": differences.errors().overall}
    return {name: error if math.isfinite(error) else None for name, error in overall.items()}


def _told(error: RemapdError) -> dict[str, str | None]:
    if isinstance(error, FieldError):
        return {"text": str(error), "field": error.field, "expected": error.expected, "got": str(error.got)[:200]}
    return {"text": str(error), "field": None, "expected": None, "got": None}
