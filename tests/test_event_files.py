from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.errors import FieldError
from remapd.features.descriptors import FEATURES
from remapd.offline.event_files import (
    REJECTED_COLUMNS,
    CsvWriter,
    JsonLinesWriter,
    TimeOrder,
    check_suffix,
    event_writer,
    hit_columns,
)
from remapd.synth.registry import SYNTHS
from tests.demo_events import hit, rejected

NAMES = SYNTHS["snare808"].table.names
COLUMNS = hit_columns(FEATURES.names, [*NAMES, *NAMES])


def test_line_has_the_documented_form(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with event_writer(path, COLUMNS) as writer:
        writer.write(hit(1.25, {"osc1.mod": 0.5}).as_dict())
    line = json.loads(path.read_text())
    assert list(line) == ["track", "onset_s", "trigger_s", "features", "scaled", "modulation", "values"]
    assert list(line["features"]) == ["loudness_db", "centroid_st", "flatness_db"]
    assert list(line["modulation"]) == list(line["values"]) == list(NAMES)
    assert (line["track"], line["onset_s"], line["modulation"]["osc1.mod"]) == (0, 1.25, 0.5)


def test_table_says_the_same_as_the_lines(tmp_path: Path) -> None:
    events = [hit(0.1 * i, {"osc1.mod": math.sin(i)}).as_dict() for i in range(20)]
    with CsvWriter(tmp_path / "a.csv", COLUMNS) as table, JsonLinesWriter(tmp_path / "a.jsonl") as lines:
        for event in events:
            table.write(event)
            lines.write(event)
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, text in zip(rows, (tmp_path / "a.jsonl").read_text().splitlines(), strict=True):
        line = json.loads(text)
        assert float(row["onset_s"]) == line["onset_s"]
        assert float(row["features.centroid_st"]) == line["features"]["centroid_st"]
        assert [float(row[f"scaled.{i}"]) for i in range(3)] == line["scaled"]
        assert {n: float(row[f"modulation.{n}"]) for n in NAMES} == line["modulation"]
        assert {n: float(row[f"values.{n}"]) for n in NAMES} == line["values"]


def test_rejected_candidates_have_their_reason(tmp_path: Path) -> None:
    with event_writer(tmp_path / "a.csv", REJECTED_COLUMNS) as writer:
        writer.write(rejected(0.5).as_dict())
    assert (tmp_path / "a.csv").read_text() == (
        "track,time_s,reason,level_db,floor_db,strength_db\n0,0.5,masked,-40.0,-70.0,1.0\n"
    )


def test_table_without_events_has_its_header(tmp_path: Path) -> None:
    with CsvWriter(tmp_path / "a.csv", COLUMNS):
        pass
    assert (tmp_path / "a.csv").read_text().strip().split(",") == list(COLUMNS)


def test_lacking_fields_stay_empty_and_unknown_ones_are_faults(tmp_path: Path) -> None:
    with CsvWriter(tmp_path / "a.csv", ("track", "a.b")) as writer:
        writer.write({"track": 1})
        with pytest.raises(ValueError, match=r"a\.c"):
            writer.write({"track": 1, "a": {"c": 2}})
    assert (tmp_path / "a.csv").read_text() == "track,a.b\n1,\n"


def test_numbers_that_json_lacks_are_faults(tmp_path: Path) -> None:
    with JsonLinesWriter(tmp_path / "a.jsonl") as writer, pytest.raises(ValueError, match="JSON"):
        writer.write({"track": math.nan})


def test_suffix_says_the_format() -> None:
    check_suffix(Path("a.CSV"), "events")
    with pytest.raises(FieldError, match=r"^events: .*\.jsonl"):
        check_suffix(Path("a.txt"), "events")


@given(st.lists(st.tuples(st.floats(0.0, 10.0), st.floats(0.0, 0.9), st.integers(0, 3)), max_size=50))
def test_order_of_time_does_not_depend_on_the_order_of_arrival(events: list[tuple[float, float, int]]) -> None:
    """Each event has its time, the delay with which it comes, and its track."""
    order: TimeOrder[tuple[float, int]] = TimeOrder(1.0)
    found = []
    for time_s, late_s, track in sorted(events, key=lambda event: event[0] + event[1]):
        order.add(time_s, track, (time_s, track))
        found += order.until(time_s + late_s)
    found += order.rest()
    assert found == sorted((time_s, track) for time_s, _, track in events)
