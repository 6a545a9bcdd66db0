"""The composition root: builds shared block, supervisor and control plane, and takes them down in reverse."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Self, TextIO

from remapd.control.building import build_plane
from remapd.control.controller import Controller
from remapd.control.device import heard_stream
from remapd.control.loop_thread import LoopThread
from remapd.control.service import ControlService
from remapd.control.settings.config import Config
from remapd.control.settings.directories import Directories
from remapd.control.settings.token import given_token, http_token
from remapd.daemon.adoption import Orphan
from remapd.daemon.beginning import NO_FLAGS, Beginning, find_beginning
from remapd.daemon.engine_file import EngineFile
from remapd.daemon.run_marker import RunMarker
from remapd.daemon.startup import Flags
from remapd.daemon.supervisor import Supervisor
from remapd.daemon.systemd import Progress, ServiceManager, SystemdWatch
from remapd.engine.control import EngineControl
from remapd.engine.shared import SharedBlock
from remapd.errors import StorageError

_log = logging.getLogger("remapd.daemon")


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
    hands_over : bool
        Whether the engine shall play on when all else ends, for the next daemon to take over.

    Raises
    ------
    RemapdError
        If something that was asked for cannot be had.
    """

    def __init__(
        self,
        config: Config,
        flags: Flags = NO_FLAGS,
        fixed: Mapping[str, Any] | None = None,
        notice: Callable[[str], None] = lambda line: None,
        wait_for_device: bool = False,
        fresh: bool = False,
        log_stream: TextIO | None = None,
    ) -> None:
        self._notice, self.hands_over = notice, False
        self._marker: RunMarker | None = None
        directories = config.directories()
        self._engine_file = EngineFile(directories.runtime)
        with ExitStack() as built:
            resumes, notes = self._occupy(directories, built)
            start = find_beginning(config, flags, fixed or {}, fresh, resumes, built)
            self._shared = self._block(start.orphan, built)
            self.control = EngineControl(self._shared)
            self.supervisor = self._make_supervisor(start, config, wait_for_device)
            self.plane = build_plane(config, directories, self.control, self.supervisor, log_stream)
            self.plane.sinks.on_notice.append(notice)
            notes += start.notes + start.take_up(self.controller, self.plane.library, config)
            self.plane.sinks.fix(flags.sinks)
            token, more = self._token(config)
            self._loop = LoopThread(ControlService(self.plane, token, [self._watch_for_manager()]))
            self._takes_over, self._notes = start.orphan is not None, notes + more
            self._stream = heard_stream(start.stream, self.controller.values())
            self._built = built.pop_all()

    def _occupy(self, directories: Directories, built: ExitStack) -> tuple[bool, list[str]]:
        """Make the folders and mark them as in use; tells whether the last daemon here was ended against its will.

        A disk that is full or cannot be written must not keep anybody from playing.
        """
        try:
            directories.make()
            self._marker = RunMarker(directories.state / "running")
        except StorageError as error:
            return False, [f"nothing can be kept: {error}"]
        built.callback(self._marker.leave)
        return self._marker.was_left, []

    def _block(self, orphan: Orphan | None, built: ExitStack) -> SharedBlock:
        """The shared block: that of the engine that plays, or a new one."""
        if orphan is not None:
            return orphan.shared
        shared = SharedBlock.create()
        built.callback(shared.close)
        return shared

    def _make_supervisor(self, start: Beginning, config: Config, wait_for_device: bool) -> Supervisor:
        sinks, orphan = config.directories().sinks_file, start.orphan
        spec = self._engine_file.spec(str(self._shared.path), start.stream, config.engine.orphan_s, str(sinks))
        return Supervisor(
            replace(orphan.spec, orphan_s=spec.orphan_s, sinks=spec.sinks) if orphan is not None else spec,
            self._tell,
            lambda: self.control.mark_running(False),
            wait_for_device,
            found=orphan.link if orphan is not None else None,
            on_start=self._engine_file.write,
        )

    def _token(self, config: Config) -> tuple[str, list[str]]:
        """The token that clients need, empty if they need none, and what has to be told of it."""
        generated = config.directories().token_file
        token = http_token(config.http, generated)
        self.plane.logs.secrets.add(token)
        if token and config.http.enabled and not given_token(config.http):
            return token, [f"the token that clients need is in {generated}"]
        return token, []

    def _watch_for_manager(self) -> SystemdWatch:
        """Signs of life for a service manager, as long as sound is made."""
        progress = Progress(lambda: self.supervisor.state, lambda: int(self._shared.record["status"]["callbacks"]))
        watch = SystemdWatch(ServiceManager(), progress)
        self.supervisor.on_report.append(watch.on_report)
        return watch

    def __enter__(self) -> Self:
        try:
            self._loop.start()
        except BaseException:
            with self._built:
                raise
        for note in self._notes:
            self._tell(note)
        self._tell_addresses()
        self._start_engine()
        return self

    def _start_engine(self) -> None:
        """Start to supervise; an engine that plays on elsewhere than it shall is asked to move when it is found."""
        moves = self.supervisor.stream != self._stream
        if moves and not self._takes_over:
            self.supervisor.reopen(self._stream)
        self.supervisor.start()
        if moves and self._takes_over:
            self.supervisor.reopen(self._stream)

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.hands_over:
            self._shared.leave()
        else:
            self._engine_file.clear()
        self._shared.close()
        if self._marker is not None and self.supervisor.block_frames:
            self._marker.close()
        elif self._marker is not None:
            self._marker.leave()  # No engine ever played.

    def stop(self) -> None:
        """End everything: those who are served first, so that a recording is completed, then the engine."""
        self._loop.stop()
        if self.hands_over:
            self.supervisor.leave()
        else:
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
