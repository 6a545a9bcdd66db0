"""Checks of what comes out of a file: each returns the value if it fits, or names the field that does not."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from remapd.errors import FieldError, Told

#: What `checked_name` takes, for those who describe it to others.
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9 _.+-]{0,63}"
NAME_TEXT = "1 to 64 letters, digits, blanks and _ . + -, the first a letter or digit"

_NAME = re.compile(NAME_PATTERN)
#: Digits that fit a whole number of 64 bits.
_LONGEST_WHOLE = 18
_OUTSIDE_NAME = re.compile(r"[^A-Za-z0-9 _.+-]+")


def shown(name: str, longest: int = 60) -> str:
    """Name of unknown origin as part of a field, in one line."""
    short = name if len(name) <= longest else name[: longest - 1] + "…"
    return short if short.isprintable() else repr(short)


def checked_name(value: object, field: str = "name") -> str:
    """Name of a model or preset; it serves as a file name too."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise FieldError(field, NAME_TEXT, value)
    return value


def name_from(text: str, otherwise: str) -> str:
    """Make a valid name of text, such as a file's name; `otherwise` where nothing of it is left."""
    return _OUTSIDE_NAME.sub("_", text).lstrip(" _.+-")[:64] or otherwise


def checked_text(value: object, field: str, longest: int, shortest: int = 0) -> str:
    """One line of printable text."""
    if not isinstance(value, str) or not shortest <= len(value) <= longest or not value.isprintable():
        length = f"{shortest} to {longest}" if shortest else f"at most {longest}"
        raise FieldError(field, f"one line of {length} characters", value)
    return value


def checked_object(value: object, field: str, names: Collection[str] | None = None) -> Mapping[str, object]:
    """JSON object; where `names` are given, with these members and no others."""
    if not isinstance(value, Mapping):
        raise FieldError(field, "a JSON object", value)
    if names is not None:
        for unknown in (name for name in value if name not in names):
            raise FieldError(field, f"only {', '.join(names)}", unknown)
        missing = [name for name in names if name not in value]
        if missing:
            raise FieldError(field, ", ".join(names), Told(f"no {', '.join(missing)}"))
    return value


def checked_members(
    value: object, field: str, required: Collection[str] = (), optional: Collection[str] = ()
) -> Mapping[str, Any]:
    """JSON object with all members of one kind, and perhaps some of the other, but no more."""
    members = checked_object(value, field)
    for name in members:
        if name not in required and name not in optional:
            known = [*required, *optional]
            raise FieldError(field, f"only {', '.join(known)}{near(name, known)}", shown(str(name)))
    for name in required:
        if name not in members:
            raise FieldError(f"{field}.{name}", "a value", Told("none"))
    return members


def checked_choice(value: object, field: str, choices: Collection[str]) -> Any:
    """One of some words."""
    if not isinstance(value, str) or value not in choices:
        raise FieldError(field, f"one of {', '.join(c or repr(c) for c in choices)}{near(value, choices)}", value)
    return value


def checked_flag(value: object, field: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise FieldError(field, "true or false", value)
    return value


def near(name: object, known: Iterable[str]) -> str:
    """Hint at the known name that is nearest to one that is not known; nothing where none is near."""
    found = difflib.get_close_matches(name[:100], [k for k in known if k], n=1) if isinstance(name, str) else ()
    return f" (did you mean {found[0]}?)" if found else ""


def parsed_json(text: str | bytes, whole: bool = False) -> object:
    """Content of a JSON text; whole numbers become floats.

    A number of a thousand digits is infinite then, and refused by its own field.

    Parameters
    ----------
    text : str or bytes
        The text; bytes are UTF-8.
    whole : bool
        Whether whole numbers of a sensible length stay what they are.

    Raises
    ------
    ValueError
        If it is no JSON text, in one line.
    FieldError
        If a name occurs twice in an object.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(decoded, object_pairs_hook=_without_duplicates, parse_int=_whole if whole else float)
    except (ValueError, RecursionError) as error:
        raise ValueError(str(error).splitlines()[0]) from None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_WHOLE else float(digits)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise FieldError(shown(name), "one value", "two")
        members[name] = value
    return members
