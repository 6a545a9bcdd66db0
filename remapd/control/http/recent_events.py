"""``/events/recent``: hits and rejected candidates of the last minutes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from remapd.control.events import HISTORY_S
from remapd.control.watching.latency import STAGES
from remapd.control.watching.messages import event_message
from remapd.control.watching.outbox import encode
from remapd.engine.events import Event, HitEvent
from remapd.engine.layout import MAX_TRACKS
from remapd.engine_process import Playing

if TYPE_CHECKING:
    from remapd.control.plane import Plane

MOST_EVENTS = 1000
#: Events put into words at a time: the loop has other work, too.
_BATCH = 8

Kind = Literal["all", "hits", "rejected"]


class RecentEvent(BaseModel):
    """A hit, or a candidate that was not taken for one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "rejected",
                "time": "2026-01-31T20:15:00.123+00:00",
                "track": 1,
                "time_s": 12.345,
                "reason": "masked",
                "level_db": -38.5,
                "floor_db": -71.0,
                "strength_db": 3.1,
                "latency_ms": {"detection": 3.0},
            }
        }
    )
    type: Literal["hit", "rejected"]
    time: datetime = Field(description="When the service read it, a few ms after it happened.")
    track: int = Field(ge=1)
    level_db: float
    floor_db: float
    strength_db: float
    latency_ms: dict[str, float] = Field(description="; ".join(f"{name}: {text}" for name, text in STAGES.items()))
    onset_s: float | None = Field(None, description="Time of a hit in the stream.")
    trigger_s: float | None = Field(None, description="When it sounds.")
    features: dict[str, float] | None = None
    scaled: list[float] | None = None
    modulation: dict[str, float] | None = None
    values: dict[str, float] | None = None
    synth: str | None = None
    time_s: float | None = Field(None, description="Time of a rejected candidate in the stream.")
    reason: str | None = Field(None, description="Why it was not taken for a hit.")


class RecentEvents(BaseModel):
    """Events, oldest first."""

    events: list[RecentEvent]


def router(plane: Plane) -> APIRouter:
    """Route of the history."""
    routes = APIRouter(tags=["events"])

    @routes.get(
        "/events/recent",
        summary="Hits and rejected candidates of the last minutes",
        response_class=Response,
        responses={200: {"model": RecentEvents, "description": "Events, oldest first."}},
    )
    async def recent_events(
        since_s: Annotated[float, Query(gt=0, le=HISTORY_S, description="How far back, in s.")] = HISTORY_S,
        most: Annotated[int, Query(ge=1, le=MOST_EVENTS, description="Of more, the newest.")] = 200,
        kind: Annotated[Kind, Query(description="Which of them.")] = "all",
        track: Annotated[int | None, Query(ge=1, le=MAX_TRACKS, description="Those of one track.")] = None,
    ) -> Response:
        """Tell what the engine found lately."""
        wanted = [pair for pair in plane.events.history(since_s) if _is_wanted(pair[1], kind, track)]
        return StreamingResponse(_in_words(wanted[-most:], plane.host.playing), media_type="application/json")

    return routes


def _is_wanted(event: Event, kind: Kind, track: int | None) -> bool:
    if track is not None and event.track + 1 != track:
        return False
    return kind == "all" or isinstance(event, HitEvent) == (kind == "hits")


async def _in_words(events: list[tuple[float, Event]], playing: Playing | None) -> AsyncIterator[str]:
    yield '{"events":['
    for start in range(0, len(events), _BATCH):
        texts = [_line(when, event, playing) for when, event in events[start : start + _BATCH]]
        yield ("," if start else "") + ",".join(texts)
        await asyncio.sleep(0)
    yield "]}"


def _line(when: float, event: Event, playing: Playing | None) -> str:
    time = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
    return encode({"time": time, **event_message(event, playing)})
