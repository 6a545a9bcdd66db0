"""The control plane as a whole: its parts are built once, start in their order and stop in reverse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from remapd.control.discovery.announcements import Endpoint, http_endpoints, osc_endpoints
from remapd.control.discovery.discovery import Discovery
from remapd.control.engine_news import EngineNews
from remapd.control.http.front import make_server
from remapd.control.plane import Plane
from remapd.control.store.autosave import Autosave
from remapd.control.store.library_entry import LibraryChange
from remapd.control.store.library_watch import LibraryWatch
from remapd.control.watching.faults import FaultWatch
from remapd.control.watching.figures import register_figures
from remapd.errors import RemapdError

_log = logging.getLogger("remapd.control")


class Part(Protocol):
    """What starts and stops in the loop; `stop` may be called twice, or without a start."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End."""


class ControlService:
    """Runs a plane.

    Parameters
    ----------
    plane : Plane
        Everything, built.
    token : str
        What each request must bring; may be empty where only this machine can send any.
    last : sequence of Part
        What starts when everything else has.
    """

    def __init__(self, plane: Plane, token: str = "", last: Sequence[Part] = ()) -> None:
        self._plane = plane
        self._parts = [*self._in_order(token), *last]
        self._started: list[Part] = []

    async def start(self) -> None:
        """Start all parts; those that serve clients come last.

        Raises
        ------
        RemapdError
            If a part cannot start, such as for a port that is taken; `stop` then ends those before it.
        """
        self._plane.bulletin.attach(asyncio.get_running_loop())
        for part in self._parts:
            self._started.append(part)
            await part.start()

    async def stop(self) -> None:
        """Stop all that was started, the last first."""
        while self._started:
            part = self._started.pop()
            try:
                await part.stop()
            except Exception:
                _log.exception("%s did not stop as it should", type(part).__name__)

    def _in_order(self, token: str) -> list[Part]:
        plane, config = self._plane, self._plane.config
        parts: list[Part] = [
            plane.logs,
            EngineNews(plane.host, plane.controller, plane.bulletin),
            plane.events,
            plane.feed,
            plane.metrics,
            FaultWatch(plane.status, plane.bulletin),
            LibraryWatch(plane.library, plane.bulletin, self._on_library),
            plane.recordings,
            plane.jobs,
        ]
        if config.session.autosave:
            parts.append(self._autosave())
        parts += [plane.sinks, plane.midi, plane.osc]
        discovery = Discovery(self._endpoints, config.discovery.name)
        if config.http.enabled:
            plane.http = make_server(plane, token, [discovery.host_name])
            parts.append(plane.http)
        register_figures(plane)
        return [*parts, discovery] if config.discovery.enabled else parts

    def _autosave(self) -> Autosave:
        plane = self._plane
        autosave = Autosave(plane.directories.session_file, plane.controller.session, plane.hub, plane.bulletin)
        plane.midi.on_change.append(autosave.touch)
        plane.sinks.on_change.append(autosave.touch)
        return autosave

    def _endpoints(self) -> list[Endpoint]:
        http, osc = self._plane.http, self._plane.osc
        served = http_endpoints(http.host, http.port) if http is not None else []
        return [*served, *osc_endpoints(osc.host, osc.udp_port, osc.tcp_port)]

    def _on_library(self, changes: Sequence[LibraryChange]) -> None:
        names = {change.name for change in changes if change.kind == "model" and change.what == "changed"}
        if names:
            self._reloading = asyncio.create_task(self._reload(names))

    async def _reload(self, names: set[str]) -> None:
        try:
            await self._plane.controller.reload(names)
        except RemapdError as error:
            text = f"a model has changed, and the former one plays on: {error}"
            _log.warning("%s", text)
            self._plane.bulletin.post("notice", {"level": "warning", "text": text})
