"""``/events.mid``: hits of the last minutes as a standard MIDI file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic.json_schema import SkipJsonSchema
from starlette.responses import Response

from remapd.control.events import HISTORY_S
from remapd.control.http.names import NewName
from remapd.control.http.problems import RefusalError, not_found, responses
from remapd.engine.events import HitEvent
from remapd.engine.layout import MAX_TRACKS
from remapd.sinks.document import MidiSink
from remapd.sinks.midi.defaults import default_sink

if TYPE_CHECKING:
    from remapd.control.plane import Plane

MEDIA_TYPE = "audio/midi"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A standard MIDI file, which begins with the first hit.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def router(plane: Plane) -> APIRouter:
    """Route of the file."""
    routes = APIRouter(tags=["events"])
    turn = asyncio.Lock()  # A file of some thousand hits takes a second: one at a time.

    @routes.get(
        "/events.mid",
        summary="Hits of the last minutes as a MIDI file",
        response_class=Response,
        responses={**_FILE, **responses(404, 409)},
    )
    async def recent_events_file(
        since_s: Annotated[float, Query(gt=0, le=HISTORY_S, description="How far back, in s.")] = HISTORY_S,
        track: Annotated[int | None, Query(ge=1, le=MAX_TRACKS, description="Hits of one track.")] = None,
        sink: Annotated[
            NewName | SkipJsonSchema[None],
            Query(description="As this MIDI sink sends them; else with the parameters as controllers from 102 on."),
        ] = None,
    ) -> Response:
        """Write hits as notes, each with the controllers that go before it."""
        timed = [(when, hit) for when, hit in plane.events.history(since_s) if isinstance(hit, HitEvent)]
        hits = [(when, hit) for when, hit in timed if track in (None, hit.track + 1)]
        sinks = [_midi_sink(plane, sink)] if sink is not None else [default_sink(t + 1) for t in _tracks(hits)]
        async with turn:
            content = await asyncio.to_thread(_content, hits, sinks)
        headers = {"Content-Disposition": 'attachment; filename="remapd.mid"'}
        return Response(content, 200, headers, MEDIA_TYPE)

    return routes


def _midi_sink(plane: Plane, identity: str) -> MidiSink:
    known = [entry.sink.id for entry in plane.sinks.list]
    if identity not in known:
        raise not_found("sink", identity, known)
    sink = plane.sinks.list.entry(identity).sink
    if not isinstance(sink, MidiSink):
        raise RefusalError(409, f"sink {identity} sends no MIDI", "sink", "a MIDI sink", identity)
    return sink


def _tracks(hits: Sequence[tuple[float, HitEvent]]) -> list[int]:
    return sorted({hit.track for _, hit in hits})


def _content(hits: Sequence[tuple[float, HitEvent]], sinks: Sequence[MidiSink]) -> bytes:
    from remapd.offline.midi_file import midi_file

    return midi_file(in_time(hits), sinks)


def in_time(hits: Sequence[tuple[float, HitEvent]]) -> list[tuple[float, HitEvent]]:
    """Hits with the time of their notes in s since the first; the clock counts on where another engine begins anew.

    Parameters
    ----------
    hits : sequence of (float, HitEvent)
        With the time at which each was read, which serves where the clock of one is not known.
    """
    has_clock = all(hit.onset_ns for _, hit in hits)
    times_s = [1e-9 * hit.onset_ns + hit.trigger_s - hit.onset_s if has_clock else read_s for read_s, hit in hits]
    first_s = min(times_s, default=0.0)
    return [(time_s - first_s, hit) for time_s, (_, hit) in zip(times_s, hits, strict=True)]
