"""Tables of controllers as midi.guide has them: CSV, read line by line, and each line that does not fit is named."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from remapd.errors import FieldError, Told
from remapd.fields import near, shown
from remapd.sinks.profiles.profile import ProfileError

MAX_FILE_BYTES = 2 * 1024 * 1024
MAX_LINES = 2000
LONGEST_CELL = 20_000
#: More are counted and not kept.
MAX_PROBLEMS = 500

_NEEDED = ("manufacturer", "device", "parameter_name", "cc_msb")
_TEXTS = ("section", "parameter_description", "orientation", "notes", "usage")
#: Columns of whole numbers.
NUMBERS = (
    "cc_msb", "cc_lsb", "cc_min_value", "cc_max_value", "cc_default_value",
    "nrpn_msb", "nrpn_lsb", "nrpn_min_value", "nrpn_max_value", "nrpn_default_value",
)  # fmt: skip
COLUMNS = (*_NEEDED, *_TEXTS, *NUMBERS)
_WHOLE = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not fit in a line of the table.

    Parameters
    ----------
    line : int
        Line of the file, from 1.
    column : str
        Name of the column; empty is the line as a whole.
    reason : str
        What was expected, and what came.
    """

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its place in the file, its texts, and its numbers, None where a cell is empty."""

    line: int
    texts: Mapping[str, str]
    numbers: Mapping[str, int | None]


def read_table(content: bytes, origin: str) -> tuple[list[Row], list[Problem]]:
    """Lines of a table, and what does not fit.

    Parameters
    ----------
    content : bytes
        The file, in UTF-8.
    origin : str
        Name of the file, for errors.

    Raises
    ------
    ProfileError
        If it is no such table at all: another encoding, no CSV, other columns, too long.
    """
    text = _decoded(content, origin)
    lines = _lines(text, origin)
    try:
        _, header = next(lines, (1, []))
        columns = _checked_columns(header)
    except FieldError as error:
        raise ProfileError(f"table {origin!r}, line 1: {error}") from None
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, cells in lines:
        if len(rows) + len(problems) >= MAX_LINES:
            raise ProfileError(f"table {origin!r} has more than {MAX_LINES} lines")
        if any(cell.strip() for cell in cells):
            row, wrong = _row(number, cells, columns)
            problems += wrong
            rows += [] if wrong else [row]
    return rows, problems[:MAX_PROBLEMS]


def _decoded(content: bytes, origin: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProfileError(f"table {origin!r}, line {line}: expected UTF-8 text; save it as that") from None


def _lines(text: str, origin: str) -> Iterator[tuple[int, list[str]]]:
    """Cells of each line with the number at which it begins; a cell may go over several."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            yield begins, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ProfileError(f"table {origin!r}, line {begins}: no CSV: {error}") from None


def _checked_columns(header: Sequence[str]) -> list[str]:
    names = [name.strip().lower() for name in header]
    for name in names:
        if name not in COLUMNS:
            raise FieldError("columns", f"names that midi.guide has{near(name, COLUMNS)}", shown(name))
        if names.count(name) > 1:
            raise FieldError("columns", "each name once", Told(f"{name} twice"))
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise FieldError("columns", ", ".join(_NEEDED), Told(f"no {', '.join(missing)}"))
    return names


def _row(line: int, cells: list[str], columns: list[str]) -> tuple[Row, list[Problem]]:
    if len(cells) != len(columns):
        return Row(line, {}, {}), [Problem(line, "", f"expected {len(columns)} cells, got {len(cells)}")]
    texts = dict.fromkeys(COLUMNS, "") | dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    problems = [
        Problem(line, name, f"expected a whole number or nothing, got {shown(texts[name])!r}")
        for name in NUMBERS
        if texts[name] and not _WHOLE.fullmatch(texts[name])
    ]
    problems += [
        Problem(line, name, f"expected at most {LONGEST_CELL} characters, got {len(text)}")
        for name, text in texts.items()
        if len(text) > LONGEST_CELL
    ]
    numbers = {name: int(texts[name]) if texts[name] else None for name in NUMBERS} if not problems else {}
    return Row(line, texts, numbers), problems
