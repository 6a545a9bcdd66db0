"""Controls as a running service describes them; what comes over a network is checked before it is put into a layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast, get_args

from remapd.control.tree import Control, Kind, Value
from remapd.errors import FieldError
from remapd.fields import checked_object, checked_text
from remapd.parameters import Curve, Parameter

_LONGEST = 300
#: Names that scripts and sessions may hold without a second thought.
_PATH, _UNIT = re.compile(r"(/[A-Za-z0-9_.-]{1,64}){1,8}"), re.compile(r"[\w/%° .-]{0,16}")
_NUMBERS = ("number", "whole", "switch")


def described_controls(document: object) -> tuple[Control, ...]:
    """Controls of the answer to ``GET /api/v1/tree?describe=1``.

    Raises
    ------
    FieldError
        If it is something else.
    """
    rows = checked_object(document, "tree").get("controls")
    if not isinstance(rows, list):
        raise FieldError("tree.controls", "a list", rows)
    return tuple(_control(checked_object(row, f"tree.controls[{index}]")) for index, row in enumerate(rows))


def _control(row: Mapping[str, object]) -> Control:
    path = _matched(row.get("path"), _PATH, "path", "names after slashes")
    kind = row.get("kind")
    if kind not in get_args(Kind):
        raise FieldError(f"{path}.kind", f"one of {', '.join(get_args(Kind))}", kind)
    description = checked_text(row.get("description"), f"{path}.description", _LONGEST)
    track = row.get("track")
    if isinstance(track, bool) or not isinstance(track, int) or track < 0:
        raise FieldError(f"{path}.track", "a whole number from 0", track)
    return Control(
        path, cast(Kind, kind), description, _default(row, path),
        _parameter(row, path, description) if kind in _NUMBERS else None, osc=row.get("osc") is True, track=track,
    )  # fmt: skip


def _parameter(row: Mapping[str, object], path: str, description: str) -> Parameter:
    unit = _matched(row.get("unit"), _UNIT, f"{path}.unit", "a unit")
    curve = row.get("curve")
    if curve not in get_args(Curve):
        raise FieldError(f"{path}.curve", f"one of {', '.join(get_args(Curve))}", curve)
    minimum, maximum, default = (_number(row.get(name), f"{path}.{name}") for name in ("minimum", "maximum", "default"))
    try:
        return Parameter(path, unit, minimum, maximum, default, description, cast(Curve, curve))
    except ValueError as error:
        raise FieldError(path, "a range with its default inside", str(error)) from None


def _default(row: Mapping[str, object], path: str) -> Value | None:
    default = row.get("default")
    if default is not None and not isinstance(default, bool | int | float | str):
        raise FieldError(f"{path}.default", "a number, a text, true, false or null", default)
    return default


def _number(value: object, field: str) -> float:
    if not isinstance(value, int | float) or not abs(value) < 1e12:
        raise FieldError(field, "a number", value)
    return float(value)


def _matched(value: object, pattern: re.Pattern[str], field: str, expected: str) -> str:
    text = checked_text(value, field, _LONGEST)
    if not pattern.fullmatch(text):
        raise FieldError(field, expected, text)
    return text
