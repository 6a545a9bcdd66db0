"""What does not fit in a config, by the name of its setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from remapd.control.settings.sections import range_text
from remapd.control.settings.values import unknown_key
from remapd.errors import FieldError, Told
from remapd.fields import shown

#: The environment names settings like ``REMAPD_HTTP__PORT``.
PREFIX, DELIMITER = "REMAPD_", "__"
#: Settings whose value is nobody's business.
_SECRET = "token"

Sections = Mapping[str, FieldInfo]


def refuse_unknown_variables(names: Iterable[str], sections: Sections) -> None:
    """Refuse variables below a section that there is not, which would be passed over in silence.

    Parameters
    ----------
    names : iterable of str
        Of all variables.
    sections : mapping of str to FieldInfo
        What there is.

    Raises
    ------
    FieldError
        If one is ours and has no section.
    """
    known = [f"{PREFIX}{field.upper()}{DELIMITER}..." for field in sections]
    for name in names:
        section, delimiter, _ = name.upper().removeprefix(PREFIX).partition(DELIMITER)
        if not name.upper().startswith(PREFIX):
            continue
        if delimiter and section.lower() not in sections:
            raise unknown_key(name, name, known)
        if not delimiter and (meant := _with_delimiter(section, sections)):
            raise unknown_key(name, name.upper(), [meant])


def _with_delimiter(name: str, sections: Sections) -> str:
    """Variable of a setting whose name and section have one underscore between them, not two; empty if it is none."""
    section, _, setting = name.partition("_")
    is_ours = section.lower() in sections and setting != ""
    return f"{PREFIX}{section}{DELIMITER}{setting}" if is_ours else ""


def field_error(problem: ErrorDetails, sections: Sections) -> FieldError:
    """Error for people of one of pydantic; a secret is not in it."""
    place = problem["loc"]
    field = ".".join(str(part + 1) if isinstance(part, int) else shown(part) for part in place) or "config"
    if problem["type"] == "extra_forbidden":
        return unknown_key(field, str(place[-1]), _fields(place[:-1], sections))
    setting = _fields(place[:-1], sections).get(str(place[-1])) if place else None
    expected = setting and range_text(setting)
    got = Told("something else") if _is_secret(place, sections) else problem["input"]
    return FieldError(field, expected or _expected(problem["msg"]), got)


def _is_secret(place: tuple[int | str, ...], sections: Sections) -> bool:
    """Whether what stands at a place is a secret, or a whole section that may hold one."""
    return _SECRET in place or (len(place) == 1 and _SECRET in _fields(place, sections))


def _expected(message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return "a section" if "instance of" in text else text[:1].lower() + text[1:]


def _fields(place: tuple[int | str, ...], sections: Sections) -> Sections:
    """Settings at a place: those of a section, or the sections."""
    if not place:
        return sections
    section = sections[str(place[0])].annotation
    return getattr(section, "model_fields", {})
