"""What a trained model tells of its making: text by name in its file, written here and read back for its card.

Nothing in it depends on when, where or how fast a model was trained, so that two runs give the same file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from remapd import __version__
from remapd.features.descriptors import BASIC_FEATURES, FEATURES
from remapd.mapping.bundle import MAX_PROVENANCE_LENGTH
from remapd.training.dataset import HitSet
from remapd.training.long_term import LONG_TERM
from remapd.training.result import RANKED, Differences, Ending, History
from remapd.training.splits import Split

TRAINED = "trained"

_ERROR, _RANK, _OVERALL = "error.", "rank.", "mean"
_ENDINGS: Mapping[Ending, str] = {"finished": "all", "stopped": "stopped by hand"}
_NUMBER = r"-?(?:\d+(?:\.\d+)?|nan)"
_ERROR_TEXT = re.compile(rf"({_NUMBER}) \(deviation ({_NUMBER}), bare preset ({_NUMBER})\)")


@dataclass(frozen=True)
class ErrorRow:
    """Error of one long-term feature over the test hits: mean absolute error, its deviation, the bare preset's."""

    name: str
    unit: str
    mean: float
    deviation: float
    bare: float


def training_provenance(
    hits: HitSet,
    split: Split,
    reference: int,
    recipe: str,
    settings: Mapping[str, str],
    seed: int,
    history: History,
    differences: Differences,
    ending: Ending,
) -> dict[str, str]:
    """Make the provenance of a model; the arguments are those of a `TrainingResult`.

    Returns
    -------
    dict of str to str
        `Model.provenance`; a list that would be too long ends with how many more there are, other text with an
        ellipsis.
    """
    test = differences.subset(split.test)
    best = f"; best {history.best_epoch + 1}" if history.validation_loss.size else ""
    entries = {
        "method": TRAINED,
        "software": f"remapd {__version__}",
        "recipe": recipe,
        "settings": "; ".join(f"{name} {value}" for name, value in settings.items()),
        "seed": str(seed),
        **_data_entries(hits, split, reference),
        "epochs": f"{len(history.train_loss)}, {_ENDINGS[ending]}{best}",
        **_error_entries(test),
        **{f"{_RANK}{name}": f"{test.rank_correlation(name):.3f}" for name in RANKED},
    }
    return {name: _shortened(text) for name, text in entries.items()}


def error_rows(provenance: Mapping[str, str]) -> list[ErrorRow]:
    """Errors over the test hits, feature by feature and then their mean; empty where there are none."""
    rows = []
    for name, unit in [*((p.name, p.unit) for p in LONG_TERM), (_OVERALL, "")]:
        match = _ERROR_TEXT.fullmatch(provenance.get(_ERROR + name, ""))
        if match:
            rows.append(ErrorRow(name, unit, *(float(number) for number in match.groups())))
    return rows


def rank_correlations(provenance: Mapping[str, str]) -> dict[str, str]:
    """Rank correlation of wanted and reached over the test hits, by feature."""
    return {name.removeprefix(_RANK): text for name, text in provenance.items() if name.startswith(_RANK)}


def other_entries(provenance: Mapping[str, str]) -> dict[str, str]:
    """Everything but errors and correlations."""
    return {name: text for name, text in provenance.items() if not name.startswith((_ERROR, _RANK))}


def _data_entries(hits: HitSet, split: Split, reference: int) -> dict[str, str]:
    names = [path.name for path in dict.fromkeys(origin.path for origin in hits.origins)]
    drums = list(dict.fromkeys(origin.drum for origin in hits.origins))
    origin = hits.origins[reference]
    parts = f"{len(split.train)} trained on, {len(split.validation)} chosen by, {len(split.test)} tested on"
    columns = ((FEATURES[name], hits.onset_features[:, FEATURES.index(name)]) for name in BASIC_FEATURES)
    ranges = (f"{p.name} {column.min():.1f} to {column.max():.1f} {p.unit}" for p, column in columns)
    return {
        "data.drums": _listed(drums),
        "data.files": _listed(names, f"{len(names)}: "),
        "data.hits": f"{len(hits)}: {parts}",
        "data.onsets": ", ".join(ranges),
        "data.reference": f"{_printable(origin.path.name)} at {origin.onset_s:.3f} s",
    }


def _error_entries(test: Differences) -> dict[str, str]:
    errors, bare = test.errors(), test.bare_errors()
    rows = zip(LONG_TERM.names, errors.mean, errors.deviation, bare.mean, strict=True)
    overall = (_OVERALL, errors.overall, float(np.mean(errors.deviation)), bare.overall)
    return {
        f"{_ERROR}{name}": f"{mean:.4f} (deviation {deviation:.4f}, bare preset {least:.4f})"
        for name, mean, deviation, least in (*rows, overall)
    }


def _listed(names: Sequence[str], before: str = "") -> str:
    """Names as far as there is room for them, and how many more there are."""

    def first(count: int) -> str:
        more = f" and {len(names) - count} more" if count < len(names) else ""
        return f"{before}{_printable(', '.join(names[:count]))}{more}"

    counts = range(min(len(names), MAX_PROVENANCE_LENGTH), 0, -1)
    return next((text for text in map(first, counts) if len(text) <= MAX_PROVENANCE_LENGTH), first(1))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_PROVENANCE_LENGTH else text[: MAX_PROVENANCE_LENGTH - 1] + "…"
