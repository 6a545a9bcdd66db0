"""Changes on their way to everybody who watches: the latest of each path, at a bounded rate, not to its sender."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping

from remapd.control.readers import Readers
from remapd.control.tree import Value

_log = logging.getLogger("remapd.control")

#: Most deliveries a second to one subscriber, so most messages a second for one path.
RATE_HZ = 30.0

Deliver = Callable[[dict[str, Value]], None]
Wants = Callable[[str], bool]
StructureReader = Callable[[set[str], set[str]], None]


class Subscription:
    """What one subscriber has yet to hear.

    The first change after a pause is delivered with the loop's next turn; those that follow are gathered, so that two
    deliveries are never closer than the rate allows.
    """

    def __init__(
        self, hub: ChangeHub, deliver: Deliver, source: Hashable | None, wants: Wants | None, rate_hz: float
    ) -> None:
        self._hub, self._deliver, self.source, self._wants = hub, deliver, source, wants
        self._interval_s = 1.0 / rate_hz
        self._pending: dict[str, Value] = {}
        self._timer: asyncio.Handle | None = None
        self._last_s = float("-inf")

    def offer(self, changes: Mapping[str, Value], source: Hashable | None) -> None:
        """Note changes; what the subscriber sent itself replaces what it would have heard."""
        if source is not None and source == self.source:
            for path in changes:
                self._pending.pop(path, None)
            return
        wanted = changes if self._wants is None else {p: v for p, v in changes.items() if self._wants(p)}
        if not wanted:
            return
        self._pending.update(wanted)
        self._schedule()

    def snapshot(self, container: str = "/") -> None:
        """Deliver everything below a container that it wants, once."""
        self.offer(self._hub.values(container), None)

    def forget(self, paths: set[str]) -> None:
        """Drop what was noted of paths that no longer exist."""
        for path in paths:
            self._pending.pop(path, None)

    def close(self) -> None:
        """Deliver nothing any more."""
        self._hub.remove(self)
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            delay_s = self._last_s + self._interval_s - loop.time()
            self._timer = loop.call_later(delay_s, self._flush) if delay_s > 0.0 else loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._timer = None
        pending, self._pending = self._pending, {}
        self._last_s = asyncio.get_running_loop().time()
        if not pending:
            return
        try:
            self._deliver(pending)
        except Exception:
            _log.exception("a subscriber failed on %d changes", len(pending))


class ChangeHub:
    """All subscriptions to changes of values and of the tree's structure; used in the loop's thread alone.

    Parameters
    ----------
    values : callable
        Gives the present values below a container, for snapshots.
    """

    def __init__(self, values: Callable[[str], dict[str, Value]]) -> None:
        self.values = values
        self._subscriptions: dict[Subscription, None] = {}
        self._structure: Readers[set[str], set[str]] = Readers()

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(
        self, deliver: Deliver, source: Hashable | None = None, wants: Wants | None = None, rate_hz: float = RATE_HZ
    ) -> Subscription:
        """Call `deliver` with changed values by path from now on.

        Parameters
        ----------
        deliver : callable
            Takes the latest values by path; must return at once.
        source : hashable, optional
            Who it is; what this source changes is not delivered to it.
        wants : callable, optional
            Whether it wants to hear of a path.
        rate_hz : float
            Most deliveries a second.
        """
        subscription = Subscription(self, deliver, source, wants, rate_hz)
        self._subscriptions[subscription] = None
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription; its `close` does it."""
        self._subscriptions.pop(subscription, None)

    def publish(self, changes: Mapping[str, Value], source: Hashable | None = None) -> None:
        """Offer changes to every subscription."""
        for subscription in list(self._subscriptions):
            subscription.offer(changes, source)

    def on_structure(self, reader: StructureReader) -> Callable[[], None]:
        """Call `reader` with the paths that came and went whenever the tree changes; returns what ends that."""
        return self._structure.add(reader)

    def publish_structure(self, added: set[str], removed: set[str]) -> None:
        """Tell that paths came and went."""
        for subscription in list(self._subscriptions):
            subscription.forget(removed)
        self._structure.tell(added, removed)
