"""``/ui/``: the page, as files that are read once at the start; no path of a request leads to the disk."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import Response

from remapd.control.http.etag import IfNoneMatch, etag_of, is_known, not_modified
from remapd.control.http.policy import PAGE
from remapd.control.http.problems import not_found

if TYPE_CHECKING:
    from remapd.control.plane import Plane

INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


def router(plane: Plane) -> APIRouter:
    """Routes of the page, at the root."""
    del plane  # The page asks for everything itself.
    routes = APIRouter(include_in_schema=False)
    files = page_files()

    @routes.get(PAGE)
    async def index(if_none_match: IfNoneMatch = None) -> Response:
        return _response(files[INDEX], INDEX, if_none_match)

    @routes.get(PAGE + "{name}")
    async def file(name: str, if_none_match: IfNoneMatch = None) -> Response:
        if name not in files:
            raise not_found("file of the page", name, files)
        return _response(files[name], name, if_none_match)

    return routes


def page_files() -> dict[str, bytes]:
    """Content of each file of the page by its name."""
    folder = resources.files("remapd.control") / "web"
    return {file.name: file.read_bytes() for file in folder.iterdir() if _ending(file.name) in _TYPES}


def _response(content: bytes, name: str, if_none_match: str | None) -> Response:
    etag = etag_of(content)
    if is_known(if_none_match, etag):
        return not_modified(etag)
    return Response(content, media_type=_TYPES[_ending(name)], headers={"ETag": etag})


def _ending(name: str) -> str:
    return name[name.rfind(".") :]
