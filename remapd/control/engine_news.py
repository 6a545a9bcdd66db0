"""What the engine process reports, as news for people and programs and as values of the tree."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from remapd.control.bulletin import Bulletin
from remapd.control.controller import Controller
from remapd.control.device import absent_channels, is_channel
from remapd.control.host import EngineHost
from remapd.control.hub import Subscription
from remapd.control.tree import Value
from remapd.engine_process import Playing

_log = logging.getLogger("remapd.engine")


class EngineNews:
    """Listens to the supervisor and tells, in the loop, when the engine begins or ends to play.

    Parameters
    ----------
    host : EngineHost
        The supervisor.
    controller : Controller
        Shows the device as it is.
    bulletin : Bulletin
        Takes the news: ``device``.
    """

    def __init__(self, host: EngineHost, controller: Controller, bulletin: Bulletin) -> None:
        self._host, self._controller, self._bulletin = host, controller, bulletin
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: dict[str, Any] | None = None
        self._channels: Subscription | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._loop = asyncio.get_running_loop()
        self._host.on_report.append(self._on_report)
        self._channels = self._controller.hub.subscribe(self._tell_silent_tracks, wants=is_channel)

    async def stop(self) -> None:
        """Listen no more."""
        if self._channels is not None:
            self._channels.close()
        if self._on_report in self._host.on_report:
            self._host.on_report.remove(self._on_report)

    def _on_report(self, report: dict[str, Any]) -> None:
        """Called in the supervisor's thread; the loop may be at its end."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._controller.device_changed()
        news = device_news(self._host.playing)
        if news != self._told:
            self._told = news
            _log.info("playing" if news["playing"] else "not playing", extra={"device": news})
            self._bulletin.post("device", news)
            self._tell_silent_tracks(self._controller.values("/track"))

    def _tell_silent_tracks(self, values: Mapping[str, Value]) -> None:
        if self._host.playing is not None:
            for text in absent_channels(values, self._host.playing):
                _log.warning("%s", text)
                self._bulletin.post("notice", {"level": "warning", "text": text})


def device_news(playing: Playing | None) -> dict[str, Any]:
    """What plays, as news has it."""
    if playing is None:
        return {"playing": False}
    stream = playing.stream
    return {
        "playing": True,
        "input": stream.input_name,
        "output": stream.output_name,
        "sample_rate_hz": stream.sample_rate,
        "block_frames": playing.block_frames,
    }
