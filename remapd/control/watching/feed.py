"""Brings hits, meters, changes and all other news to the outbox of everybody who watches.

Each message is put into words once, however many watch. Nothing here waits for a reader.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from remapd.control.bulletin import Bulletin
from remapd.control.events import EventHub
from remapd.control.hub import ChangeHub, Subscription
from remapd.control.tasks import end_task
from remapd.control.watching.messages import NEWS_TOPICS, event_message, meters_message, signal_message
from remapd.control.watching.outbox import Outbox, encode
from remapd.engine.events import Event, HitEvent
from remapd.engine.status import EngineStatus
from remapd.engine_process import Playing
from remapd.errors import BusyError
from remapd.parameters import Parameter

#: Frames a second of meters and detection signal.
RATE = Parameter("rate_hz", "Hz", 1.0, 60.0, 30.0, "Frames of meters and detection signal a second.")
#: Most who may watch at once.
MAX_WATCHERS = 64

_TICK_S = 1.0 / RATE.maximum
_METERS = {"meters": meters_message, "signal": signal_message}


class Watcher:
    """One reader and what it wants.

    Attributes
    ----------
    name : str
        Who it is: changes that name it as their source are not sent to it.
    outbox : Outbox
        What waits for it.
    topics : frozenset of str
        What it wants, of `TOPICS`.
    rate_hz : float
        Frames of meters a second.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._changes: Subscription | None = None
        self._end_structure: Callable[[], None] | None = None
        self.name = secrets.token_hex(16)
        self.outbox = Outbox()
        self.topics: frozenset[str] = frozenset()
        self.rate_hz = RATE.default
        self.next_frame_s = 0.0

    def choose(self, topics: Collection[str], rate_hz: float) -> None:
        """Want these from now on; whoever begins to want changes gets all present values first."""
        before, self.topics, self.rate_hz = self.topics, frozenset(topics), rate_hz
        self.next_frame_s = 0.0
        if "changes" in self.topics - before:
            self._watch_changes()
        elif "changes" in before - self.topics:
            self._leave_changes()
        self._feed.run_meters()

    def close(self) -> None:
        """Want nothing any more."""
        self._leave_changes()
        self.topics = frozenset()
        self._feed.forget(self)

    def _watch_changes(self) -> None:
        hub = self._feed.hub
        self._changes = hub.subscribe(self.outbox.change, self.name)
        self._end_structure = hub.on_structure(self._tell_structure)
        self._changes.snapshot()

    def _leave_changes(self) -> None:
        if self._changes is not None and self._end_structure is not None:
            self._changes.close()
            self._end_structure()
        self._changes = self._end_structure = None

    def _tell_structure(self, added: set[str], removed: set[str]) -> None:
        self.outbox.forget(removed)
        self.outbox.tell(encode({"type": "structure", "added": sorted(added), "removed": sorted(removed)}))


class Feed:
    """Everybody who watches.

    Parameters
    ----------
    events : EventHub
        Hits and rejected candidates.
    bulletin : Bulletin
        Other news.
    hub : ChangeHub
        Changes of the tree.
    status : callable
        Gives the engine's meters.
    playing : callable
        Gives the device; None while there is none.

    Attributes
    ----------
    lost : int
        Messages lost by those who have left; `lost_messages` has all.
    """

    def __init__(
        self,
        events: EventHub,
        bulletin: Bulletin,
        hub: ChangeHub,
        status: Callable[[], EngineStatus],
        playing: Callable[[], Playing | None],
    ) -> None:
        self.hub = hub
        self._events, self._bulletin, self._status, self._playing = events, bulletin, status, playing
        self._watchers: dict[Watcher, None] = {}
        self._ends: list[Callable[[], None]] = []
        self._beat: asyncio.Task[None] | None = None
        self._lost = self._replaced = 0

    def __len__(self) -> int:
        return len(self._watchers)

    async def start(self) -> None:
        """Begin to listen."""
        self._ends = [self._events.subscribe(self._on_events), self._bulletin.subscribe(self._on_news)]

    async def stop(self) -> None:
        """Listen no more."""
        while self._ends:
            self._ends.pop()()
        for watcher in list(self._watchers):
            watcher.close()
        beat, self._beat = self._beat, None
        await end_task(beat)

    def watch(self, topics: Collection[str], rate_hz: float = RATE.default) -> Watcher:
        """Add a reader; its `close` removes it.

        Raises
        ------
        BusyError
            If there are too many.
        """
        if len(self._watchers) >= MAX_WATCHERS:
            raise BusyError(f"{MAX_WATCHERS} clients watch the events already; close one of them")
        watcher = Watcher(self)
        self._watchers[watcher] = None
        watcher.choose(topics, rate_hz)
        return watcher

    def forget(self, watcher: Watcher) -> None:
        """Remove a reader."""
        if watcher in self._watchers:
            del self._watchers[watcher]
            self._lost += watcher.outbox.lost
            self._replaced += watcher.outbox.replaced

    @property
    def waiting(self) -> int:
        """Messages that wait for the slowest of all readers."""
        return max((len(watcher.outbox) for watcher in self._watchers), default=0)

    @property
    def lost_messages(self) -> int:
        """Hits and news that readers were too slow for, so far."""
        return self._lost + sum(watcher.outbox.lost for watcher in self._watchers)

    @property
    def replaced_frames(self) -> int:
        """Frames of meters that gave way to newer ones, so far."""
        return self._replaced + sum(watcher.outbox.replaced for watcher in self._watchers)

    # -- hits and news -----------------------------------------------------------------------------------------------

    def _on_events(self, events: Sequence[Event], lost: int) -> None:
        hearers = {topic: self._who_want(topic) for topic in ("hits", "rejected")}
        if lost:
            for watcher in {**hearers["hits"], **hearers["rejected"]}:
                watcher.outbox.missed(lost)
        playing, now_ns = self._playing(), time.monotonic_ns()
        for event in events:
            watchers = hearers["hits" if isinstance(event, HitEvent) else "rejected"]
            if watchers:
                text = encode(event_message(event, playing, now_ns))
                for watcher in watchers:
                    watcher.outbox.event(text)

    def _on_news(self, kind: str, data: dict[str, Any]) -> None:
        watchers = self._who_want(NEWS_TOPICS.get(kind, "notices"))
        if watchers:
            text = encode({**data, "type": kind})
            for watcher in watchers:
                watcher.outbox.tell(text)

    def _who_want(self, topic: str) -> dict[Watcher, None]:
        return {watcher: None for watcher in self._watchers if topic in watcher.topics}

    # -- meters ------------------------------------------------------------------------------------------------------

    def run_meters(self) -> None:
        """Have frames sent as long as anybody wants them."""
        wanted = any(watcher.topics & _METERS.keys() for watcher in self._watchers)
        if wanted and self._beat is None and self._ends:
            self._beat = asyncio.create_task(self._send_meters(), name="meters")

    async def _send_meters(self) -> None:
        try:
            while watchers := [watcher for watcher in self._watchers if watcher.topics & _METERS.keys()]:
                self._send_frame(watchers, asyncio.get_running_loop().time())
                await asyncio.sleep(_TICK_S)
        finally:
            self._beat = None

    def _send_frame(self, watchers: list[Watcher], now_s: float) -> None:
        due = [watcher for watcher in watchers if now_s >= watcher.next_frame_s - 0.5 * _TICK_S]
        if not due:
            return
        status = self._status()
        texts = {topic: encode(describe(status)) for topic, describe in _METERS.items()}
        for watcher in due:
            watcher.next_frame_s = max(now_s, watcher.next_frame_s + 1.0 / watcher.rate_hz)
            for topic in watcher.topics & texts.keys():
                watcher.outbox.newest(topic, texts[topic])
