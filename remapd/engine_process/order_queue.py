"""Orders on their way to a thread: those that matter most first, and of plans only the last."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

Order = dict[str, Any]

#: Orders that wait at most; more are left out, as whoever sends so many cannot mean each of them.
LIMIT = 256


class OrderQueue:
    """Takes orders from any thread."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()
        self._changed = threading.Condition()

    def put(self, order: Order) -> None:
        """Append an order; a plan takes the place of one that still waits."""
        with self._changed:
            if "sinks" in order:
                self._orders = deque(one for one in self._orders if "sinks" not in one)
            if len(self._orders) < LIMIT or "stop" in order or "sinks" in order or "panic" in order:
                self._orders.append(order)
            self._changed.notify()

    def has(self, kind: str) -> bool:
        """Whether an order of a kind waits."""
        with self._changed:
            return any(kind in order for order in self._orders)

    def take_one(self, kind: str) -> bool:
        """Take an order of a kind, if one waits."""
        with self._changed:
            for order in self._orders:
                if kind in order:
                    self._orders.remove(order)
                    return True
            return False

    def take(self, patience_s: float | None) -> Order:
        """The most urgent: the end, then silence, then what came first; empty if none comes in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._orders, patience_s)
            for urgent in ("stop", "panic"):
                for order in self._orders:
                    if urgent in order:
                        self._orders.remove(order)
                        return order
            return self._orders.popleft() if self._orders else {}
