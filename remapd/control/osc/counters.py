"""What came, what was refused and what was dropped."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Numbers since the start.

    Parameters
    ----------
    packets, messages : int
        What was taken in.
    malformed : int
        Packets that are none, or too large.
    foreign : int
        Messages to addresses that are not ours.
    refused : int
        Messages of ours that were answered with an error.
    late, planned : int
        Bundles whose time was past, and that wait for theirs.
    not_allowed, over_rate, overflowed : int
        Packets dropped: their sender is not heard, sent too much, or the system's buffer was full.
    replies, dropped_replies : int
        Packets sent, and those that could not be.
    turned_away : int
        Connections and peers for which there was no room.
    faults : int
        Packets that failed by a fault of ours.
    """

    packets: int = 0
    messages: int = 0
    malformed: int = 0
    foreign: int = 0
    refused: int = 0
    late: int = 0
    planned: int = 0
    not_allowed: int = 0
    over_rate: int = 0
    overflowed: int = 0
    replies: int = 0
    dropped_replies: int = 0
    turned_away: int = 0
    faults: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return them by name."""
        return asdict(self)
