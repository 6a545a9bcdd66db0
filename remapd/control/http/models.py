"""Models of the library over REST."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from remapd.control.http.activation import Activation, check_track, check_unused
from remapd.control.http.answers import bytes_body, bytes_content, file_answer, json_answer, tagged_answer
from remapd.control.http.cards import ModelCard, ModelRow, model_rows
from remapd.control.http.etag import ETAG_HEADER, IfMatch, IfNoneMatch
from remapd.control.http.library_files import precondition, tag_of
from remapd.control.http.names import Name
from remapd.control.http.problems import responses
from remapd.control.http.source import Client
from remapd.control.http.tree_reader import Values, values_response
from remapd.control.http.verification import Verification, Verifier
from remapd.mapping.bundle import model_from_bytes
from remapd.mapping.container import MAX_FILE_BYTES
from remapd.mapping.library import MODEL

if TYPE_CHECKING:
    from remapd.control.plane import Plane
    from remapd.control.store.library import Check, Library

_FILE = bytes_body("A model's file (.safetensors).", MAX_FILE_BYTES)
_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}, 304: {"description": "Not Modified"}}


def router(plane: Plane) -> APIRouter:
    """Routes of the models."""
    routes = APIRouter(tags=["models"])
    controller, library, verifier = plane.controller, plane.library, Verifier()

    @routes.get("/models", response_model=list[ModelRow])
    async def list_models() -> Response:
        """All models by name, each with the most of its card; a damaged one says what is wrong."""
        return json_answer(await asyncio.to_thread(model_rows, library))

    @routes.post("/models/verify", response_model=ModelCard, responses=responses(413), openapi_extra=_FILE)
    async def verify_content(request: Request) -> Response:
        """Check a model's file in full without keeping it; answers its card."""
        model = await asyncio.to_thread(model_from_bytes, await request.body())
        return json_answer(model.describe())

    @routes.get("/models/{name}", response_model=ModelCard, responses={**_TAGGED, **responses(404)})
    async def read_card(name: Name, if_none_match: IfNoneMatch = None) -> Response:
        """Everything about a model but its weights."""
        return await asyncio.to_thread(_card, library, name, if_none_match)

    @routes.get(
        "/models/{name}/file",
        response_class=Response,
        responses={200: {**bytes_content("The file."), "headers": ETAG_HEADER}, 304: _TAGGED[304], **responses(404)},
    )
    async def download(name: Name, if_none_match: IfNoneMatch = None) -> Response:
        """The model's file."""
        return await asyncio.to_thread(_file, library, name, if_none_match)

    @routes.put(
        "/models/{name}",
        response_model=ModelCard,
        responses={200: _TAGGED[200], 201: {"model": ModelCard, "description": "Created"}, **responses(412, 413, 507)},
        openapi_extra=_FILE,
    )
    async def upload(
        name: Name, request: Request, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
    ) -> Response:
        """Store a model's file, which is checked in full before; `If-None-Match: *` never replaces one."""
        check = precondition(if_match, if_none_match)
        return await asyncio.to_thread(_store, library, name, await request.body(), check)

    @routes.delete("/models/{name}", status_code=204, responses=responses(404, 409, 412))
    async def delete(name: Name, if_match: IfMatch = None) -> None:
        """Delete a model of the user's own that no track plays."""
        check_unused(controller, "model", library.model_entry(name).name)
        await asyncio.to_thread(library.delete_model, name, precondition(if_match))

    @routes.post("/models/{name}/verify", response_model=Verification, responses=responses(404, 503))
    async def verify(name: Name) -> Verification:
        """Check a stored model in full, its network against other arithmetic and its sound too; takes seconds."""
        return await verifier.verify(library.model_entry(name).path)

    @routes.post("/models/{name}/activate", response_model=Values, responses=responses(404, 503))
    async def activate(name: Name, where: Activation, client: Client = None) -> Response:
        """Have a track play it, with its own preset; answers what is different now."""
        check_track(controller, where.track)
        path = f"/track/{where.track}/model"
        return values_response(controller, await controller.change({path: library.model_entry(name).name}, client))

    return routes


def _card(library: Library, name: str, if_none_match: str | None) -> Response:
    entry = library.model_entry(name)
    return tagged_answer(library.model(name).describe(), tag_of(entry), if_none_match)


def _file(library: Library, name: str, if_none_match: str | None) -> Response:
    entry = library.model_entry(name)
    return file_answer(entry.content(), f"{name}{MODEL.suffix}", tag_of(entry), if_none_match)


def _store(library: Library, name: str, content: bytes, check: Check) -> Response:
    known = name in library.models()
    entry = library.put_model(name, content, check)
    card = library.model(name).describe()
    return json_answer(card, tag_of(entry), 200 if known else 201, f"/api/v1/models/{name}")
