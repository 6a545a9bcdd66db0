"""How long bytes take: a model of the wire behind a port, which tells us when it is free as no driver does."""

from __future__ import annotations

import math

from remapd.sinks.midi.document import Wire as Kind

#: Seconds for a byte. DIN: ten bits at 31,250 baud, and no running status, which a driver may or may not use. USB: so
#: that a packet of 64 bytes in each ms, with 16 messages, carries it.
BYTE_S: dict[Kind, float] = {"din": 10.0 / 31250.0, "usb": 20e-6}
#: The longest message on the slowest wire. What goes into the gaps between hits never keeps the wire busy for longer,
#: so that a note waits for no more than one such message.
AHEAD_S = 3 * BYTE_S["din"]
#: Of a byte's time; sums of floats differ by as much.
_ROUNDING = 1e-6


class Wire:
    """One wire, by what was put on it.

    Parameters
    ----------
    byte_s : float
        Seconds for a byte; 0 for one that carries everything at once.
    """

    def __init__(self, byte_s: float) -> None:
        self.byte_s = byte_s
        self.free_s = -math.inf

    def begins_s(self, now_s: float) -> float:
        """When what is sent now begins on the wire."""
        return max(self.free_s, now_s)

    def send(self, size: int, now_s: float) -> float:
        """Put a message of some bytes behind what is on the wire; when it begins there."""
        begins_s = self.begins_s(now_s)
        self.free_s = begins_s + size * self.byte_s
        return begins_s

    def room(self, now_s: float, until_s: float) -> float:
        """Bytes that can be sent now so that the wire is free again at `until_s`; less than 0 if it is too late."""
        seconds = until_s - self.begins_s(now_s)
        if self.byte_s == 0.0:
            return math.inf if seconds >= 0.0 else -math.inf
        return math.floor(seconds / self.byte_s + _ROUNDING)

    def ready_s(self, size: int) -> float:
        """When a message may follow without keeping the wire busy for longer than `AHEAD_S`."""
        return self.free_s + size * self.byte_s - AHEAD_S - _ROUNDING * self.byte_s
