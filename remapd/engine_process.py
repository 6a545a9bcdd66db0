"""The engine's own process: attaches the shared block, opens the device, plays, and runs next to no Python meanwhile.

It reads one line of JSON from its standard input (see `Spec`) and then nothing more: when that pipe closes, because the
parent closed it or died, the engine fades out and ends. On standard output it reports lines of JSON; how it ended is
its exit status.
"""

from __future__ import annotations

import contextlib
import enum
import faulthandler
import gc
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from remapd.audio import portaudio_library
from remapd.audio.backend import Backend, StreamInfo, StreamSettings
from remapd.audio.factory import make_backend
from remapd.audio.priority import has_realtime_thread, lock_memory
from remapd.errors import DeviceError, RemapdError

if TYPE_CHECKING:
    from remapd.engine.engine import Engine

#: How often the device is looked at while it plays.
WATCH_PERIOD_S = 0.1
#: A device that has asked for no block for this long is lost.
STALL_S = 1.0
#: Time that a device has for its first block.
FIRST_BLOCK_S = 5.0
_FIRST_BLOCK_POLL_S = 0.002
#: Time for voices to fade before the stream stops: the ramp and a few blocks.
_FADE_S = 0.03
#: Time after which a driver that does not let go is left to the system.
_FORCED_EXIT_S = 0.7
#: Compiling for less than this is not worth a word.
_LONG_COMPILATION_S = 4.0


class Ending(enum.IntEnum):
    """How an engine process ended; its exit status. Any other status is a crash."""

    STOPPED = 0
    FINISHED = 10
    DEVICE_UNAVAILABLE = 11
    DEVICE_LOST = 12
    REFUSED = 13


@dataclass(frozen=True, slots=True)
class Spec:
    """What an engine process is told when it starts.

    Parameters
    ----------
    block : str
        Path of the shared block, which holds the wanted state.
    stream : StreamSettings
        The device.
    """

    block: str
    stream: StreamSettings

    def to_json(self) -> str:
        """One line."""
        return json.dumps({"block": self.block, "stream": self.stream.as_dict()})

    @classmethod
    def from_json(cls, line: str) -> Spec:
        """The specification that a parent sent."""
        values = json.loads(line)
        return cls(values["block"], StreamSettings.from_dict(values["stream"]))


@dataclass(frozen=True, slots=True)
class Playing:
    """What an engine process reports once the device asks for sound."""

    stream: StreamInfo
    block_frames: int
    realtime: bool
    memory_locked: bool

    def to_json(self) -> str:
        """One line."""
        return json.dumps({"playing": asdict(self)})

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Playing:
        """The report as it came."""
        return cls(**{**values, "stream": StreamInfo(**values["stream"])})


class StallWatch:
    """Notices that a counter no longer moves.

    Parameters
    ----------
    patience_s : float
        Longest time without a change.
    now_s : float
        Time of the start.
    """

    def __init__(self, patience_s: float, now_s: float) -> None:
        self._patience_s, self._since_s = patience_s, now_s
        self._count: int | None = None

    def is_stalled(self, count: int, now_s: float) -> bool:
        """Whether `count` has been the same for too long at time `now_s`."""
        if count != self._count:
            self._count, self._since_s = count, now_s
        return now_s - self._since_s > self._patience_s


class EngineProcess:
    """One engine on one device.

    Parameters
    ----------
    spec : Spec
        What to attach and open.
    tell : callable
        Takes each report for the parent, a line of JSON.
    stop : threading.Event
        Set when it is time to end.
    """

    def __init__(self, spec: Spec, tell: Callable[[str], None], stop: threading.Event) -> None:
        self._spec, self._tell, self._stop = spec, tell, stop

    def run(self) -> Ending:
        """Play until the end, whatever brings it.

        Raises
        ------
        DeviceError
            If the device cannot be opened or never asks for sound.
        RemapdError
            If anything else that was asked for cannot be had.
        """
        from remapd.engine.engine import Engine
        from remapd.engine.shared import SharedBlock

        calm = announce_compilation(self._tell)
        backend = make_backend(self._spec.stream)
        stream = backend.negotiate()
        channels = stream.input_channels, stream.output_channels
        engine = Engine(stream.sample_rate or 0.0, *channels, tracks=None, shared=SharedBlock.attach(self._spec.block))
        engine.warm_up()
        info = backend.open(engine.callback_address, engine.userdata_address)
        memory_locked = lock_memory()
        calm_python()
        engine.mark_running(True)
        calm.set()
        self._start(backend, engine)
        playing = Playing(info, engine.status().block_frames, has_realtime_thread(), memory_locked)
        self._tell(playing.to_json())
        ending = self._watch(backend, engine)
        self._end(backend, engine, ending)
        return ending

    def _start(self, backend: Backend, engine: Engine) -> None:
        """Start the stream and wait for its first block."""
        callbacks = _callbacks(engine)
        deadline = time.monotonic() + FIRST_BLOCK_S
        backend.start()
        while _callbacks(engine) == callbacks and not self._stop.is_set():
            if fault := backend.failure():
                raise DeviceError(fault)
            if time.monotonic() > deadline:
                raise DeviceError("the device was opened but asks for no sound")
            time.sleep(_FIRST_BLOCK_POLL_S)

    def _watch(self, backend: Backend, engine: Engine) -> Ending:
        """Wait for the end; wakes a few times a second to see whether the device still plays."""
        stall = StallWatch(STALL_S, time.monotonic())
        while not self._stop.wait(WATCH_PERIOD_S):
            if backend.finished:
                return Ending.FINISHED
            fault = backend.failure()
            if fault is None and stall.is_stalled(_callbacks(engine), time.monotonic()):
                fault = "the device asks for no more sound"
            if fault:
                self._tell(json.dumps({"fault": fault}))
                return Ending.DEVICE_LOST
        return Ending.STOPPED

    def _end(self, backend: Backend, engine: Engine, ending: Ending) -> None:
        if ending is Ending.STOPPED:
            engine.fade_out()
            time.sleep(_FADE_S)
        if ending is not Ending.DEVICE_LOST:  # Closing a stream whose device is gone can hang.
            backend.close()
        engine.mark_running(False)


def _callbacks(engine: Engine) -> int:
    return int(engine.shared.record["status"]["callbacks"])


def announce_compilation(tell: Callable[[str], None]) -> threading.Event:
    """Report once if compiling what is not in the cache takes long; nothing any more once the event is set."""
    from numba.core import event

    done = threading.Event()

    def tell_later() -> None:
        if not done.wait(_LONG_COMPILATION_S):
            tell(json.dumps({"compiling": True}))

    class Listener(event.Listener):  # type: ignore[misc]
        told = False

        def on_start(self, event: Any) -> None:
            if not self.told:
                threading.Thread(target=tell_later, daemon=True).start()
            self.told = True

        def on_end(self, event: Any) -> None:
            """Nobody asks."""

    event.register("numba:compile", Listener())
    return done


def calm_python() -> None:
    """Leave Python nothing to do while the engine plays: what exists now is never collected."""
    gc.collect()
    gc.freeze()
    gc.disable()


def main() -> None:
    """Run the engine that standard input describes; never returns."""
    faulthandler.enable()
    tell = _reporter()
    stop = threading.Event()
    # Ctrl-C reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    spec = Spec.from_json(sys.stdin.readline())
    threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    threading.Thread(target=_guard_stop, args=(stop,), daemon=True).start()
    try:
        ending = EngineProcess(spec, tell, stop).run()
    except RemapdError as error:
        tell(json.dumps({"fault": str(error)}))
        ending = Ending.DEVICE_UNAVAILABLE if isinstance(error, DeviceError) else Ending.REFUSED
    _leave(ending)


def _leave(ending: Ending) -> None:
    """End the process without Python's own goodbyes, which take long."""
    if ending is not Ending.DEVICE_LOST:
        # A server may wait for a client that went without a word; but one that is gone must not be waited for.
        threading.Thread(target=_leave_by_force, args=(ending,), daemon=True).start()
        portaudio_library.unload()
    os._exit(ending)


def _reporter() -> Callable[[str], None]:
    """Take standard output for reports alone; what libraries print there goes to standard error."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(line: str) -> None:
        with contextlib.suppress(OSError):  # The parent may be gone; the closed pipe says so elsewhere.
            report.write(line + "\n")
            report.flush()

    return tell


def _stop_with_parent(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _guard_stop(stop: threading.Event) -> None:
    """End the process if it is still compiling when it is told to stop, or if a driver does not let go."""
    stop.wait()
    _leave_by_force(Ending.STOPPED)


def _leave_by_force(ending: Ending) -> None:
    time.sleep(_FORCED_EXIT_S)
    os._exit(ending)


if __name__ == "__main__":
    main()
