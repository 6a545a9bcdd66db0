"""The sender: a thread that waits for hits at a descriptor, and sends them without Python."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.engine.native import load_acquire, store_release
from remapd.engine.rings import events_written
from remapd.engine.wake import Wake
from remapd.errors import FieldError, RemapdError
from remapd.sinks.wire.counts import Counts, read_counts
from remapd.sinks.wire.native import loop
from remapd.sinks.wire.native.layout import (
    CHANNEL,
    INBOX_DONE,
    INBOX_WANTED,
    MAX_DESTINATIONS,
    PLAN_TAKEN,
    PLAN_WANTED,
    STOP,
    WIRE,
)
from remapd.sinks.wire.native.libc import IS_SUPPORTED
from remapd.sinks.wire.packet import MAX_PACKET_BYTES
from remapd.sinks.wire.plan import Destination, Plan

#: Time for the thread to take a plan or to run an errand; it needs microseconds, unless the machine is very busy.
PATIENCE_S = 2.0
_POLL_S = 0.0005
_LOOKS = 5


@compiled
def _order(words: Any, place: int, number: int) -> None:
    store_release(words, place, number)


@compiled
def _answer(words: Any, place: int) -> int:
    return load_acquire(words, place)


class WireSender:
    """Sends the hits of one engine; all methods may be called from any thread.

    Parameters
    ----------
    shared : SHARED record
        The engine's events, from now on.
    wake : Wake
        Where the engine wakes this sender.
    on_start : callable, optional
        Called in the sender's thread before it begins, for its priority.

    Attributes
    ----------
    thread_id : int
        What the system calls the thread; 0 before it runs.
    """

    def __init__(self, shared: Any, wake: Wake, on_start: Callable[[], object] | None = None) -> None:
        if not IS_SUPPORTED:
            raise RemapdError("sinks need Linux or macOS")
        self._shared, self._wake, self._on_start = shared, wake, on_start
        self._wire_array = np.zeros(1, WIRE)
        self._wire: Any = self._wire_array[0]
        self._channels = np.zeros(MAX_DESTINATIONS, CHANNEL)
        self._places: dict[str, int] = {}
        self._sockets: dict[str, Any] = {}
        self._connections = 0
        #: Events of all destinations that were dropped before one of a name was there.
        self._before: dict[str, tuple[int, int]] = {}
        self._plans: list[Plan | None] = [None, None]
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="wire", daemon=True)
        self.thread_id = 0
        self._prepare()
        self.apply([])

    def _prepare(self) -> None:
        wire, array = self._wire, self._wire_array
        wire["wake_descriptor"], wire["next"] = self._wake.read_descriptor, int(events_written(self._shared))
        for name in ("polled", "event", "inbox"):
            wire[f"{name}_address"] = array[name].ctypes.data
        self.read_wall_clock()

    def start(self) -> None:
        """Begin; what the engine found before that but after this object was made is sent now."""
        loop.run(self._shared, _stopped(), self._channels)  # Compiled now, not with the first hit.
        self._thread.start()

    def _run(self) -> None:
        self.thread_id = threading.get_native_id()
        if self._on_start is not None:
            self._on_start()
        loop.run(self._shared, self._wire, self._channels)

    def stop(self) -> None:
        """End; on return no socket is used any more."""
        _order(self._wire["words"], STOP, 1)
        self._wake.signal()
        if self._thread.ident is not None:
            self._thread.join()

    def apply(self, destinations: Sequence[Destination]) -> None:
        """Send to these from now on; on return sockets that are no longer among them are used no more.

        Counts of a destination that stays are kept.

        Raises
        ------
        FieldError
            If they do not fit.
        RemapdError
            If the thread does not answer; it may then still use the sockets.
        """
        with self._lock:
            _check_names(destinations)
            # One that was not answered may still be taken, so its arrays must stay.
            self._await(PLAN_TAKEN, _answer(self._wire["words"], PLAN_WANTED))
            places = self._places_for([destination.id for destination in destinations])
            channels = [(places[d.id], self._connection_of(d, places)) for d in destinations]
            plan = Plan(destinations, channels)
            revision = _answer(self._wire["words"], PLAN_WANTED) + 1
            plan.write(self._wire["plans"][revision % 2])
            self._plans[revision % 2] = plan
            _order(self._wire["words"], PLAN_WANTED, revision)
            self._await(PLAN_TAKEN, revision)
            self._places = places
            self._sockets = {destination.id: destination.socket for destination in destinations}
            self._before = {name: before for name, before in self._before.items() if name in places}

    def _places_for(self, names: list[str]) -> dict[str, int]:
        """Channel of each destination; a new one gets one that nobody has, as good as new."""
        free = sorted(set(range(MAX_DESTINATIONS)) - set(self._places.values()), reverse=True)
        places = {}
        for name in names:
            if name not in self._places:
                if not free:
                    raise FieldError("sinks", f"at most {MAX_DESTINATIONS}, those that go counted", len(names))
                places[name] = free.pop()
                self._channels[places[name]] = np.zeros((), CHANNEL)
                self._before[name] = int(self._wire["stale"]), int(self._wire["lost"])
            else:
                places[name] = self._places[name]
        return places

    def _connection_of(self, destination: Destination, places: dict[str, int]) -> int:
        """Number of the connection, a new one if the socket is."""
        is_same = destination.id in self._sockets and self._sockets[destination.id] is destination.socket
        if is_same:
            return int(self._channels[places[destination.id]]["connection"])
        self._connections += 1
        return self._connections

    def send_hit(self, identifier: str, event: Any) -> bool:
        """Send a made-up hit, an EVENT record, through one destination alone; False if there is none of that name."""
        with self._lock:
            self._wire["inbox"][0] = event
            return self._run_errand(identifier, 0)

    def send_packet(self, identifier: str, packet: bytes) -> bool:
        """Send a whole packet through one destination; False if there is none of that name."""
        if not 0 < len(packet) <= MAX_PACKET_BYTES:
            raise FieldError("packet", f"1 to {MAX_PACKET_BYTES} bytes", len(packet))
        with self._lock:
            self._wire["inbox_packet"][: len(packet)] = np.frombuffer(packet, np.uint8)
            return self._run_errand(identifier, len(packet))

    def _run_errand(self, identifier: str, size: int) -> bool:
        words = self._wire["words"]
        plan = self._plans[_answer(words, PLAN_WANTED) % 2]
        place = plan.place(identifier) if plan is not None else None
        if place is None:
            return False
        self._wire["inbox_destination"], self._wire["inbox_size"] = place, size
        wanted = _answer(words, INBOX_WANTED) + 1
        _order(words, INBOX_WANTED, wanted)
        self._await(INBOX_DONE, wanted)
        return True

    def _await(self, place: int, number: int) -> None:
        """Wake the thread and wait until it has got as far as that; not if it does not run."""
        self._wake.signal()
        deadline = time.monotonic() + PATIENCE_S
        while self._thread.is_alive() and _answer(self._wire["words"], place) != number:
            if time.monotonic() > deadline:
                raise RemapdError("the sender does not answer")
            time.sleep(_POLL_S)

    def counts(self, identifier: str) -> Counts:
        """What became of what was meant for a destination; zeros if there is none of that name."""
        place = self._places.get(identifier)
        if place is None:
            return Counts()
        counts, (stale, lost) = read_counts(self._wire, self._channels[place]), self._before[identifier]
        return replace(counts, stale=counts.stale - stale, lost=counts.lost - lost)

    def counts_of_all(self) -> Counts:
        """What concerns all destinations: events that were too old or overwritten."""
        return Counts(stale=int(self._wire["stale"]), lost=int(self._wire["lost"]))

    def read_wall_clock(self) -> None:
        """Look how far the wall clock is from the monotonic one; time tags are set by it."""
        self._wire["realtime_offset_ns"] = wall_clock_offset_ns()


def _check_names(destinations: Sequence[Destination]) -> None:
    names = [destination.id for destination in destinations]
    for name in names:
        if names.count(name) > 1:
            raise FieldError("sinks", "another name for each", name)


def _stopped() -> Any:
    wire = np.zeros(1, WIRE)[0]
    wire["words"][STOP] = 1
    return wire


def wall_clock_offset_ns() -> int:
    """Wall clock less monotonic clock in ns, from the quickest of a few looks at both."""
    looks = []
    for _ in range(_LOOKS):
        before_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        looks.append((after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2))
    return min(looks)[1]
