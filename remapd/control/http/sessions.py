"""Sessions over REST: the whole state as one document, saved by name and loaded again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from remapd.control.http.answers import json_answer, tagged_answer
from remapd.control.http.etag import ETAG_HEADER, IfMatch, IfNoneMatch, check_if_match
from remapd.control.http.names import Name, NewName
from remapd.control.http.problems import responses
from remapd.control.http.renaming import Renaming
from remapd.control.http.source import Client
from remapd.control.http.tree_reader import Values, values_response
from remapd.control.session_document import SESSION_FORMAT
from remapd.errors import ConflictError

if TYPE_CHECKING:
    from remapd.control.plane import Plane
    from remapd.control.store.sessions import Check, SessionEntry, SessionStore

_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}, 304: {"description": "Not Modified"}}
_EXAMPLE = {"format": SESSION_FORMAT, "values": {"/track/1/model": "snare_1", "/track/1/neurality": 1.5}}
_Document = Annotated[dict[str, Any], Body(examples=[_EXAMPLE])]


class SessionDocument(BaseModel):
    """Everything that can be set."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"example": {"format": SESSION_FORMAT, "values": {"/track/1/model": "snare_1"}}},
    )
    format: int = Field(description="Version of the document.")
    values: dict[str, float | int | bool | str] = Field(description="Values by path; what is left out has its default.")


class SessionRow(BaseModel):
    """A session that was saved."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "sunday", "size_bytes": 5120, "modified_s": 1767225600.0}}
    )
    name: str
    size_bytes: int
    modified_s: float = Field(description="When it was saved, in seconds since 1970.")


class SessionName(BaseModel):
    """What the state as it is now is saved as."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"example": {"name": "sunday"}})
    name: NewName
    replace: bool = Field(False, description="Whether a session of this name may be replaced.")


def router(plane: Plane) -> APIRouter:
    """Routes of the sessions."""
    routes = APIRouter(tags=["sessions"])
    controller, store = plane.controller, plane.sessions

    @routes.get("/session", response_model=SessionDocument)
    async def read_current() -> Response:
        """The whole state as it is now."""
        return json_answer(controller.session())

    @routes.put("/session", response_model=Values, responses=responses(404, 503))
    async def restore(
        document: Annotated[dict[str, Any], Body(examples=[_EXAMPLE])], client: Client = None
    ) -> Response:
        """Be as a session says, or, if anything in it does not fit, stay as it is; answers all values."""
        await controller.restore(document, client)
        return values_response(controller, controller.values())

    @routes.get("/sessions", response_model=list[SessionRow])
    async def list_sessions() -> Response:
        """All saved sessions by name."""
        entries = await asyncio.to_thread(store.entries)
        return json_answer([_row(entry) for entry in entries.values()])

    @routes.post("/sessions", status_code=201, response_model=SessionRow, responses=responses(409, 507))
    async def save(session: SessionName) -> Response:
        """Save the whole state as it is now."""
        check = None if session.replace else _must_be_free
        entry = await asyncio.to_thread(store.save, session.name, controller.session(), check)
        return json_answer(_row(entry), _tag(entry), 201, f"/api/v1/sessions/{session.name}")

    @routes.get("/sessions/{name}", response_model=SessionDocument, responses={**_TAGGED, **responses(404)})
    async def read_session(name: Name, if_none_match: IfNoneMatch = None) -> Response:
        """A session as it was saved."""
        return await asyncio.to_thread(_read, store, name, if_none_match)

    @routes.post("/sessions/{name}/load", response_model=Values, responses=responses(404, 503))
    async def load(name: Name, client: Client = None) -> Response:
        """Be as a session says; the old state plays until the new one is ready. Answers all values."""
        await controller.restore(await asyncio.to_thread(store.load, name), client)
        return values_response(controller, controller.values())

    @routes.post("/sessions/{name}/rename", response_model=SessionRow, responses=responses(404, 409, 412, 507))
    async def rename(name: Name, names: Renaming, if_match: IfMatch = None) -> Response:
        """Give a session another name."""
        entry = await asyncio.to_thread(store.rename, name, names.new_name, _precondition(if_match))
        return json_answer(_row(entry))

    @routes.delete("/sessions/{name}", status_code=204, responses=responses(404, 412))
    async def delete(name: Name, if_match: IfMatch = None) -> None:
        """Delete a session."""
        await asyncio.to_thread(store.delete, name, _precondition(if_match))

    return routes


def _row(entry: SessionEntry) -> dict[str, Any]:
    return {"name": entry.name, "size_bytes": entry.size_bytes, "modified_s": entry.modified_s}


def _tag(entry: SessionEntry) -> str:
    return f'"{entry.sha256()[:32]}"'


def _must_be_free(entry: SessionEntry | None) -> None:
    if entry is not None:
        raise ConflictError("name", "a name that is free, or replace to be true", entry.name)


def _precondition(if_match: str | None) -> Check:
    def check(entry: SessionEntry | None) -> None:
        if if_match is not None:
            check_if_match(if_match, None if entry is None else _tag(entry))

    return check


def _read(store: SessionStore, name: str, if_none_match: str | None) -> Response:
    return tagged_answer(store.load(name), _tag(store.entry(name)), if_none_match)
