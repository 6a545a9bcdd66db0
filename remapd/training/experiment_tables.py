"""The table of the publication, from the results of an experiment."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from remapd.parameters import Parameter
from remapd.training.experiment_plan import ROWS
from remapd.training.experiment_store import JobResult
from remapd.training.long_term import LONG_TERM
from remapd.training.recipes import RECIPES
from remapd.training.result import Differences, Errors

#: The upper bound knows the answer, so it does not compete.
_UPPER_BOUND = "direct"
_MEAN = "Mean"
_DASH = "–"


@dataclass(frozen=True, eq=False)
class Row:
    """Errors of one recipe.

    Parameters
    ----------
    recipe, label : str
        Its name, and what people call it.
    jobs, failed, hits : int
        Jobs that the row stands on, those that failed and are not in it, and held-out hits of the former.
    errors : Errors
        Over all these hits; NaN if there are none.
    """

    recipe: str
    label: str
    jobs: int
    failed: int
    hits: int
    errors: Errors

    @property
    def values(self) -> list[float]:
        """Mean error of each feature, and the mean of these."""
        return [*map(float, self.errors.mean), self.errors.overall]

    @property
    def count(self) -> str:
        """Jobs in words."""
        return f"{self.jobs} ({self.failed} failed)" if self.failed else str(self.jobs)


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one drum, or of all where `drum` is empty."""

    drum: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """What stands above it."""
        return self.drum or "All drums"

    @property
    def best(self) -> list[float]:
        """Least of each column, without the upper bound."""
        rows = [row.values for row in self.rows if row.recipe != _UPPER_BOUND and row.hits]
        return [min(column) for column in zip(*rows, strict=True)]


def compile_tables(results: Sequence[JobResult]) -> list[Table]:
    """Table over all results, and one for each drum."""
    drums = sorted({result.cell.drum for result in results})
    tables = [_table("", results)]
    return tables + [_table(drum, [result for result in results if result.cell.drum == drum]) for drum in drums]


def notes(results: Sequence[JobResult]) -> list[str]:
    """What has to be said about the figures, a sentence each."""
    versions = sorted({result.fingerprint.get("version", "unknown") for result in results})
    cells = [result.cell for result in results]
    drums, presets, seeds = (len({cell[i] for cell in cells}) for i in (0, 1, 3))
    lines = [
        "Mean and standard deviation of the absolute error over the hits that were held out, pooled over all jobs of a "
        "row, over the whole of each sound; the last column is the mean over the features.",
        "The least error of a column is bold; direct optimisation knows the answer and does not compete.",
        f"Drums: {drums}, presets: {presets}, seeds: {seeds}; remapd {', '.join(versions)}.",
    ]
    lines += [
        f"{recipe} trains on 90 % of the hits, as it needs none to choose an epoch by; recipes that do, on 80 %."
        for recipe in _in_order(results)
        if recipe in RECIPES and RECIPES[recipe].keeps_last
    ]
    mixed = [recipe for recipe in _in_order(results) if len(_settings(results, recipe)) > 1]
    return lines + [f"Results of {recipe} come from different settings of the recipe." for recipe in mixed]


def markdown(tables: Sequence[Table], lines: Sequence[str]) -> str:
    """Tables as Markdown."""
    parts = ["# Absolute error of the feature differences", *lines]
    for table in tables:
        head = ["", "Jobs", "Hits", *_headings()]
        rows = [head, ["---", *["--:"] * (len(head) - 1)], *_cells(table, "**{}**".format, " ± ", _markdown_text)]
        parts += [f"## {_markdown_text(table.title)}", "\n".join(f"| {' | '.join(row)} |" for row in rows)]
    return "\n\n".join(parts) + "\n"


def latex(tables: Sequence[Table], lines: Sequence[str]) -> str:
    """Tables as LaTeX, for the package booktabs."""
    parts = ["\n".join(f"% {line}" for line in ("Needs \\usepackage{booktabs}.", *lines))]
    for table in tables:
        head = ["", "Jobs", "Hits", *map(_latex_text, _headings())]
        body = [" & ".join(row) + r" \\" for row in _cells(table, r"\textbf{{{}}}".format, r" $\pm$ ", _latex_text)]
        caption = f"Absolute error of the feature differences: {_latex_text(table.title)}."
        parts.append(
            "\n".join(
                [
                    r"\begin{table*}",
                    r"\centering",
                    rf"\caption{{{caption}}}",
                    rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
                    r"\toprule",
                    " & ".join(head) + r" \\",
                    r"\midrule",
                    *body,
                    r"\bottomrule",
                    r"\end{tabular}",
                    r"\end{table*}",
                ]
            )
        )
    return "\n\n".join(parts) + "\n"


def csv_text(tables: Sequence[Table]) -> str:
    """All tables as one of comma-separated values; `drum` is empty where a row is of all drums."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = (f"{name}.{what}" for name in LONG_TERM.names for what in ("mean", "deviation"))
    writer.writerow(["drum", "recipe", "jobs", "failed", "hits", *columns, "overall.mean"])
    for table in tables:
        for row in table.rows:
            pairs = np.stack([row.errors.mean, row.errors.deviation], axis=1).ravel()
            figures = ("" if np.isnan(value) else f"{value:.6g}" for value in (*pairs, row.errors.overall))
            writer.writerow([table.drum, row.recipe, row.jobs, row.failed, row.hits, *figures])
    return out.getvalue()


def _table(drum: str, results: Sequence[JobResult]) -> Table:
    rows = (_row(name, [one for one in results if one.cell.recipe == name]) for name in _in_order(results))
    return Table(drum, tuple(rows))


def _row(recipe: str, results: Sequence[JobResult]) -> Row:
    good = [result for result in results if not result.error]
    wanted, reached, counted = (
        np.concatenate([getattr(result.differences, part) for result in good] or [np.zeros((0, len(LONG_TERM)))])
        for part in ("wanted", "reached", "counted")
    )
    errors = Differences(wanted, reached, counted.astype(np.bool_)).errors()
    return Row(recipe, ROWS.get(recipe, recipe), len(good), len(results) - len(good), len(wanted), errors)


def _in_order(results: Sequence[JobResult]) -> list[str]:
    """Recipes of the results: those of the publication first."""
    names = {result.cell.recipe for result in results}
    return [name for name in ROWS if name in names] + sorted(names - set(ROWS))


def _settings(results: Sequence[JobResult], recipe: str) -> set[str]:
    good = (result for result in results if result.cell.recipe == recipe and not result.error)
    return {result.fingerprint.get("recipe", "") for result in good}


def _headings() -> list[str]:
    return [*(_heading(parameter) for parameter in LONG_TERM), _MEAN]


def _heading(parameter: Parameter) -> str:
    """As people write it: ``loudness_t_db`` is ``Loudness T (dB)``."""
    words = parameter.name.removesuffix("_db").split("_")
    name = " ".join(word.upper() if len(word) == 1 else word for word in words)
    return name[0].upper() + name[1:] + (f" ({parameter.unit})" if parameter.unit else "")


def _cells(table: Table, bold: Callable[[str], str], plus_minus: str, text: Callable[[str], str]) -> list[list[str]]:
    rows = []
    for row in table.rows:
        deviations = [*row.errors.deviation, None]
        cells = [
            _figure(value, deviation, plus_minus, bold if _is_best(row, value, best) else str)
            for value, deviation, best in zip(row.values, deviations, table.best or row.values, strict=True)
        ]
        rows.append([text(row.label), row.count, str(row.hits), *cells])
    return rows


def _is_best(row: Row, value: float, best: float) -> bool:
    return row.recipe != _UPPER_BOUND and value <= best


def _figure(value: float, deviation: float | None, plus_minus: str, bold: Callable[[str], str]) -> str:
    if np.isnan(value):
        return _DASH
    return bold(f"{value:.3f}") + ("" if deviation is None else f"{plus_minus}{deviation:.3f}")


def _markdown_text(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\|`*_[]<>#" else c for c in _in_one_line(text))


_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", **{c: f"\\{c}" for c in "&%$#_{}"}
}  # fmt: skip


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in _in_one_line(text))


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
