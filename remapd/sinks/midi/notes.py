"""Which notes sound on a port, whose they are and when they end."""

from __future__ import annotations

from collections.abc import Iterable

#: Channel and number of a note.
Key = tuple[int, int]


class Notes:
    """Notes that were started and not yet ended, in the order of their beginning."""

    def __init__(self) -> None:
        self._ends_s: dict[Key, float] = {}
        self._sinks: dict[Key, str] = {}

    def start(self, key: Key, sink_id: str, ends_s: float) -> None:
        """Take note of a note that does not sound yet."""
        self._ends_s[key], self._sinks[key] = ends_s, sink_id

    def stop(self, key: Key) -> None:
        """Forget a note that was ended."""
        del self._ends_s[key], self._sinks[key]

    def __contains__(self, key: object) -> bool:
        return key in self._ends_s

    def of_sink(self, sink_id: str) -> list[Key]:
        """The notes that a sink plays."""
        return [key for key, owner in self._sinks.items() if owner == sink_id]

    def sounding(self) -> list[Key]:
        """All of them."""
        return list(self._ends_s)

    @property
    def first(self) -> tuple[float, Key] | None:
        """The note that ends first, and when; None in silence."""
        return min(((end, key) for key, end in self._ends_s.items()), default=None)

    def on_channel(self, channel: int) -> bool:
        """Whether a note sounds on a channel."""
        return any(key[0] == channel for key in self._ends_s)

    def oldest_channel(self, channels: Iterable[int]) -> int | None:
        """Of some channels the one whose note began first; None if they are silent."""
        allowed = set(channels)
        return next((channel for channel, _ in self._ends_s if channel in allowed), None)
