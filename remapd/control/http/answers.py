"""Answers that several routes give."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from remapd.control.http.etag import is_known, not_modified

JSON = "application/json"
BYTES = "application/octet-stream"


def json_answer(content: Any, tag: str | None = None, status: int = 200, location: str | None = None) -> Response:
    """JSON with an entity tag and, of something new, its place."""
    place = None if location is None else quote(location)
    headers = {name: text for name, text in (("ETag", tag), ("Location", place)) if text is not None}
    return Response(json.dumps(content) + "\n", status, headers, JSON)  # A line, for those who read it in a terminal.


def tagged_answer(content: Any, tag: str, if_none_match: str | None) -> Response:
    """JSON, or word that the reader has it already."""
    return not_modified(tag) if is_known(if_none_match, tag) else json_answer(content, tag)


def file_answer(content: bytes, name: str, tag: str, if_none_match: str | None, media_type: str = BYTES) -> Response:
    """A file to be stored under a name; a browser never opens it.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        Name with its ending, of characters that need no quoting.
    tag : str
        Its entity tag.
    if_none_match : str or None
        The header of the request.
    media_type : str
        Kind of content.
    """
    if is_known(if_none_match, tag):
        return not_modified(tag)
    headers = {"ETag": tag, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, media_type)


def bytes_body(description: str, most: int) -> dict[str, Any]:
    """Document of a route whose body is a file (`openapi_extra`)."""
    schema = {"type": "string", "format": "binary", "maxLength": most}
    content = {BYTES: {"schema": schema}}
    return {"requestBody": {"required": True, "description": description, "content": content}}


def bytes_content(description: str) -> dict[str, Any]:
    """Document of an answer that is a file."""
    return {"description": description, "content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}
