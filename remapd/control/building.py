"""Builds the parts of the control process and puts them together; nothing runs yet."""

from __future__ import annotations

import asyncio
from typing import TextIO

from remapd.control.bulletin import Bulletin
from remapd.control.controller import Controller
from remapd.control.events import EventHub
from remapd.control.host import EngineHost
from remapd.control.jobs.limits import JobLimits
from remapd.control.jobs.training_jobs import TrainingJobs
from remapd.control.midi.service import MidiInput
from remapd.control.osc.server import OscServer
from remapd.control.plane import Plane
from remapd.control.recordings.limits import RecordingLimits
from remapd.control.recordings.recordings import Recordings
from remapd.control.settings.config import Config
from remapd.control.settings.directories import Directories
from remapd.control.sinks.service import Sinks
from remapd.control.store.library import Library
from remapd.control.store.sessions import SessionStore
from remapd.control.watching.feed import Feed
from remapd.control.watching.logs import Logs
from remapd.control.watching.metrics import Metrics
from remapd.engine.control import EngineControl


def build_plane(
    config: Config,
    directories: Directories,
    engine: EngineControl,
    host: EngineHost,
    log_stream: TextIO | None = None,
) -> Plane:
    """Build everything for a config.

    Parameters
    ----------
    config : Config
        What it shall be.
    directories : Directories
        Where its files are.
    engine : EngineControl
        The engine's shared block.
    host : EngineHost
        Keeps the engine process alive.
    log_stream : text stream, optional
        Where log lines go; standard error by default.
    """
    bulletin = Bulletin()
    library = Library(directories.models)
    sessions = SessionStore(directories.sessions)
    controller = Controller(engine, host, library, bulletin, config.osc.load_models)
    logs = Logs(config.log.level, config.log.format, log_stream)
    controller.followers["/log_level"] = lambda level: logs.set_level(str(level))
    events = EventHub(engine.shared.record)
    recordings = Recordings(directories.recordings, host, bulletin, RecordingLimits(**config.recordings))
    midi = config.midi
    return Plane(
        config=config,
        directories=directories,
        controller=controller,
        host=host,
        bulletin=bulletin,
        events=events,
        library=library,
        status=engine.status,
        feed=Feed(events, bulletin, controller.hub, engine.status, lambda: host.playing),
        logs=logs,
        metrics=Metrics(engine.status, host, events),
        sessions=sessions,
        recordings=recordings,
        jobs=TrainingJobs(directories.jobs, recordings.store, library, bulletin, JobLimits(**config.jobs)),
        midi=MidiInput(controller, bulletin, midi.enabled, midi.virtual_port, midi.ports, _Shelf(sessions, controller)),
        osc=OscServer(controller, config.osc),
        sinks=Sinks(controller, bulletin, host, events, directories.sinks_file),
    )


class _Shelf:
    """Sessions as a Program Change chooses them."""

    def __init__(self, sessions: SessionStore, controller: Controller) -> None:
        self._sessions, self._controller = sessions, controller

    async def names(self) -> list[str]:
        return list(await asyncio.to_thread(self._sessions.entries))

    async def load(self, name: str) -> None:
        await self._controller.restore(await asyncio.to_thread(self._sessions.load, name), "midi")
