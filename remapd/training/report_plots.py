"""The charts of a training report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from remapd.training.long_term import LONG_TERM
from remapd.training.report_svg import Chart, Point, Range, spanning
from remapd.training.result import Differences, History, TrainingResult

#: More dots than this cannot be told from each other.
_MOST_DOTS = 400


def feature_label(name: str) -> str:
    """Name of a long-term feature for people: ``loudness_t_db`` is ``loudness T``."""
    words = name.removesuffix("_db").split("_")
    return " ".join(word.upper() if word in ("t", "s") else word for word in words)


def loss_chart(history: History) -> str:
    """Loss over the epochs, of training and, if there is one, validation, with a line at the epoch that was kept."""
    epochs = np.arange(1, len(history.train_loss) + 1)
    losses = [history.train_loss, history.validation_loss]
    y = spanning(np.concatenate(losses), is_log=True)
    chart = Chart(Range(0.0, max(2.0, float(len(epochs) + 1))), y, 440.0, 250.0)
    best = float(history.best_epoch + 1)
    chart.line([(best, y.low), (best, y.high)], "mark")
    for loss, kind in zip(losses, ("train", "test"), strict=True):
        chart.line(_points(epochs[: len(loss)], loss), f"curve {kind}")
    return chart.svg("epoch", "loss", "Losses over the epochs")


def learning_rate_chart(history: History) -> str:
    """Learning rate over the epochs."""
    epochs = np.arange(1, len(history.learning_rate) + 1)
    chart = Chart(
        Range(0.0, max(2.0, float(len(epochs) + 1))), spanning(history.learning_rate, is_log=True), 440.0, 250.0
    )
    chart.line(_points(epochs, history.learning_rate), "curve train")
    return chart.svg("epoch", "learning rate", "Learning rate over the epochs")


def scatter_charts(result: TrainingResult) -> Iterator[tuple[str, str]]:
    """Each feature's label, and reached against wanted differences: where all is well they lie on the diagonal."""
    others = _subset(result.differences, np.concatenate([result.split.train, result.split.validation]))
    tested = result.part("test")
    for index, parameter in enumerate(LONG_TERM):
        label = feature_label(parameter.name)
        background, foreground = _pairs(others, index), _pairs(tested, index)
        both = spanning(value for point in [*background, *foreground] for value in point)
        chart = Chart(both, both, 280.0, 260.0)
        chart.line([(both.low, both.low), (both.high, both.high)], "mark")
        chart.dots(background[:: 1 + len(background) // _MOST_DOTS], "faint", 2.0)
        chart.dots(foreground, "strong", 3.5)
        unit = f" in {parameter.unit}" if parameter.unit else ""
        yield label, chart.svg(f"wanted{unit}", f"reached{unit}", f"{label}: wanted against reached differences")


def _subset(differences: Differences, indices: NDArray[np.int64]) -> Differences:
    return differences.subset(np.sort(indices))


def _pairs(differences: Differences, index: int) -> list[Point]:
    counted = differences.counted[:, index]
    return _points(differences.wanted[counted, index], differences.reached[counted, index])


def _points(x: Iterable[float], y: Iterable[float]) -> list[Point]:
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
