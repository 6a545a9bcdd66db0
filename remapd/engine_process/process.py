"""An engine at work: attaches the shared block, opens the device, plays, and runs next to no Python meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from remapd.audio.backend import Backend
from remapd.audio.factory import make_backend
from remapd.audio.priority import has_realtime_thread, lock_memory
from remapd.engine_process.messages import Ending, Playing, Spec
from remapd.engine_process.thread_priority import priority_below_audio
from remapd.errors import DeviceError
from remapd.processes import calm_python

if TYPE_CHECKING:
    from remapd.engine.engine import Engine
    from remapd.engine_process.recorder import Recorder
    from remapd.engine_process.sinks import SinkHost

#: How often the device is looked at while it plays.
WATCH_PERIOD_S = 0.1
#: A device that has asked for no block for this long is lost.
STALL_S = 1.0
#: Time that a device has for its first block.
FIRST_BLOCK_S = 5.0
_FIRST_BLOCK_POLL_S = 0.002
#: Time for voices to fade before the stream stops: the ramp and a few blocks.
_FADE_S = 0.03
#: Time for a recording to be completed.
_LAST_WRITE_S = 0.4
#: Time for receivers and the MIDI process to fall silent.
_SILENCE_S = 0.5
_SINK_ORDERS = frozenset({"sinks", "panic", "test_sink"})
#: Compiling for less than this is not worth a word.
_LONG_COMPILATION_S = 4.0


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
        self._playing: Playing | None = None
        self._recorder: Recorder | None = None
        self._sinks: SinkHost | None = None
        self._plan = spec.sinks

    def obey(self, order: dict[str, Any]) -> None:
        """Do what the parent asks for; called in a thread of its own."""
        if "stop" in order:
            self._stop.set()
        elif "record" in order:
            self._record(order["record"])
        elif "stop_recording" in order:
            if self._recorder is not None:
                self._recorder.stop()
        elif not _SINK_ORDERS.isdisjoint(order):
            self._order_sinks(order)
        else:
            self._tell(json.dumps({"refused": ", ".join(order)[:200]}))

    def _order_sinks(self, order: dict[str, Any]) -> None:
        """Hand an order on; before there is anybody to take it, only the plan to begin with is kept."""
        if "sinks" in order:
            self._plan = str(order["sinks"])
        if self._sinks is not None:
            self._sinks.order(order)

    def _record(self, values: Any) -> None:
        from remapd.engine_process.recorder import RecordingOrder

        try:
            if self._recorder is None:
                raise DeviceError("no device plays yet")
            self._recorder.start(RecordingOrder.from_values(values))
        except Exception as error:  # Whatever it is: the music goes on.
            path = values.get("path") if isinstance(values, dict) else None
            failure = {"path": path, "seconds": 0.0, "dropped_frames": 0, "state": "failed", "error": str(error)}
            self._tell(json.dumps({"recording": failure}))

    def news(self) -> list[str]:
        """What a parent that comes late must be told: what plays and what is recorded."""
        playing = [self._playing.to_json()] if self._playing is not None else []
        recording = self._recorder.last_report() if self._recorder is not None else []
        return playing + recording + (self._sinks.news() if self._sinks is not None else [])

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
        from remapd.engine.wake import Wake
        from remapd.engine_process.sinks import SinkHost

        calm = announce_compilation(self._tell)
        backend = make_backend(self._spec.stream)
        stream = backend.negotiate()
        channels = stream.input_channels, stream.output_channels
        engine = Engine(stream.sample_rate or 0.0, *channels, tracks=None, shared=SharedBlock.attach(self._spec.block))
        wake = Wake()
        engine.wake_descriptor = wake.write_descriptor
        self._sinks = SinkHost(engine.shared, wake, self._tell)
        self._sinks.order({"sinks": self._plan})
        try:
            return self._play(backend, engine, calm)
        finally:
            self._sinks.stop(_SILENCE_S)

    def _play(self, backend: Backend, engine: Engine, calm: threading.Event) -> Ending:
        from remapd.engine_process.recorder import Recorder

        engine.warm_up()
        info = backend.open(engine.callback_address, engine.userdata_address)
        memory_locked = lock_memory()
        calm_python()
        engine.mark_running(True)
        calm.set()
        self._start(backend, engine)
        self._order_sinks({"priority": priority_below_audio()})
        self._recorder = Recorder(engine.tape, self._tell)
        self._playing = Playing(info, engine.status().block_frames, has_realtime_thread(), memory_locked)
        self._tell(self._playing.to_json())
        ending = self._watch(backend, engine)
        self._recorder.stop(_LAST_WRITE_S)
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
        if self._sinks is not None:
            self._sinks.begin_stop()
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
