"""Where the events of a run go: to all who want them, in the order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from remapd.engine.events import Event, HitEvent, RejectedEvent
from remapd.offline.event_files import TimeOrder

#: No window and no decision makes an event come later than this after its onset.
_LATEST_S = 2.0


@dataclass
class EventSinks:
    """Hands hits and rejected candidates on, sorted by the time of their onset and then by track.

    Attributes
    ----------
    on_hit, on_rejected : list of callable
        Called with each event.
    hits, rejected : int
        How many were handed on.
    reasons : Counter of str
        The rejected candidates by reason.
    """

    on_hit: list[Callable[[HitEvent], object]] = field(default_factory=list)
    on_rejected: list[Callable[[RejectedEvent], object]] = field(default_factory=list)
    hits: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _hit_order: TimeOrder[HitEvent] = field(default_factory=lambda: TimeOrder(_LATEST_S))
    _rejected_order: TimeOrder[RejectedEvent] = field(default_factory=lambda: TimeOrder(_LATEST_S))

    def take(self, events: Iterable[Event], now_s: float) -> None:
        """Take the events of all that was processed up to `now_s`."""
        for event in events:
            if isinstance(event, HitEvent):
                self._hit_order.add(event.onset_s, event.track, event)
            else:
                self._rejected_order.add(event.time_s, event.track, event)
        self._hand_on(now_s)

    def finish(self) -> None:
        """Hand on the rest."""
        self._hand_on(float("inf"))

    def _hand_on(self, now_s: float) -> None:
        for hit in self._hit_order.until(now_s):
            self.hits += 1
            for sink in self.on_hit:
                sink(hit)
        for candidate in self._rejected_order.until(now_s):
            self.rejected += 1
            self.reasons[candidate.reason] += 1
            for rejected_sink in self.on_rejected:
                rejected_sink(candidate)


def onset_s(event: Event) -> float:
    """Time of a hit or a rejected candidate, in seconds."""
    return event.onset_s if isinstance(event, HitEvent) else event.time_s
