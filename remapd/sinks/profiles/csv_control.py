"""One line of a table of controllers as a control of a device."""

from __future__ import annotations

from typing import Any

from remapd.errors import FieldError
from remapd.fields import shown
from remapd.sinks.midi.control import REACH
from remapd.sinks.profiles.csv_table import Problem, Row
from remapd.sinks.profiles.device_control import LONGEST_NAME, LONGEST_SOUNDS, parse_device_control
from remapd.sinks.profiles.profile import DeviceControl

#: Fine half of a controller of 14 bits, above the coarse one.
_FINE = 32
_CENTRED, _FROM_ZERO = "centered", "0-based"
#: Column that a field of a control was taken from, for each way of addressing.
_FIELDS = {
    "cc": "cc_msb", "cc14": "cc_msb", "nrpn": "nrpn_msb", "minimum": "min_value", "maximum": "max_value",
    "centre": "orientation", "default": "default_value", "name": "parameter_name", "sounds": "parameter_description",
}  # fmt: skip


def control_of(row: Row, name: str, prefers_nrpn: bool) -> tuple[DeviceControl | None, list[Problem], list[Problem]]:
    """Make a control of a line.

    Parameters
    ----------
    row : Row
        The line.
    name : str
        Name of the control.
    prefers_nrpn : bool
        Whether a line that has both a controller and a numbered parameter becomes the latter.

    Returns
    -------
    tuple
        The control, or None where the line does not fit; what does not fit; and remarks on what was left out.
    """
    way = _way(row, prefers_nrpn)
    problems = [*_structure(row), *_orientation(row)]
    if way is None and not problems:
        problems.append(Problem(row.line, "cc_msb", "expected the number of a controller or NRPN, got neither"))
    if way is None or problems:
        return None, problems, []
    try:
        return parse_device_control(_document(row, name, way), ""), [], _remarks(row, way)
    except FieldError as error:
        column = _column(error.field, way)
        return None, [Problem(row.line, column, str(error).partition(": ")[2])], []


def _way(row: Row, prefers_nrpn: bool) -> str | None:
    """How the control is addressed: ``cc``, ``cc14`` or ``nrpn``."""
    has_nrpn = row.numbers["nrpn_msb"] is not None and row.numbers["nrpn_lsb"] is not None
    if has_nrpn and (prefers_nrpn or row.numbers["cc_msb"] is None):
        return "nrpn"
    if row.numbers["cc_msb"] is None:
        return None
    return "cc14" if _is_pair(row) else "cc"


def _is_pair(row: Row) -> bool:
    """Whether coarse and fine controller are those of one of 14 bits, and its range needs both."""
    coarse, fine, maximum = (row.numbers[name] for name in ("cc_msb", "cc_lsb", "cc_max_value"))
    fits = coarse is not None and fine is not None and fine == coarse + _FINE and coarse <= REACH["cc14"].largest_number
    return fits and (maximum is None or maximum > REACH["cc"].maximum)


def _structure(row: Row) -> list[Problem]:
    found = []
    for fine, coarse in (("cc_lsb", "cc_msb"), ("nrpn_lsb", "nrpn_msb"), ("nrpn_msb", "nrpn_lsb")):
        if row.numbers[fine] is not None and row.numbers[coarse] is None:
            found.append(Problem(row.line, coarse, f"expected a number, as {fine} has one, got nothing"))
    return found


def _orientation(row: Row) -> list[Problem]:
    given = row.texts["orientation"]
    if given.lower() in ("", _CENTRED, _FROM_ZERO):
        return []
    return [Problem(row.line, "orientation", f"expected {_CENTRED} or {_FROM_ZERO}, got {shown(given)!r}")]


def _document(row: Row, name: str, way: str) -> dict[str, Any]:
    family = "nrpn" if way == "nrpn" else "cc"
    reach = REACH["cc14" if way == "cc14" else "cc"]
    minimum, maximum, default = (row.numbers[f"{family}_{part}_value"] for part in ("min", "max", "default"))
    least, most = reach.minimum if minimum is None else minimum, reach.maximum if maximum is None else maximum
    nrpn = [row.numbers["nrpn_msb"], row.numbers["nrpn_lsb"]]
    document = {
        "name": name,
        way: nrpn if way == "nrpn" else row.numbers["cc_msb"],
        "minimum": least,
        "maximum": most,
        "sounds": _sounds(row),
    }
    if row.texts["orientation"].lower() == _CENTRED:
        document["centre"] = (least + most + 1) // 2
    return document if default is None else document | {"default": default}


def _sounds(row: Row) -> str:
    """Description, notes and usage in one line."""
    parts = [row.texts[name] for name in ("parameter_description", "notes", "usage")]
    line = " ".join("; ".join(part for part in parts if part).split())
    printable = "".join(sign for sign in line if sign.isprintable())
    return printable if len(printable) <= LONGEST_SOUNDS else printable[: LONGEST_SOUNDS - 1] + "…"


def _remarks(row: Row, way: str) -> list[Problem]:
    fine, coarse = row.numbers["cc_lsb"], row.numbers["cc_msb"]
    if way == "cc" and fine is not None and coarse is not None and fine != coarse + _FINE:
        reason = f"{fine} is not {_FINE} above {coarse}, so only the coarse half is sent"
        return [Problem(row.line, "cc_lsb", reason)]
    return []


def _column(field: str, way: str) -> str:
    """Column that a field of the control came from."""
    name = field.rpartition(".")[2]
    column = _FIELDS.get(name, "")
    family = "nrpn" if way == "nrpn" else "cc"
    return f"{family}_{column}" if column.endswith("_value") else column


def control_name(row: Row, taken: set[str]) -> str:
    """Name that no other control has: the parameter's, with its section or line where that is not enough."""
    name = " ".join(row.texts["parameter_name"].split())
    section = " ".join(row.texts["section"].split())
    choices = (name, f"{section}: {name}", f"{name} ({row.line})")
    return next((choice[:LONGEST_NAME] for choice in choices if choice[:LONGEST_NAME] not in taken), name)
