"""Entity tags of files in the library, and what a request says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remapd.control.http.etag import check_if_match, check_if_none_match

if TYPE_CHECKING:
    from remapd.control.store.library import Check
    from remapd.control.store.library_entry import Entry


def tag_of(entry: Entry) -> str:
    """Entity tag of a file; reads it when first asked."""
    return f'"{entry.sha256[:32]}"'


def precondition(if_match: str | None, if_none_match: str | None = None) -> Check:
    """Check that what is stored is still what the client knows, for the library to call within its turn."""

    def check(entry: Entry | None) -> None:
        current = None if entry is None else tag_of(entry)
        check_if_match(if_match, current)
        check_if_none_match(if_none_match, current)

    return check
