"""Tracks over REST: which there are, one more, one less."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from starlette.responses import Response

from remapd.control.http.answers import json_answer, tagged_answer
from remapd.control.http.etag import ETAG_HEADER, IfMatch, IfNoneMatch, check_if_match, etag_of
from remapd.control.http.problems import RefusalError, responses
from remapd.control.http.source import Client
from remapd.control.http.tree import Sent
from remapd.engine.layout import MAX_TRACKS
from remapd.mapping.default_model import DEFAULT_MODEL

if TYPE_CHECKING:
    from remapd.control.controller import Controller
    from remapd.control.plane import Plane

_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}, 304: {"description": "Not Modified"}}
_TRACK: JsonDict = {"number": 1, "model": "snare_1", "preset": "snare_1", "synth": "snare808", "input_channel": 1}


class Track(BaseModel):
    """What a track plays; all that can be set of it is in the tree, below `/track/N`."""

    model_config = ConfigDict(json_schema_extra={"example": _TRACK})
    number: int = Field(description="From 1; the numbers of later tracks fall when one is removed.")
    model: str
    preset: str
    synth: str
    input_channel: int = Field(description="Channel of the input, from 1.")


class NewTrack(BaseModel):
    """What a new track starts with."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"model": "snare_1", "values": {"input_channel": 2, "pan": -0.5}}}
    )
    model: str = Field(DEFAULT_MODEL, max_length=64)
    preset: str = Field("", max_length=64, description="Empty for the model's own.")
    values: dict[str, Sent] = Field(
        default_factory=dict, description="Values by name within the track, such as `onset/hold_ms`."
    )


def router(plane: Plane) -> APIRouter:
    """Routes of the tracks."""
    routes = APIRouter(tags=["tracks"])
    controller = plane.controller

    @routes.get("/tracks", response_model=list[Track], responses=_TAGGED)
    async def list_tracks(if_none_match: IfNoneMatch = None) -> Response:
        """All tracks."""
        return tagged_answer(track_rows(controller), _tag(controller), if_none_match)

    @routes.post("/tracks", status_code=201, response_model=Track, responses=responses(404, 412, 503))
    async def add_track(track: NewTrack, if_match: IfMatch = None, client: Client = None) -> Response:
        """Append a track; nobody's sound is touched."""

        def check() -> None:
            check_if_match(if_match, _tag(controller))

        check()
        chosen = {"model": track.model, "preset": track.preset} if track.preset else {"model": track.model}
        number = await controller.add_track({**track.values, **chosen}, client, check)
        row = track_rows(controller)[number - 1]
        return json_answer(row, _tag(controller), 201, f"/api/v1/tree/track/{number}")

    @routes.delete("/tracks/{number}", status_code=204, responses=responses(404, 409, 412, 503))
    async def remove_track(
        number: Annotated[int, Path(ge=1, le=MAX_TRACKS)], if_match: IfMatch = None, client: Client = None
    ) -> None:
        """Take a track away; the last one stays."""

        def check() -> None:
            check_if_match(if_match, _tag(controller))

        check()
        if number > controller.tracks:
            raise RefusalError(404, f"there is no track {number}", "track", f"1 to {controller.tracks}", number)
        if controller.tracks == 1:
            raise RefusalError(409, "the last track cannot be removed", "track", "one of several tracks", number)
        await controller.remove_track(number, client, check)

    return routes


def track_rows(controller: Controller) -> list[dict[str, Any]]:
    """What each track plays."""
    return [_row(controller, number) for number in range(1, controller.tracks + 1)]


def _row(controller: Controller, number: int) -> dict[str, Any]:
    values = {name: controller.value(f"/track/{number}/{name}") for name in ("model", "preset", "input_channel")}
    return {"number": number, "synth": controller.sound(number).model.synth, **values}


def _tag(controller: Controller) -> str:
    return etag_of(json.dumps(track_rows(controller)))
