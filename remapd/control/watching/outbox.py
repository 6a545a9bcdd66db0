"""What waits for one reader of the events: hits in their order, of meters only the newest, and a word for what is lost.

A reader that is slower than the music finds its meters few but fresh and its hits late but whole. Only when a backlog
is full are its oldest entries dropped; a message then says at that place how many there were.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from remapd.control.tree import Value

#: Hits and rejected candidates that wait for one reader: minutes of playing.
EVENT_BACKLOG = 2000
#: Pieces of other news that wait for one reader.
NEWS_BACKLOG = 200


def encode(message: Mapping[str, Any]) -> str:
    """One message as JSON; what is no finite number becomes null."""
    try:
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(message), separators=(",", ":"), ensure_ascii=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return value


class Backlog:
    """Messages in their order; a full one drops its oldest and tells how many.

    Parameters
    ----------
    name : str
        What is in it, for the message that tells of a gap.
    size : int
        Most messages that wait.

    Attributes
    ----------
    lost : int
        Messages that the reader will never get.
    """

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        # Each with the number of messages it stands for: one, or those lost of which it tells.
        self._waiting: deque[tuple[str, int]] = deque()
        self._gap = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting) + (self._gap > 0)

    def append(self, text: str) -> None:
        """Add a message."""
        self._push(text, 1)

    def miss(self, count: int) -> None:
        """Note that so many messages were lost before they came here."""
        self.lost += count
        self._push(self._gap_message(count), -count)

    def take(self) -> str:
        """Oldest message, or what tells of those dropped before it."""
        if self._gap:
            gap, self._gap = self._gap, 0
            return self._gap_message(gap)
        return self._waiting.popleft()[0]

    def _push(self, text: str, stands_for: int) -> None:
        if len(self._waiting) == self._size:
            dropped = self._waiting.popleft()[1]
            self._gap += abs(dropped)
            self.lost += max(0, dropped)  # A gap was counted when it came.
        self._waiting.append((text, stands_for))

    def _gap_message(self, lost: int) -> str:
        return encode({"type": "gap", "of": self._name, "lost": lost})


class Outbox:
    """Everything that waits for one reader, within fixed bounds; used in the loop's thread alone.

    Parameters
    ----------
    event_backlog, news_backlog : int
        Most hits, and most other news, that wait.
    """

    def __init__(self, event_backlog: int = EVENT_BACKLOG, news_backlog: int = NEWS_BACKLOG) -> None:
        self.events = Backlog("hits", event_backlog)
        self.news = Backlog("news", news_backlog)
        self._changes: dict[str, Value] = {}
        self._newest: dict[str, str] = {}
        self._filled = asyncio.Event()
        self.replaced = 0

    def __len__(self) -> int:
        return len(self.events) + len(self.news) + len(self._newest) + (1 if self._changes else 0)

    @property
    def lost(self) -> int:
        """Hits and news that the reader will never get."""
        return self.events.lost + self.news.lost

    def event(self, text: str) -> None:
        """Add a hit or a rejected candidate."""
        self.events.append(text)
        self._filled.set()

    def missed(self, count: int) -> None:
        """Note events that were lost before they came here."""
        self.events.miss(count)
        self._filled.set()

    def tell(self, text: str) -> None:
        """Add a piece of other news."""
        self.news.append(text)
        self._filled.set()

    def change(self, values: Mapping[str, Value]) -> None:
        """Note changed values; of each path the latest is kept."""
        self._changes.update(values)
        self._filled.set()

    def forget(self, paths: set[str]) -> None:
        """Drop changes of paths that no longer exist."""
        for path in paths:
            self._changes.pop(path, None)

    def newest(self, kind: str, text: str) -> None:
        """Replace what waits of this kind, such as a frame of meters."""
        self.replaced += kind in self._newest
        self._newest[kind] = text
        self._filled.set()

    async def take(self) -> str:
        """Wait for a message and remove it: hits come first, meters last."""
        while not len(self):
            self._filled.clear()
            await self._filled.wait()
        for backlog in (self.events, self.news):
            if len(backlog):
                return backlog.take()
        if self._changes:
            values, self._changes = self._changes, {}
            return encode({"type": "changes", "values": values})
        return self._newest.pop(next(iter(self._newest)))
