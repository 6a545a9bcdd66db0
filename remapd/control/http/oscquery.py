"""``/`` and ``/remapd/...``: the tree as OSCQuery has it, and a WebSocket that takes and gives OSC."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, WebSocket
from starlette.responses import RedirectResponse, Response

from remapd.control.discovery.announcements import instance_name
from remapd.control.http.policy import PAGE
from remapd.control.http.problems import from_field_error, not_found
from remapd.control.http.security import SUBPROTOCOL
from remapd.control.http.tree_reader import choices_for
from remapd.control.osc.addresses import ROOT
from remapd.control.osc.limits import TokenBucket
from remapd.control.oscquery.audience import Audience
from remapd.control.oscquery.host_info import host_info
from remapd.control.oscquery.listener import Listener
from remapd.control.oscquery.namespace import HOST_INFO, HTML, Namespace, names_of_query
from remapd.errors import FieldError
from remapd.osc.encoding import encode

if TYPE_CHECKING:
    from remapd.control.plane import Plane

#: A client may say LISTEN for every address there is when it begins.
_COMMANDS_HZ, _COMMANDS_AT_ONCE = 1000.0, 10000.0
_ERRORS_HZ = 10.0
_NOT_ALLOWED = 1008


def router(plane: Plane) -> APIRouter:
    """Routes at the root."""
    routes = APIRouter(include_in_schema=False)
    namespace = Namespace(plane.controller, lambda controls: choices_for(plane, controls))
    audience = Audience(plane.controller, plane.bulletin)
    plane.metrics.level("remapd_oscquery_listeners", "WebSockets of OSCQuery.", lambda: len(audience))
    plane.metrics.count("remapd_oscquery_dropped", "Answers that were not read in time.", lambda: audience.dropped)

    @routes.get("/")
    @routes.get(ROOT)
    @routes.get(ROOT + "/{rest:path}")
    async def query(request: Request) -> Response:
        return await _answer(plane, namespace, request.scope["path"], request.url.query)

    @routes.websocket("/")
    async def listen(socket: WebSocket) -> None:
        offered = socket.scope.get("subprotocols", ())
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        listener = audience.join()
        sender = asyncio.create_task(_send(socket, listener))
        try:
            await _hear(plane, socket, listener)
        finally:
            audience.leave(listener)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    return routes


async def _answer(plane: Plane, namespace: Namespace, address: str, query: str) -> Response:
    try:
        names = names_of_query(query) if query else []
    except FieldError as error:
        raise from_field_error(error, 400) from None
    if not namespace.has(address):
        raise not_found("address", address)
    if HTML in names:
        return RedirectResponse(PAGE)
    if HOST_INFO in names:
        return _json(json.dumps(_host_info(plane)))
    if names:
        found = await namespace.attributes(address, names)
        return _json(json.dumps(found)) if found else Response(status_code=204)
    node = await namespace.node(address)
    if node is None:  # It went in the meantime.
        raise not_found("address", address)
    return _json(node)


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def _host_info(plane: Plane) -> dict[str, Any]:
    name = instance_name(plane.config.discovery.name, sockets.gethostname())
    return host_info(name, plane.osc.host, plane.osc.udp_port, plane.osc.tcp_port)


async def _send(socket: WebSocket, listener: Listener) -> None:
    """Send what comes, as fast as the client reads."""
    while True:
        for frame in await listener.frames():
            if isinstance(frame, bytes):
                await socket.send_bytes(frame)
            else:
                await socket.send_text(frame)
        await asyncio.sleep(0)  # Others have their turn, however much waits.


async def _hear(plane: Plane, socket: WebSocket, listener: Listener) -> None:
    """Do what the client says until it leaves: texts are commands, bytes are OSC."""
    commands, errors = TokenBucket(_COMMANDS_HZ, _COMMANDS_AT_ONCE), TokenBucket(_ERRORS_HZ, _ERRORS_HZ)
    while (message := await socket.receive())["type"] == "websocket.receive":
        if (data := message.get("bytes")) is not None:
            plane.osc.receive(data, listener, listener.answer)
        elif not commands.take():
            await socket.close(_NOT_ALLOWED)
            return
        else:
            _command(plane, listener, message["text"], errors)


def _command(plane: Plane, listener: Listener, text: str, errors: TokenBucket) -> None:
    """Begin or end to listen; what is listened to is told at once as it is."""
    try:
        path = listener.command(text)
    except FieldError as error:
        if errors.take():
            listener.answer(encode(f"{ROOT}/error", [error.field, str(error)]))
        return
    if path is not None:
        listener.take_values(plane.controller.values(path))
