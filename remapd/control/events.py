"""Hits and rejected candidates on their way from the engine to everybody who watches, and those of the last minutes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from remapd.control.readers import Readers
from remapd.control.tasks import end_task
from remapd.engine.events import Event, EventReader

#: How often the ring is looked at: well under what an eye or a hand notices.
POLL_S = 0.005
#: A hit waits this long for the times at which sinks sent it: well over what they take, and under the next look.
SETTLE_NS = 2_000_000
#: Events that are kept, and for how long.
HISTORY_EVENTS = 5000
HISTORY_S = 600.0

Reader = Callable[[Sequence[Event], int], None]


class EventHub:
    """Reads the engine's event ring in the loop and hands what came to all readers.

    Parameters
    ----------
    shared : record
        The shared block.

    Attributes
    ----------
    lost : int
        Events that the ring overwrote before they were read.
    settles : bool
        Whether hits wait for what sinks say of them; at the end nothing does.
    """

    def __init__(self, shared: Any) -> None:
        self.settles = False
        self._reader = EventReader(shared)
        self._readers: Readers[Sequence[Event], int] = Readers()
        self._history: deque[tuple[float, Event]] = deque(maxlen=HISTORY_EVENTS)
        self._task: asyncio.Task[None] | None = None
        self.lost = 0

    async def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(), name="events")

    async def stop(self) -> None:
        """Read what is left, and no more."""
        if self._task is None:
            return
        await end_task(self._task)
        self._task, self.settles = None, False
        self.poll()

    def subscribe(self, reader: Reader) -> Callable[[], None]:
        """Call `reader` with new events and the number of those lost before them; returns what ends that."""
        return self._readers.add(reader)

    def history(self, since_s: float = HISTORY_S) -> list[tuple[float, Event]]:
        """Events of the last `since_s` seconds with the time (of `time.time`) at which they were read, oldest first."""
        earliest = time.time() - min(since_s, HISTORY_S)
        return [(when, event) for when, event in self._history if when >= earliest]

    def poll(self) -> None:
        """Read what is there and hand it on."""
        events = self._reader.read(SETTLE_NS if self.settles else 0)
        lost, self.lost = self._reader.lost - self.lost, self._reader.lost
        if not events and not lost:
            return
        now = time.time()
        self._history.extend((now, event) for event in events)
        self._readers.tell(events, lost)

    async def _run(self) -> None:
        while True:
            self.poll()
            await asyncio.sleep(POLL_S)
