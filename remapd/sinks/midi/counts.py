"""What a port counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counts:
    """Running totals.

    Parameters
    ----------
    messages, bytes : int
        Sent.
    notes : int
        Started.
    late : int
        Notes of them that began later than their sink allows, because the wire was busy with other notes.
    """

    messages: int = 0
    bytes: int = 0
    notes: int = 0
    late: int = 0

    def as_dict(self) -> dict[str, int]:
        """Give them by name."""
        return asdict(self)
