"""MIDI over REST: ports, mappings, and learning them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from remapd.control.http.answers import json_answer, tagged_answer
from remapd.control.http.etag import ETAG_HEADER, IfMatch, IfNoneMatch, check_if_match, etag_of
from remapd.control.http.midi_documents import (
    LearningState,
    LearnRequest,
    MappingDocument,
    MappingRow,
    Mappings,
    MappingTable,
    PortsDocument,
)
from remapd.control.http.names import Name
from remapd.control.http.problems import responses

if TYPE_CHECKING:
    from remapd.control.midi.mappings import Mapping
    from remapd.control.midi.service import MidiInput
    from remapd.control.plane import Plane

_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}}
_CREATED: dict[int | str, dict[str, Any]] = {201: {"headers": ETAG_HEADER}}
_READ: dict[int | str, dict[str, Any]] = {**_TAGGED, 304: {"description": "Not Modified"}}


def router(plane: Plane) -> APIRouter:
    """Routes of MIDI."""
    routes = APIRouter(prefix="/midi", tags=["MIDI"])
    midi = plane.midi

    @routes.get("/ports", response_model=PortsDocument)
    async def ports() -> Response:
        """Ports that there are, those that are listened to, and what came in."""
        return json_answer({**ports_document(midi), "outputs": plane.sinks.outputs})

    @routes.get("/mappings", response_model=MappingTable, responses=_READ)
    async def mappings(if_none_match: IfNoneMatch = None) -> Response:
        """Which movements change which controls."""
        return tagged_answer({"mappings": rows(midi)}, tag_of(midi), if_none_match)

    @routes.put("/mappings", response_model=MappingTable, responses={**_TAGGED, **responses(412, 413)})
    async def replace_mappings(wanted: Mappings, if_match: IfMatch = None) -> Response:
        """Replace all mappings."""
        check_if_match(if_match, tag_of(midi))
        midi.mappings.replace([given(mapping) for mapping in wanted.mappings])
        return json_answer({"mappings": rows(midi)}, tag_of(midi))

    @routes.post("/mappings", status_code=201, response_model=MappingRow, responses={**_CREATED, **responses(412, 413)})
    async def add_mapping(mapping: MappingDocument, if_match: IfMatch = None) -> Response:
        """Add a mapping; without an id it gets one."""
        check_if_match(if_match, tag_of(midi))
        added = midi.mappings.add(given(mapping))
        return json_answer(row(midi, added), tag_of(midi), 201)

    @routes.delete("/mappings/{identity}", status_code=204, responses=responses(404, 412))
    async def delete_mapping(identity: Name, if_match: IfMatch = None) -> None:
        """Delete a mapping."""
        check_if_match(if_match, tag_of(midi))
        midi.mappings.remove(identity)

    @routes.get("/learn", response_model=LearningState)
    async def learning() -> Response:
        """Whether a movement is waited for."""
        return json_answer(midi.learning.document())

    @routes.post("/learn", response_model=LearningState)
    async def learn(request: LearnRequest) -> Response:
        """Wait for a movement of a controller and map it; the events `midi_learn` tell how that ends."""
        midi.learning.begin(given(request), request.replace, request.timeout_s)
        return json_answer(midi.learning.document())

    @routes.delete("/learn", response_model=LearningState)
    async def stop_learning() -> Response:
        """Wait no more."""
        midi.learning.cancel()
        return json_answer(midi.learning.document())

    return routes


def given(model: BaseModel) -> dict[str, Any]:
    """What a client says of a mapping, as the mappings take it."""
    members = model.model_dump(exclude_unset=True, exclude={"active", "replace", "timeout_s"})
    return {name: value for name, value in members.items() if value is not None}


def row(midi: MidiInput, mapping: Mapping) -> dict[str, Any]:
    """A mapping, and whether its control is there."""
    return {**mapping.document(), "active": midi.is_active(mapping.id)}


def rows(midi: MidiInput) -> list[dict[str, Any]]:
    """All mappings."""
    return [row(midi, mapping) for mapping in midi.mappings]


def tag_of(midi: MidiInput) -> str:
    """Entity tag of all mappings."""
    return etag_of(json.dumps(rows(midi)))


def ports_document(midi: MidiInput) -> dict[str, Any]:
    """Ports as JSON."""
    ports = midi.ports
    return {
        "enabled": ports.enabled,
        "interface": ports.interface,
        "virtual": ports.virtual,
        "wanted": ports.wanted,
        "available": ports.available,
        "open": ports.open,
        "faults": ports.faults,
        "fault": ports.fault,
        "counts": midi.counts,
    }
