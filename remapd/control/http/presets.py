"""Presets of the library over REST."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from remapd.control.http.activation import Activation, TrackNumber, check_track, check_unused
from remapd.control.http.answers import json_answer, tagged_answer
from remapd.control.http.cards import PresetDocument, PresetRow, preset_rows
from remapd.control.http.etag import ETAG_HEADER, IfMatch, IfNoneMatch
from remapd.control.http.library_files import precondition, tag_of
from remapd.control.http.names import Name, NewName
from remapd.control.http.problems import responses
from remapd.control.http.renaming import Renaming
from remapd.control.http.source import Client
from remapd.control.http.tree_reader import Values, values_response
from remapd.control.store.library import must_be_free
from remapd.synth.presets import MAX_DESCRIPTION_LENGTH, default_preset, preset_document, preset_from_document

if TYPE_CHECKING:
    from remapd.control.plane import Plane
    from remapd.control.store.library import Check, Library
    from remapd.synth.presets import Preset

_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}, 304: {"description": "Not Modified"}}
_STORED: dict[int | str, dict[str, Any]] = {
    200: {"headers": ETAG_HEADER},
    201: {"model": PresetDocument, "description": "Created", "headers": ETAG_HEADER},
}
_EXAMPLE = preset_document(default_preset("simple_drum"))


class SoundOfTrack(BaseModel):
    """Whose sound becomes a preset, and what it is called."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"example": {"name": "my snare", "track": 1}}
    )
    name: NewName
    track: TrackNumber = 1
    description: str = Field("", max_length=MAX_DESCRIPTION_LENGTH, description="One line for people.")
    replace: bool = Field(False, description="Whether a preset of this name may be replaced.")


def router(plane: Plane) -> APIRouter:
    """Routes of the presets."""
    routes = APIRouter(tags=["presets"])
    controller, library = plane.controller, plane.library

    @routes.get("/presets", response_model=list[PresetRow])
    async def list_presets() -> Response:
        """All presets by name, each with its synth; a damaged one says what is wrong."""
        return json_answer(await asyncio.to_thread(preset_rows, library))

    @routes.post("/presets", status_code=201, response_model=PresetDocument, responses=responses(409, 507))
    async def store_sound(sound: SoundOfTrack) -> Response:
        """Make a preset of a track as it sounds now."""
        preset = controller.preset_of(sound.track, sound.name, sound.description)
        check = None if sound.replace else must_be_free
        return await asyncio.to_thread(_store, library, sound.name, preset, check, 201)

    @routes.get("/presets/{name}", response_model=PresetDocument, responses={**_TAGGED, **responses(404)})
    async def read_preset(name: Name, if_none_match: IfNoneMatch = None) -> Response:
        """A preset as its file has it."""
        return await asyncio.to_thread(_read, library, name, if_none_match)

    @routes.put("/presets/{name}", response_model=PresetDocument, responses={**_STORED, **responses(412, 507)})
    async def write_preset(
        name: Name,
        document: Annotated[dict[str, Any], Body(examples=[_EXAMPLE])],
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Store a preset; its name is that of the path. `If-None-Match: *` never replaces one."""
        preset = preset_from_document({**document, "name": name})
        return await asyncio.to_thread(_store, library, name, preset, precondition(if_match, if_none_match))

    @routes.post(
        "/presets/{name}/rename", response_model=PresetDocument, responses={**_TAGGED, **responses(404, 409, 412, 507)}
    )
    async def rename(name: Name, names: Renaming, if_match: IfMatch = None) -> Response:
        """Give a preset of the user's own, that no track plays, another name."""
        check_unused(controller, "preset", library.preset_entry(name).name)
        await asyncio.to_thread(library.rename_preset, name, names.new_name, precondition(if_match))
        return await asyncio.to_thread(_read, library, names.new_name, None)

    @routes.delete("/presets/{name}", status_code=204, responses=responses(404, 409, 412))
    async def delete(name: Name, if_match: IfMatch = None) -> None:
        """Delete a preset of the user's own that no track plays."""
        check_unused(controller, "preset", library.preset_entry(name).name)
        await asyncio.to_thread(library.delete_preset, name, precondition(if_match))

    @routes.post("/presets/{name}/activate", response_model=Values, responses=responses(404, 503))
    async def activate(name: Name, where: Activation, client: Client = None) -> Response:
        """Have a track play it with the model it has, which must be for the same synth."""
        check_track(controller, where.track)
        path = f"/track/{where.track}/preset"
        return values_response(controller, await controller.change({path: library.preset_entry(name).name}, client))

    return routes


def _read(library: Library, name: str, if_none_match: str | None) -> Response:
    entry = library.preset_entry(name)
    return tagged_answer(preset_document(library.preset(name)), tag_of(entry), if_none_match)


def _store(library: Library, name: str, preset: Preset, check: Check | None, status: int | None = None) -> Response:
    known = name in library.presets()
    entry = library.put_preset(name, preset, check)
    content = preset_document(library.preset(name))
    return json_answer(content, tag_of(entry), status or (200 if known else 201), f"/api/v1/presets/{name}")
