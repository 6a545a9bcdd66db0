"""Bounds of what comes in: requests a second by address, connections at a time, bytes of a body."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

#: So many addresses are remembered; who was silent for longest is forgotten first.
MAX_ADDRESSES = 1024


class RateLimiter:
    """Token buckets by address, a bounded number of them.

    Parameters
    ----------
    rate_hz : float
        What one address may do in a second, in the long run.
    burst : float
        What it may do at once.
    clock : callable
        Time in seconds.
    """

    def __init__(self, rate_hz: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_hz, self._burst, self._clock = rate_hz, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Take one; returns 0, or for how long there is none."""
        now = self._clock()
        left, since = self._buckets.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate_hz)
        allowed = left >= 1.0
        self._buckets[address] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._rate_hz


class Places:
    """Counts what is open at a time, `most` of them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0

    def take(self) -> bool:
        """Take a place if there is one."""
        if self.open >= self.most:
            return False
        self.open += 1
        return True

    def give_back(self) -> None:
        """Give a place back."""
        self.open -= 1


def capped(receive: Receive, limit: int) -> Receive:
    """`receive` for a body of at most `limit` bytes, whatever length was announced."""
    received = 0

    async def receive_capped() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413, f"the body is larger than {limit // 1024} KiB")
        return message

    return receive_capped
