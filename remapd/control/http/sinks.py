"""Sinks over REST: what leaves the daemon, where it goes, and how that fares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from remapd.control.http.answers import json_answer
from remapd.control.http.etag import ETAG_HEADER, IfMatch, check_if_match, etag_of
from remapd.control.http.names import Name
from remapd.control.http.problems import responses
from remapd.control.http.sink_documents import (
    GIVEN,
    MIDI_EXAMPLE,
    OSC_EXAMPLE,
    BriefTable,
    GivenSinks,
    SinkRow,
    SinkStatus,
    SinkTable,
)
from remapd.control.sinks.sink_list import STATUS

if TYPE_CHECKING:
    from remapd.control.changer import Check
    from remapd.control.plane import Plane
    from remapd.control.sinks.service import Sinks
    from remapd.control.sinks.sink_list import Entry

_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}}
_CREATED: dict[int | str, dict[str, Any]] = {201: {"headers": ETAG_HEADER}}
_Given = Annotated[dict[str, Any], Body(examples=[OSC_EXAMPLE, MIDI_EXAMPLE], description=GIVEN)]


def router(plane: Plane) -> APIRouter:
    """Routes of the sinks."""
    routes = APIRouter(tags=["sinks"])
    sinks = plane.sinks

    @routes.get("/sinks", response_model=SinkTable | BriefTable, responses=_TAGGED)
    async def list_sinks(
        brief: Annotated[bool, Query(description="Only where each sends, and how that fares.")] = False,
    ) -> Response:
        """Where hits are sent, and how that fares. The entity tag is that of all sinks; it does not tell of states."""
        return json_answer(_brief(sinks) if brief else _table(sinks), _tag(sinks))

    @routes.put("/sinks", response_model=SinkTable, responses={**_TAGGED, **responses(412, 413, 503)})
    async def replace_sinks(given: GivenSinks, if_match: IfMatch = None) -> Response:
        """Have these sinks and no others; one that stays as it was sends on without a gap."""
        await sinks.replace(given.sinks, _condition(sinks, if_match))
        return json_answer(_table(sinks), _tag(sinks))

    @routes.post("/sinks", status_code=201, response_model=SinkRow, responses={**_CREATED, **responses(412, 413, 503)})
    async def add_sink(given: _Given, if_match: IfMatch = None) -> Response:
        """Add a sink; without an id it gets one. The name of its host must be known by now."""
        entry = await sinks.add(given, _condition(sinks, if_match))
        return json_answer(_row(sinks, entry), _tag(sinks), 201, f"/api/v1/sinks/{entry.sink.id}")

    @routes.get("/sinks/{identity}", response_model=SinkRow, responses={**_TAGGED, **responses(404)})
    async def read_sink(identity: Name) -> Response:
        """A sink, and how it fares."""
        return json_answer(_row(sinks, sinks.list.entry(identity)), _tag(sinks))

    @routes.put("/sinks/{identity}", response_model=SinkRow, responses={**_TAGGED, **responses(404, 412, 413, 503)})
    async def change_sink(identity: Name, given: _Given, if_match: IfMatch = None) -> Response:
        """Have another sink of the same name in place of one."""
        entry = await sinks.change(identity, given, _condition(sinks, if_match))
        return json_answer(_row(sinks, entry), _tag(sinks))

    @routes.delete("/sinks/{identity}", status_code=204, responses=responses(404, 412))
    async def delete_sink(identity: Name, if_match: IfMatch = None) -> None:
        """Delete a sink; notes that it plays end."""
        check_if_match(if_match, _tag(sinks))
        sinks.list.remove(identity)

    @routes.post("/sinks/{identity}/test", response_model=SinkStatus, responses=responses(404, 409, 503))
    async def test_sink(identity: Name) -> Response:
        """Send a made-up hit of medium loudness through this sink alone; answers how it fared until then."""
        await sinks.test(identity)
        return json_answer(sinks.states[identity].document())

    return routes


def _condition(sinks: Sinks, if_match: str | None) -> Check:
    return lambda: check_if_match(if_match, _tag(sinks))


def _table(sinks: Sinks) -> dict[str, Any]:
    return {"sinks": [_row(sinks, entry) for entry in sinks.list]}


def _brief(sinks: Sinks) -> dict[str, Any]:
    return {"sinks": [_head(sinks, entry) for entry in sinks.list]}


def _head(sinks: Sinks, entry: Entry) -> dict[str, Any]:
    status = sinks.states[entry.sink.id].document()
    return {"id": entry.sink.id, "kind": entry.kind, "place": entry.place, STATUS: status}


def _row(sinks: Sinks, entry: Entry) -> dict[str, Any]:
    # What a person looks for comes first.
    return {"id": entry.sink.id, STATUS: sinks.states[entry.sink.id].document(), **entry.document()}


def _tag(sinks: Sinks) -> str:
    """Entity tag of what the sinks are, which clients change, and not of how they fare."""
    return etag_of(json.dumps([entry.document() for entry in sinks.list]))
