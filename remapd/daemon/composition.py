"""The composition root: builds shared block, supervisor and control plane, and takes them down in reverse."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Self, TextIO

from remapd.audio.backend import StreamSettings
from remapd.control.building import build_plane
from remapd.control.config import Config
from remapd.control.controller import Controller
from remapd.control.device import changed_stream
from remapd.control.http.policy import is_loopback
from remapd.control.loop_thread import LoopThread
from remapd.control.plans import plan_once
from remapd.control.service import ControlService
from remapd.control.session_files import read_with_backup
from remapd.control.token import http_token
from remapd.daemon.run_marker import RunMarker
from remapd.daemon.startup import Flags, starting_values
from remapd.daemon.supervisor import Supervisor
from remapd.engine.control import EngineControl
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Spec
from remapd.errors import StorageError

_log = logging.getLogger("remapd.daemon")

_BACKEND = "/device/backend"


class Daemon:
    """Everything that runs: built in order, stopped in reverse. A context manager.

    Parameters
    ----------
    config : Config
        What the config says.
    flags : Flags
        What the command line says of what is played.
    fixed : mapping
        Settings of the stream that are no controls: what a virtual device hears, output channels.
    notice : callable
        Takes lines for people.
    wait_for_device : bool
        Whether to wait for a device that is absent from the start.
    fresh : bool
        Whether to leave what was set before alone.
    log_stream : text stream, optional
        Where the log goes; standard error by default.

    Attributes
    ----------
    control : EngineControl
        Watches the engine, whichever process it is in at the moment; only the loop's thread changes it.
    supervisor : Supervisor
        Keeps the engine process alive.
    plane : Plane
        The parts of the control plane; only the loop's thread may touch them.

    Raises
    ------
    RemapdError
        If something that was asked for cannot be had.
    """

    def __init__(
        self,
        config: Config,
        flags: Flags | None = None,
        fixed: Mapping[str, Any] | None = None,
        notice: Callable[[str], None] = lambda line: None,
        wait_for_device: bool = False,
        fresh: bool = False,
        log_stream: TextIO | None = None,
    ) -> None:
        self._notice = notice
        directories = config.directories()
        notes: list[str] = []
        with ExitStack() as built:
            resumes = False
            try:
                directories.make()
                marker = RunMarker(directories.state / "running")
                built.callback(marker.close)
                resumes = marker.was_left
            except StorageError as error:
                notes.append(f"nothing can be kept: {error}")
            document, more = self._document(config, flags or Flags(), fresh, resumes)
            notes += more
            stream = _stream(document["values"], fixed or {})
            self._shared = SharedBlock.create()
            built.callback(self._shared.close)
            self.control = EngineControl(self._shared)
            spec = Spec(str(self._shared.path), stream)
            self.supervisor = Supervisor(spec, self._tell, lambda: self.control.mark_running(False), wait_for_device)
            self.plane = build_plane(config, directories, self.control, self.supervisor, log_stream)
            notes += self.controller.begin(document)
            token = http_token(config.http, directories.token_file)
            self.plane.logs.secrets.add(token)
            self._loop = LoopThread(ControlService(self.plane, token))
            self._built = built.pop_all()
        for note in notes:
            self._tell(note)

    def __enter__(self) -> Self:
        try:
            self._loop.start()
        except BaseException:
            self._built.close()
            raise
        self._tell_addresses()
        self.supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._built.close()

    def stop(self) -> None:
        """End everything: those who are served first, so that a recording is completed, then the engine."""
        self._loop.stop()
        self.supervisor.stop()

    @property
    def controller(self) -> Controller:
        """Changes what is played; only in the loop's thread."""
        return self.plane.controller

    @property
    def tracks(self) -> int:
        """How many tracks there are at the moment."""
        return self.controller.tracks

    @property
    def title(self) -> str:
        """What plays, in a word."""
        return self.controller.sound(1).model.name

    def set(self, changes: Mapping[str, object]) -> None:
        """Change values by path, from any thread.

        Raises
        ------
        RemapdError
            If something does not fit; then nothing is changed.
        """
        self._loop.run(self.controller.change(changes))

    def _document(self, config: Config, flags: Flags, fresh: bool, resumes: bool) -> tuple[dict[str, Any], list[str]]:
        """The session to start with, and what had to be told of it."""
        found: dict[str, Any] = {}
        notes: list[str] = []
        if config.session.restore and not fresh:
            session, notes = read_with_backup(config.directories().session_file)
            found = dict(session or {})
        before = found.get("values", {})
        if not resumes and isinstance(before, dict) and before.get(_BACKEND) == "virtual":
            # A trial without hardware is no wish for the next time.
            before = {path: value for path, value in before.items() if path != _BACKEND}
        values = starting_values(config.values(), before if isinstance(before, dict) else {}, flags, resumes)
        return {**found, "values": values}, notes

    def _tell(self, line: str) -> None:
        _log.info("%s", line)
        self._notice(line)
        if hasattr(self, "plane"):
            self.plane.bulletin.post_from_thread("notice", {"level": "info", "text": line})

    def _tell_addresses(self) -> None:
        http, osc = self.plane.http, self.plane.osc
        served = [f"page and REST at {http.url}"] if http is not None else []
        if osc.udp_port is not None:
            served.append(f"OSC at {osc.host}:{osc.udp_port}")
        if served:
            self._notice(", ".join(served))
        if http is not None and not is_loopback(http.host):
            self._notice(f"the token that clients need is in {self.plane.directories.token_file}")


def _stream(values: Mapping[str, object], fixed: Mapping[str, Any]) -> StreamSettings:
    """The device that values ask for; what does not fit has its default."""
    once, _ = plan_once({path: value for path, value in values.items() if path.startswith("/device/")}, lenient=True)
    return changed_stream(StreamSettings(backend=str(once[_BACKEND]), **fixed), once)
