"""How much waits in rtmidi's ring for a JACK server to take it: rtmidi itself spins for ever when the ring is full.

The server empties the ring in each of its cycles, so what was written before the last whole cycle is gone. One that
has stopped without having ended takes nothing; what would wait for it longer than a hit is worth is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: Half of what the ring has room for.
ROOM_BYTES = 8192
#: What the ring keeps beside each message.
HEAD_BYTES = 4
#: A server whose cycles take longer than this stands still.
PATIENCE_S = 0.5


class JackRing:
    """Counts the bytes of one port.

    Parameters
    ----------
    cycle : callable
        Gives a number that is another in each cycle of the server.
    """

    def __init__(self, cycle: Callable[[], int]) -> None:
        self._cycle = cycle
        self._at, self._since_s = cycle(), float("inf")
        self._now_bytes = self._before_bytes = 0

    def take(self, messages: Sequence[bytes], now_s: float) -> bool:
        """Note messages that are sent at time `now_s`; False if they must not be."""
        size = sum(map(len, messages)) + HEAD_BYTES * len(messages)
        at = self._cycle()
        if at != self._at or self._since_s == float("inf"):
            self._at, self._since_s = at, now_s
            self._now_bytes, self._before_bytes = 0, self._now_bytes
        if now_s - self._since_s > PATIENCE_S and self._now_bytes:
            return False
        if self._now_bytes + self._before_bytes + size > ROOM_BYTES:
            return False
        self._now_bytes += size
        return True
