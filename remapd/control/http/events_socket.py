"""``/events``: a WebSocket on which everything that happens is told as it happens."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

import remapd
from remapd.control.http.limits import RateLimiter
from remapd.control.http.security import SUBPROTOCOL
from remapd.control.watching.feed import RATE, Watcher
from remapd.control.watching.messages import TOPICS
from remapd.control.watching.outbox import encode
from remapd.errors import BusyError, FieldError, RemapdError
from remapd.fields import checked_object, parsed_json, shown

if TYPE_CHECKING:
    from remapd.control.plane import Plane

DEFAULT_TOPICS = frozenset({"hits"})
#: A client may change its mind so often.
_CHOICES_HZ, _CHOICES_AT_ONCE = 10.0, 50.0
#: Codes with which a WebSocket is closed.
_NOT_ALLOWED, _TRY_AGAIN = 1008, 1013

Choice = tuple[frozenset[str], float]


def router(plane: Plane) -> APIRouter:
    """Route of the WebSocket."""
    routes = APIRouter()

    @routes.websocket("/events")
    async def events(socket: WebSocket) -> None:
        offered = socket.scope.get("subprotocols", ())
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        with contextlib.suppress(WebSocketDisconnect):
            await _serve(plane, socket)

    return routes


async def _serve(plane: Plane, socket: WebSocket) -> None:
    try:
        choice = choice_of_query(socket.query_params.multi_items())
        watcher = plane.feed.watch(*choice)
    except RemapdError as error:
        await socket.send_text(error_message(error))
        await socket.close(_TRY_AGAIN if isinstance(error, BusyError) else _NOT_ALLOWED)
        return
    sender = asyncio.create_task(_send(socket, watcher, plane.controller.revision))
    try:
        await _hear(socket, watcher)
    finally:
        watcher.close()
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _send(socket: WebSocket, watcher: Watcher, revision: int) -> None:
    """Greet, and then send what comes, as fast as the client reads."""
    hello = {"type": "hello", "client": watcher.name, "version": remapd.__version__, "revision": revision}
    await socket.send_text(encode({**hello, **_chosen(watcher)}))
    while True:
        await socket.send_text(await watcher.outbox.take())


async def _hear(socket: WebSocket, watcher: Watcher) -> None:
    """Take the client's choices until it leaves."""
    limiter = RateLimiter(_CHOICES_HZ, _CHOICES_AT_ONCE)
    while (message := await socket.receive())["type"] == "websocket.receive":
        if limiter.wait_s("") > 0.0:
            await socket.close(_NOT_ALLOWED)
            return
        try:
            watcher.choose(*choice_of_message(message.get("text"), (watcher.topics, watcher.rate_hz)))
            watcher.outbox.tell(encode({"type": "chosen", **_chosen(watcher)}))
        except RemapdError as error:
            watcher.outbox.tell(error_message(error))


def _chosen(watcher: Watcher) -> dict[str, object]:
    return {"topics": [topic for topic in TOPICS if topic in watcher.topics], "rate_hz": watcher.rate_hz}


def choice_of_query(pairs: list[tuple[str, str]]) -> Choice:
    """Topics and rate of a query such as ``topics=hits,meters&rate_hz=30``.

    Raises
    ------
    FieldError
        If there is anything else, or a value does not fit.
    """
    document: dict[str, object] = {}
    for name, text in pairs:
        document[name] = text.split(",") if name == "topics" else _number(text)
    return _checked(document, (DEFAULT_TOPICS, RATE.default))


def choice_of_message(text: str | None, present: Choice) -> Choice:
    """Topics and rate of a message such as ``{"topics": ["hits"], "rate_hz": 30}``; what it leaves out stays.

    Raises
    ------
    FieldError
        If it is no such object, or a value does not fit.
    """
    try:
        document = parsed_json(text or "")
    except ValueError as error:
        raise FieldError("message", "a JSON object", str(error)) from None
    return _checked(document, present)


def error_message(error: RemapdError) -> str:
    """What a client is told whose choice does not fit."""
    message: dict[str, object] = {"type": "error", "detail": str(error)}
    if isinstance(error, FieldError):
        message |= {"field": error.field, "expected": error.expected, "got": shown(str(error.got))}
    return encode(message)


def _checked(document: object, present: Choice) -> Choice:
    members = checked_object(document, "message")
    for name in members:
        if name not in ("topics", RATE.name):
            raise FieldError("message", f"only topics and {RATE.name}", name)
    topics = _checked_topics(members["topics"]) if "topics" in members else present[0]
    rate_hz = RATE.check(members[RATE.name]) if RATE.name in members else present[1]
    return topics, rate_hz


def _checked_topics(topics: object) -> frozenset[str]:
    if not isinstance(topics, list):
        raise FieldError("topics", f"a list of {', '.join(TOPICS)}", topics)
    for topic in topics:
        if not isinstance(topic, str) or topic not in TOPICS:
            raise FieldError("topics", f"only {', '.join(TOPICS)}", topic)
    return frozenset(topics)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
