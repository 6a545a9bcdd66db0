"""A session: everything that can be set, as one document, made of the tree's values and of parts beside the tree."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from remapd.errors import FieldError
from remapd.fields import checked_object

#: Version of a session's document.
SESSION_FORMAT = 1
_FORMAT, _VALUES = "format", "values"


class Section(Protocol):
    """A part of a session that is not in the tree."""

    def document(self) -> Any:
        """Give it as JSON has it."""

    def check(self, document: Any) -> None:
        """Raise what `restore` would; called off the loop, as there may be much to check.

        Raises
        ------
        FieldError
            If it does not fit.
        """

    def restore(self, document: Any) -> None:
        """Take it back.

        Raises
        ------
        FieldError
            If it does not fit; then nothing is changed.
        """


def session_document(values: Mapping[str, object], sections: Mapping[str, Section]) -> dict[str, Any]:
    """Give a session as JSON has it."""
    return {_FORMAT: SESSION_FORMAT, _VALUES: values, **{name: part.document() for name, part in sections.items()}}


def session_parts(document: object, sections: Collection[str]) -> tuple[Mapping[str, object], dict[str, object]]:
    """Take a session apart: values by path, and the other parts by name.

    Raises
    ------
    FieldError
        If it is no session, of another version, or has a part that there is not.
    """
    fields = checked_object(document, "session")
    if fields.get(_FORMAT) != SESSION_FORMAT:
        raise FieldError("session.format", f"{SESSION_FORMAT}, the only one this version reads", fields.get(_FORMAT))
    for name in fields:
        if name not in (_FORMAT, _VALUES, *sections):
            raise FieldError("session", f"only {', '.join((_FORMAT, _VALUES, *sections))}", name)
    values = checked_object(fields.get(_VALUES, {}), "session.values")
    return values, {name: part for name, part in fields.items() if name in sections}


def check_parts(sections: Mapping[str, Section], parts: Mapping[str, object]) -> None:
    """Raise a `FieldError` if a part of a session does not fit; runs off the loop."""
    for name, part in parts.items():
        sections[name].check(part)


@contextlib.contextmanager
def restored_sections(sections: Mapping[str, Section], parts: Mapping[str, object]) -> Iterator[None]:
    """Restore parts of a session; as they were if that or what is done meanwhile fails."""
    former = {name: sections[name].document() for name in parts}
    try:
        for name, part in parts.items():
            sections[name].restore(part)
        yield
    except BaseException:
        for name, document in former.items():
            sections[name].restore(document)
        raise
