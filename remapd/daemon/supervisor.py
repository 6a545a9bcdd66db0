"""Keeps an engine process alive: starts it again after a crash, and with back-off until its device is back."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Sequence

from remapd.daemon.child import ENGINE_COMMAND, EngineChild
from remapd.engine_process import Ending, Playing, Spec
from remapd.errors import DeviceError, RemapdError

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 5.0
#: After playing for this long a new fault counts as the first.
STEADY_S = 10.0
#: Crashes in a row, without ever having played, after which there is no use in trying again.
CRASHES_AT_START = 3


class Backoff:
    """How long to wait before the next try: nothing after a first crash, then ever longer."""

    def __init__(self) -> None:
        self._failures = 0

    def delay_s(self, crashed: bool, played_s: float) -> float:
        """Delay in seconds after an engine that played for `played_s` and then crashed, or lost its device."""
        if played_s >= STEADY_S:
            self._failures = 0
        step = self._failures - crashed
        self._failures += 1
        return 0.0 if step < 0 else float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(step, 16)))


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

    Attributes
    ----------
    playing : Playing or None
        What the engine reported, while it plays.
    block_frames : int
        Frames of a block, 0 as long as no engine has played.
    failure : RemapdError or None
        Why there is no hope.
    """

    def __init__(
        self,
        spec: Spec,
        notice: Callable[[str], None],
        on_death: Callable[[], None] = lambda: None,
        wait_for_device: bool = False,
        command: Sequence[str] = ENGINE_COMMAND,
    ) -> None:
        self._spec, self._notice, self._on_death, self._command = spec, notice, on_death, command
        self._patient = wait_for_device
        self._child: EngineChild | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._has_played = self._has_told = False
        self._crashes = 0
        self.playing: Playing | None = None
        self.block_frames = 0
        self.failure: RemapdError | None = None

    def start(self) -> None:
        """Start the engine process and return at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the engine process, and return when it has ended."""
        self._stopping.set()
        with self._lock:
            child = self._child
        if child is not None:
            child.stop()
        if self._thread.is_alive():
            self._thread.join()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of it all; False if the time was too short."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def engine_pid(self) -> int | None:
        """Number of the engine's process, if there is one."""
        child = self._child
        return child.process.pid if child is not None else None

    def _supervise(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            status, fault, played_s = self._run_engine()
            if self._stopping.is_set() or not self._goes_on(status, fault):
                return
            crashed = status not in (Ending.DEVICE_LOST, Ending.DEVICE_UNAVAILABLE)
            self._stopping.wait(backoff.delay_s(crashed, played_s))

    def _run_engine(self) -> tuple[int, str, float]:
        """One engine process: its exit status, its own words, and for how long it played."""
        with self._lock:
            if self._stopping.is_set():
                return Ending.STOPPED, "", 0.0
            child = self._child = EngineChild(self._spec, self._command)
        fault, since = "", time.monotonic()
        for report in child.reports():
            fault = report.get("fault", fault)
            if "compiling" in report:
                self._notice("compiling the engine; this can take a minute, and happens once")
            if "playing" in report:
                since = time.monotonic()
                self._begin_to_play(Playing.from_values(report["playing"]))
        status = child.end()
        played_s = time.monotonic() - since if self.playing else 0.0
        self._child = self.playing = None
        self._on_death()
        return status, fault or child.last_words(), played_s

    def _begin_to_play(self, playing: Playing) -> None:
        stream = playing.stream
        way = f"{stream.input_name} -> {stream.output_name}"
        again = " again" if self._has_played else ""
        self._notice(f"playing{again}: {way}, {stream.sample_rate:g} Hz, blocks of {playing.block_frames} frames")
        self._has_played, self._has_told = True, False
        self.playing, self.block_frames = playing, stream.block_size or playing.block_frames

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
            self._notice(_trouble(status, fault))
        self._has_told = True
        return True

    def _hopeless(self, status: int, fault: str) -> RemapdError | None:
        """An error if an engine that never played will not do so either when it is tried again."""
        if status == Ending.DEVICE_UNAVAILABLE and not self._patient:
            return DeviceError(fault)
        if self._crashes >= CRASHES_AT_START:
            return RemapdError(f"the engine cannot start ({_death(status)}): {fault}")
        return None


def _trouble(status: int, fault: str) -> str:
    if status in (Ending.DEVICE_LOST, Ending.DEVICE_UNAVAILABLE):
        return f"no audio: {fault}; trying again until it is back"
    return f"the engine {_death(status)}; starting it again"


def _death(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"
