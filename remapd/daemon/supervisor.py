"""Keeps an engine process alive: starts it again after a crash, and with back-off until its device is back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from remapd.audio.backend import StreamSettings
from remapd.daemon.child import ENGINE_COMMAND, EngineChild
from remapd.daemon.link import EngineLink
from remapd.daemon.retry import Backoff, death, is_crash, is_device_trouble, trouble
from remapd.engine_process import Ending, Playing, Spec
from remapd.errors import DeviceError, RemapdError

#: Crashes in a row, without ever having played, after which there is no use in trying again.
CRASHES_AT_START = 3

#: ``waiting`` is for a device that is absent; ``starting`` also before an engine is tried again after a crash.
State = Literal["starting", "playing", "waiting", "stopped"]

_log = logging.getLogger("remapd.supervisor")


class Supervisor:
    """Keeps an engine process running until it is told to stop, the input ends, or there is no hope.

    Parameters
    ----------
    spec : Spec
        What the engine is told.
    notice : callable
        Takes a line for people whenever the state changes.
    on_death : callable
        Called when an engine process has ended, however it did.
    wait_for_device : bool
        Whether to wait for a device that is absent from the start; otherwise that is an error.
    command : sequence of str
        Program and arguments of the engine process.
    found : EngineLink, optional
        An engine that plays already with this spec, in place of the first one.
    on_start : callable
        Takes the spec and the number of each process that was started.

    Attributes
    ----------
    playing : Playing or None
        What the engine reported, while it plays.
    block_frames : int
        Frames of a block, 0 as long as no engine has played.
    starts : int
        How many engine processes there have been.
    state : {"starting", "playing", "waiting", "stopped"}
        How things stand.
    failure : RemapdError or None
        Why there is no hope.
    on_report : list of callable
        Each is called, in the supervisor's thread, with what the engine process reports, and with ``{"state": ...}``,
        ``{"ended": status}`` and ``{"reopen": {"stream": ..., "error": ...}}`` (empty if it plays there now).
    """

    def __init__(
        self,
        spec: Spec,
        notice: Callable[[str], None],
        on_death: Callable[[], None] = lambda: None,
        wait_for_device: bool = False,
        command: Sequence[str] = ENGINE_COMMAND,
        found: EngineLink | None = None,
        on_start: Callable[[Spec, int], None] = lambda spec, pid: None,
    ) -> None:
        self._spec, self._notice, self._on_death, self._command = spec, notice, on_death, command
        self._patient, self._found, self._on_start = wait_for_device, found, on_start
        self._link: EngineLink | None = None
        self._next: Spec | None = None  # asked for
        self._former: Spec | None = None  # to go back to, until the present one has played
        self._lock = threading.Lock()
        self._stopping, self._leaving, self._hurry = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._has_played = self._has_told = False
        self._crashes = 0
        self.starts = 0
        self.state: State = "starting"
        self.playing: Playing | None = None
        self.block_frames = 0
        self.failure: RemapdError | None = None
        self.on_report: list[Callable[[dict[str, Any]], None]] = []

    # -- from any thread ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the engine process and return at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the engine process, and return when it has ended."""
        link = self._give_up()
        if link is not None:
            link.stop()
        if self._thread.is_alive():
            self._thread.join()

    def leave(self) -> None:
        """Stop supervising, and let an engine that may outlive its parent play on for the next one."""
        self._leaving.set()
        link = self._give_up()
        if link is not None:
            link.leave()

    def _give_up(self) -> EngineLink | None:
        self._stopping.set()
        self._hurry.set()
        with self._lock:
            return self._link

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of it all; False if the time was too short."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def engine_pid(self) -> int | None:
        """Number of the engine's process, if there is one."""
        link = self._link
        return link.pid if link is not None else None

    @property
    def stream(self) -> StreamSettings:
        """The device as it was asked for."""
        return (self._next or self._spec).stream

    def reopen(self, stream: StreamSettings) -> None:
        """Play on another device; on the former one if that cannot be had. Returns at once.

        How it went is told to `on_report`, unless another wish comes before that is known.
        """
        with self._lock:
            self._next = replace(self._spec, stream=stream)
            link = self._link
        self._hurry.set()
        if link is not None:
            self._have_ended(link)

    def _have_ended(self, link: EngineLink) -> None:
        """Have an engine end: asked first and then made to, which takes time."""
        threading.Thread(target=link.stop, name="engine stop", daemon=True).start()

    def order(self, message: Mapping[str, Any]) -> None:
        """Send an order to the engine process; never waits.

        Raises
        ------
        DeviceError
            If there is none, or it does not read.
        """
        link = self._link
        if link is None:
            raise DeviceError("no engine plays at the moment")
        link.order(message)

    # -- in the supervisor's thread ----------------------------------------------------------------------------------

    def _supervise(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            status, fault, played_s = self._run_engine()
            if self._stopping.is_set():
                break
            if self._next is not None or self._goes_back(status, fault):
                self._become("starting")
                continue
            if not self._goes_on(status, fault):
                break
            self._become("waiting" if is_device_trouble(status) else "starting")
            self._hurry.wait(backoff.delay_s(is_crash(status), played_s))
        self._become("stopped")

    def _goes_back(self, status: int, fault: str) -> bool:
        """Turn to the former stream if the present one never played."""
        if self._former is None:
            return False
        refused, self._spec, self._former = self._spec.stream, self._former, None
        fault = fault or f"the engine {death(status)}"
        self._notice(f"cannot play there: {fault}; back to the former device")
        self._report({"reopen": {"stream": refused.as_dict(), "error": fault}})
        return True

    def _new_engine(self) -> EngineChild:
        """An engine with the stream that was asked for, if one was; there is a former one only once one was tried."""
        self._hurry.clear()
        if self._next is not None:
            self._former = self._former or (self._spec if self.starts else None)
            self._spec, self._next = self._next, None
        return EngineChild(self._spec, self._command)

    def _run_engine(self) -> tuple[int, str, float]:
        """One engine process: its exit status, its own words, and for how long it played."""
        with self._lock:
            if self._stopping.is_set():
                return Ending.STOPPED, "", 0.0
            link = self._link = self._found or self._new_engine()
            is_wanted = self._found is None or self._next is None
            self._found = None
        if not is_wanted:
            self._have_ended(link)
        self.starts += 1
        self._on_start(self._spec, link.pid)
        fault, since = "", time.monotonic()
        for report in link.reports():
            fault = report.get("fault", fault)
            if "compiling" in report:
                self._notice("compiling the engine; this can take a minute, and happens once")
            if "playing" in report:
                since = time.monotonic()
                self._begin_to_play(Playing.from_values(report["playing"]))
            self._report(report)
        if self._leaving.is_set():
            return Ending.STOPPED, "", 0.0
        status = link.end()
        played_s = time.monotonic() - since if self.playing else 0.0
        self._link = self.playing = None
        self._on_death()
        self._report({"ended": status})
        return status, fault or link.last_words(), played_s

    def _begin_to_play(self, playing: Playing) -> None:
        stream = playing.stream
        way = f"{stream.input_name} -> {stream.output_name}"
        again = " again" if self._has_played else ""
        self._notice(f"playing{again}: {way}, {stream.sample_rate:g} Hz, blocks of {playing.block_frames} frames")
        self._has_played, self._has_told = True, False
        self.playing, self.block_frames = playing, stream.block_size or playing.block_frames
        self._become("playing")
        if self._former is not None:
            self._former = None
            self._report({"reopen": {"stream": self._spec.stream.as_dict(), "error": ""}})

    def _goes_on(self, status: int, fault: str) -> bool:
        """Whether to try again after an engine ended; says why, once for each spell of trouble."""
        if status == Ending.FINISHED:
            return False
        self._crashes += status not in set(Ending)
        if not self._has_played and (failure := self._hopeless(status, fault)):
            self.failure = failure
            return False
        if status == Ending.REFUSED:
            self.failure = RemapdError(fault)
            return False
        if not self._has_told:
            self._notice(trouble(status, fault))
        self._has_told = True
        return True

    def _hopeless(self, status: int, fault: str) -> RemapdError | None:
        """An error if an engine that never played will not do so either when it is tried again."""
        if status == Ending.DEVICE_UNAVAILABLE and not self._patient:
            return DeviceError(fault)
        if self._crashes >= CRASHES_AT_START:
            return RemapdError(f"the engine cannot start ({death(status)}): {fault}")
        return None

    def _become(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._report({"state": state})

    def _report(self, report: dict[str, Any]) -> None:
        for reader in list(self.on_report):
            try:
                reader(report)
            except Exception:  # A fault of one reader must not end the supervision.
                _log.exception("a report of the engine was not understood: %s", ", ".join(report))
