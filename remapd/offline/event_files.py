"""Hits and rejected candidates as files: JSON Lines or CSV, one event a line."""

from __future__ import annotations

import csv
import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TextIO, TypeVar

from remapd.errors import FieldError

#: An event as a line of a file shows it.
Event = Mapping[str, Any]

Item = TypeVar("Item")

SUFFIXES = (".jsonl", ".ndjson", ".csv")
REJECTED_COLUMNS = ("track", "time_s", "reason", "level_db", "floor_db", "strength_db")


class EventWriter(Protocol):
    """A file of events that is being written."""

    def write(self, event: Event) -> None:
        """Append one event."""

    def close(self) -> None:
        """Write what is left and close the file."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class _TextWriter:
    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8", newline="")

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class JsonLinesWriter(_TextWriter):
    """One JSON object a line."""

    def write(self, event: Event) -> None:
        """Append one event."""
        self._file.write(json.dumps(event, allow_nan=False) + "\n")


class CsvWriter(_TextWriter):
    """A table with a header; nested fields have dotted names, and what an event lacks stays empty.

    Parameters
    ----------
    path : Path
        File to write.
    columns : sequence of str
        The header; see `hit_columns`. It is written even if no event follows.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        super().__init__(path)
        self._columns = tuple(columns)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self._columns)

    def write(self, event: Event) -> None:
        """Append one event."""
        cells = dict(flattened(event))
        unknown = cells.keys() - set(self._columns)
        if unknown:
            raise ValueError(f"no column for {', '.join(sorted(unknown))}")
        self._writer.writerow([cells.get(column, "") for column in self._columns])


def event_writer(path: Path, columns: Sequence[str]) -> EventWriter:
    """Open a file in the format that its suffix names; `columns` are those of a table."""
    return CsvWriter(path, columns) if path.suffix.lower() == ".csv" else JsonLinesWriter(path)


def check_suffix(path: Path, field: str) -> None:
    """Refuse a name whose suffix is no format of events."""
    if path.suffix.lower() not in SUFFIXES:
        raise FieldError(field, f"a name that ends in {', '.join(SUFFIXES)}", path.name)


def hit_columns(features: Iterable[str], parameters: Iterable[str]) -> tuple[str, ...]:
    """Columns of a table of hits.

    Parameters
    ----------
    features : iterable of str
        Names of the features, in order.
    parameters : iterable of str
        Names of the synth parameters of all tracks; repeated ones count once.
    """
    names = tuple(features)
    distinct = tuple(dict.fromkeys(parameters))
    return (
        *("track", "onset_s", "trigger_s"),
        *(f"features.{name}" for name in names),
        *(f"scaled.{index}" for index in range(len(names))),
        *(f"modulation.{name}" for name in distinct),
        *(f"values.{name}" for name in distinct),
    )


def flattened(event: Event, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each plain value of an event with its dotted name; places in a list count from 0."""
    for name, value in event.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            yield from flattened({str(index): item for index, item in enumerate(value)}, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


class TimeOrder(Generic[Item]):
    """Puts events of several tracks in the order of time, while they come in.

    Tracks are processed one after the other in each block, so the order in which events arrive depends on the block
    size. Sorted by time and then by track it does not.

    Parameters
    ----------
    horizon_s : float
        Longest time by which an event may arrive late.
    """

    def __init__(self, horizon_s: float) -> None:
        self._horizon_s = horizon_s
        self._heap: list[tuple[float, int, int, Item]] = []
        self._count = 0

    def add(self, time_s: float, track: int, item: Item) -> None:
        """Take an event in."""
        self._count += 1
        heapq.heappush(self._heap, (time_s, track, self._count, item))

    def until(self, now_s: float) -> Iterator[Item]:
        """Events that no later arrival can come before, given that all up to `now_s` has been processed."""
        while self._heap and self._heap[0][0] <= now_s - self._horizon_s:
            yield heapq.heappop(self._heap)[3]

    def rest(self) -> Iterator[Item]:
        """All events that are left."""
        return self.until(float("inf"))
