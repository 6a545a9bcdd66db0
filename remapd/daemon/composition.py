"""The composition root: builds the shared block, its control and the supervisor, and takes them down in reverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from remapd.audio.backend import StreamSettings
from remapd.daemon.supervisor import Supervisor
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Spec


class Daemon:
    """Everything that runs: built in order, stopped in reverse. A context manager.

    Parameters
    ----------
    stream : StreamSettings
        The device.
    tracks : list of TrackSetup
        What it plays.
    notice : callable
        Takes lines for people.
    wait_for_device : bool
        Whether to wait for a device that is absent from the start.

    Attributes
    ----------
    control : EngineControl
        Sets and watches the engine, whichever process it is in at the moment.
    supervisor : Supervisor
        Keeps the engine process alive.
    """

    def __init__(
        self,
        stream: StreamSettings,
        tracks: list[TrackSetup],
        notice: Callable[[str], None],
        wait_for_device: bool = False,
    ) -> None:
        self._shared = SharedBlock.create()
        self.control = EngineControl(self._shared)
        try:
            self.control.set_up(tracks)
        except BaseException:
            self._shared.close()
            raise
        spec = Spec(str(self._shared.path), stream)
        self.supervisor = Supervisor(spec, notice, lambda: self.control.mark_running(False), wait_for_device)

    def __enter__(self) -> Self:
        self.supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.supervisor.stop()
        self._shared.close()
