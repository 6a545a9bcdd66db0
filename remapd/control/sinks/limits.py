"""Bounds of the sinks."""

from __future__ import annotations

from collections.abc import Sequence

from remapd.errors import FieldError

MAX_SINKS = 32
#: All of them together, as JSON.
MAX_BYTES = 1 << 20


def listed(document: object, field: str) -> Sequence[object]:
    """A list of sinks that is not too long.

    Raises
    ------
    FieldError
        If it is none.
    """
    if not isinstance(document, list | tuple) or len(document) > MAX_SINKS:
        raise FieldError(field, f"a list of at most {MAX_SINKS} sinks", document)
    return document
