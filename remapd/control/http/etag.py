"""Entity tags: two people cannot overwrite each other's change unseen, and what is known is not sent again."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Header
from pydantic.json_schema import SkipJsonSchema
from starlette.responses import Response

from remapd.control.http.problems import RefusalError

#: Parameters of a route: `if_match: IfMatch = None`.
IfMatch = Annotated[
    str | SkipJsonSchema[None], Header(description="Do it only if the entity tag is still this one, else 412.")
]
IfNoneMatch = Annotated[
    str | SkipJsonSchema[None], Header(description="Send it only if the entity tag is no longer this one.")
]

#: What the OpenAPI document says of the header.
ETAG_HEADER: dict[str, Any] = {"ETag": {"description": "Entity tag, for If-Match.", "schema": {"type": "string"}}}


def etag_of(content: bytes | str | int) -> str:
    """Entity tag of a revision number or of content."""
    if isinstance(content, int):
        return f'"{content}"'
    data = content.encode() if isinstance(content, str) else content
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def check_if_match(if_match: str | None, current: str | None) -> None:
    """Go on only if what the client knows is what there is.

    Parameters
    ----------
    if_match : str or None
        The header; without it anything goes.
    current : str or None
        Entity tag of what there is; None where there is nothing.

    Raises
    ------
    RefusalError
        412 if it is another.
    """
    if if_match is None:
        return
    known = _tags(if_match)
    if current is None or ("*" not in known and current not in known):
        there = f"it is {current}" if current else "there is nothing"
        raise RefusalError(
            412, f"this was changed meanwhile: read it again ({there})", "If-Match", current or "none", if_match
        )


def check_if_none_match(if_none_match: str | None, current: str | None) -> None:
    """For a write that must not replace anything (``If-None-Match: *``).

    Raises
    ------
    RefusalError
        412 if there is something already.
    """
    if if_none_match is None or current is None:
        return
    known = _tags(if_none_match)
    if "*" in known or current in known:
        raise RefusalError(412, "there is one already", "If-None-Match", "a name that is free", if_none_match)


def is_known(if_none_match: str | None, current: str) -> bool:
    """Whether a reader has this already, so that 304 is enough."""
    if if_none_match is None:
        return False
    known = [tag.removeprefix("W/") for tag in _tags(if_none_match)]
    return "*" in known or current in known


def not_modified(current: str) -> Response:
    """Answer to a reader who has it already."""
    return Response(status_code=304, headers={"ETag": current})


def _tags(header: str) -> list[str]:
    return [tag.strip() for tag in header.split(",")]
