"""A training as JSON: everything that a report shows, but for the sounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd import __version__
from remapd.training.long_term import LONG_TERM
from remapd.training.material import hit_report
from remapd.training.report_audio import pairs
from remapd.training.result import PARTS, RANKED, Differences, Errors, TrainingResult

#: By these a report is known.
FORMAT, VERSION = "remapd training report", 1


def report_document(result: TrainingResult) -> dict[str, Any]:
    """Give what `report.json` holds; a number that is not known is null.

    Errors are in the features' units and in the order of `features`; ``before`` are those of the bare preset.
    """
    model, history, answers = result.model, result.history, result.answers
    return {
        "format": FORMAT,
        "version": VERSION,
        "remapd": __version__,
        "model": model.name,
        "synth": model.synth,
        "preset": model.preset.name,
        "licence": model.licence,
        "recipe": result.recipe,
        "settings": dict(result.settings),
        "seed": result.seed,
        "ending": result.ending,
        "elapsed_s": result.elapsed_s,
        "features": [{"name": parameter.name, "unit": parameter.unit} for parameter in LONG_TERM],
        "data": hit_report(result.hits).as_dict(),
        "split": {part: getattr(result.split, part).tolist() for part in PARTS},
        "reference": result.reference,
        "history": {
            "train_loss": numbers(history.train_loss),
            "validation_loss": numbers(history.validation_loss),
            "learning_rate": numbers(history.learning_rate),
            "best_epoch": history.best_epoch,
        },
        "errors": {part: _part(result.part(part)) for part in PARTS},
        "test": [_hit(result, index) for index in result.split.test],
        "listen": [{"hit": pair.hit, "hit_file": pair.hit_file, "answer_file": pair.answer_file}
                   for pair in pairs(result)],
        "engine": {
            "errors": _errors(answers.differences.errors()),
            "largest_distance": numbers(answers.largest),
            "mean_distance": numbers(answers.mean),
        },
    }  # fmt: skip


def numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Give numbers as JSON has them: what is not finite is null."""
    return [_number(float(value)) for value in values]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _part(differences: Differences) -> dict[str, Any]:
    return {
        "hits": len(differences.wanted),
        "before": _errors(differences.bare_errors()),
        "after": _errors(differences.errors()),
        "rank_correlation": {name: _number(differences.rank_correlation(name)) for name in RANKED},
    }


def _errors(errors: Errors) -> dict[str, Any]:
    return {
        "overall": _number(errors.overall),
        "mean": numbers(errors.mean),
        "deviation": numbers(errors.deviation),
    }


def _hit(result: TrainingResult, index: int) -> dict[str, Any]:
    origin, differences = result.hits.origins[index], result.differences
    return {
        "hit": int(index),
        "recording": str(origin.path),
        "drum": origin.drum,
        "onset_s": origin.onset_s,
        "horizon_s": float(result.hits.horizon_s[index]),
        "onset_features": numbers(result.hits.onset_features[index]),
        "wanted": numbers(differences.wanted[index]),
        "reached": numbers(differences.reached[index]),
        "counted": differences.counted[index].tolist(),
    }
