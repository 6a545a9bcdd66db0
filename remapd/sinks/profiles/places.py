"""Where in the text of a profile a field stands, for errors."""

from __future__ import annotations

import re

#: ``[[instrument.control]]`` of a field that begins with ``instrument.2.control.3``.
_HEADER = re.compile(r"\s*\[\[\s*([a-z.]+)\s*\]\]")
_ROW = re.compile(r"\s*(?:control\s*=\s*\[\s*)?\{")


def line_of(text: str, field: str) -> int | None:
    """Line, from 1, of a field (``mapping.2.source``), or of the section that lacks it; None if it is not found.

    A guess by the look of the text, which a text inside of a text can mislead; it only helps people to look.
    """
    lines = text.splitlines()
    first, last = 0, len(lines)
    header = ""
    parts = field.split(".")
    while len(parts) >= 2 and parts[1].isdecimal():
        header = f"{header}.{parts[0]}".lstrip(".")
        found = _section(lines, header, int(parts[1]), first, last)
        if found is None:
            break
        first, last = found
        parts = parts[2:]
    key = _key(lines, parts[0], first, last) if parts else None
    return key or (first + 1 if header else None)


def _section(lines: list[str], header: str, number: int, first: int, last: int) -> tuple[int, int] | None:
    """Lines of the `number`-th section of a header within some lines."""
    starts = [at for at in range(first, last) if (found := _HEADER.match(lines[at])) and found[1] == header]
    if not starts:
        rows = [at for at in range(first, last) if _ROW.match(lines[at])]
        return (rows[number - 1], rows[number - 1] + 1) if number <= len(rows) else None
    if number > len(starts):
        return None
    start = starts[number - 1]
    later = (at for at in range(start + 1, last) if (found := _HEADER.match(lines[at])) and _ends(found[1], header))
    return start, next(later, last)


def _ends(header: str, section: str) -> bool:
    return not header.startswith(f"{section}.")


def _key(lines: list[str], key: str, first: int, last: int) -> int | None:
    key_at = re.compile(rf"(?:^|[{{,\s]){re.escape(key)}\s*=")
    return next((at + 1 for at in range(first, last) if key_at.search(lines[at])), None)
