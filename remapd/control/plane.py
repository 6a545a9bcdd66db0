"""Everything that runs in the control process, for front ends that show and change it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from remapd.control.bulletin import Bulletin
    from remapd.control.controller import Controller
    from remapd.control.events import EventHub
    from remapd.control.host import EngineHost
    from remapd.control.http.server import HttpServer
    from remapd.control.hub import ChangeHub
    from remapd.control.jobs.training_jobs import TrainingJobs
    from remapd.control.midi.service import MidiInput
    from remapd.control.osc.server import OscServer
    from remapd.control.recordings.recordings import Recordings
    from remapd.control.settings.config import Config
    from remapd.control.settings.directories import Directories
    from remapd.control.sinks.service import Sinks
    from remapd.control.store.library import Library
    from remapd.control.store.sessions import SessionStore
    from remapd.control.watching.feed import Feed
    from remapd.control.watching.logs import Logs
    from remapd.control.watching.metrics import Metrics
    from remapd.engine.status import EngineStatus


@dataclass
class Plane:
    """The parts of the control process; each front end takes what it needs.

    Attributes
    ----------
    status : callable
        Gives the engine's meters and counts.
    http : HttpServer or None
        Knows the port that is really listened on, once it is.
    """

    config: Config
    directories: Directories
    controller: Controller
    host: EngineHost
    bulletin: Bulletin
    events: EventHub
    library: Library
    status: Callable[[], EngineStatus]
    feed: Feed
    logs: Logs
    metrics: Metrics
    sessions: SessionStore
    recordings: Recordings
    jobs: TrainingJobs
    midi: MidiInput
    osc: OscServer
    sinks: Sinks
    http: HttpServer | None = None

    @property
    def hub(self) -> ChangeHub:
        """Tells of changes."""
        return self.controller.hub
