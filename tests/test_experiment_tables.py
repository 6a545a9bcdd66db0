"""The table of the publication against NumPy, and in three formats that read back."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from remapd.training.experiment_plan import Cell
from remapd.training.experiment_store import JobResult
from remapd.training.experiment_tables import compile_tables, csv_text, latex, markdown, notes
from remapd.training.long_term import LONG_TERM
from remapd.training.result import Differences

N = len(LONG_TERM)


def result(drum: str, recipe: str, scale: float, seed: int = 0, hits: int = 4, **fields: object) -> JobResult:
    random = np.random.default_rng([seed, len(drum), hits])
    wanted = random.normal(size=(hits, N))
    reached = wanted + scale * random.normal(size=(hits, N))
    differences = Differences(wanted, reached, np.ones((hits, N), np.bool_))
    fingerprint = {"version": "1.0", "recipe": recipe}
    test = tuple(str(i) for i in range(hits))
    given = {"fingerprint": fingerprint, "hits": 40, "test": test, "differences": differences} | fields
    return JobResult(Cell(drum, "snare_1", recipe, seed), **given)  # type: ignore[arg-type]


@pytest.fixture
def results() -> list[JobResult]:
    return [
        result("b|a_d & co", "own", 0.9),
        result("b|a_d & co", "bare", 1.0),
        result("b|a_d & co", "default", 0.2),
        result("b|a_d & co", "direct", 0.01),
        result("fine", "default", 0.2, hits=9),
        result("fine", "bare", 1.0, hits=9),
        JobResult(Cell("fine", "snare_1", "direct", 0), {"version": "1.0"}, error="no"),
    ]


def errors(results: list[JobResult], recipe: str) -> np.ndarray:
    chosen = [one.differences for one in results if one.cell.recipe == recipe]
    return np.concatenate([np.abs(one.reached - one.wanted) for one in chosen])


def test_rows_stand_on_every_held_out_hit(results):
    everything, *each = compile_tables(results)
    assert [table.drum for table in each] == ["b|a_d & co", "fine"]
    assert [row.recipe for row in everything.rows] == ["bare", "direct", "default", "own"]
    for row in everything.rows:
        np.testing.assert_allclose(row.errors.mean, errors(results, row.recipe).mean(axis=0))
        np.testing.assert_allclose(row.errors.deviation, errors(results, row.recipe).std(axis=0))
    assert [(row.jobs, row.failed, row.hits) for row in everything.rows] == [
        (2, 0, 13),
        (1, 1, 4),
        (2, 0, 13),
        (1, 0, 4),
    ]


def test_order_of_the_results_does_not_matter(results):
    assert csv_text(compile_tables(results)) == csv_text(compile_tables(sorted(results, key=lambda one: one.cell)))


def test_csv_reads_back(results):
    rows = list(csv.DictReader(io.StringIO(csv_text(compile_tables(results)))))
    found = next(row for row in rows if row["drum"] == "" and row["recipe"] == "default")
    wanted = errors(results, "default")
    np.testing.assert_allclose([float(found[f"{name}.mean"]) for name in LONG_TERM.names], wanted.mean(0), rtol=1e-5)
    np.testing.assert_allclose(float(found["overall.mean"]), wanted.mean(0).mean(), rtol=1e-5)
    assert (found["jobs"], found["failed"], found["hits"]) == ("2", "0", "13")
    nothing = next(row for row in rows if row["drum"] == "fine" and row["recipe"] == "direct")
    assert (nothing["jobs"], nothing["failed"], nothing["loudness_t_db.mean"]) == ("0", "1", "")


def test_markdown_has_a_column_for_each_and_the_best_is_bold(results):
    lines = [line for line in markdown(compile_tables(results), notes(results)).splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in lines} == {N + 5}
    assert "Loudness T (dB)" in lines[0]
    by_label = {line.split("|")[1].strip(): line for line in lines[2:6]}
    assert by_label["Our default"].count("**") == 2 * (N + 1)
    assert "**" not in by_label["Direct optimisation"]
    assert "1 (1 failed)" in by_label["Direct optimisation"]


def test_latex_is_escaped_and_balanced(results):
    text = latex(compile_tables(results), notes(results))
    assert r"b|a\_d \& co" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.replace(r"\&", "").count("&") for line in rows} == {N + 3}
    for name in ("table*", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 3
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert body.count("{") == body.count("}")


def test_names_stay_in_their_line():
    text = markdown(compile_tables([result("two\nlines | *", "bare", 1.0)]), [])
    assert r"## two lines \| \*" in text


def test_what_rows_were_trained_on_is_told(results):
    assert [line for line in notes(results) if "90 %" in line and line.startswith("default ")]
    assert "90 %" not in "".join(notes([one for one in results if one.cell.recipe != "default"]))
    assert "pooled" in notes(results)[0]


def test_what_is_mixed_is_told(results):
    assert "remapd 1.0." in "".join(notes(results))
    assert not [line for line in notes(results) if "different settings" in line]
    other = result("new", "bare", 1.0, fingerprint={"version": "2.0", "recipe": "another"})
    told = notes([*results, other])
    assert "remapd 1.0, 2.0." in "".join(told)
    assert "Results of bare come from different settings of the recipe." in told
