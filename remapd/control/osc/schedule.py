"""Bundles that wait for their time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from remapd.control.osc.peer import Peer
from remapd.errors import FieldError, Told
from remapd.osc.decoding import Message, Packet

#: Messages that wait, of all peers and of one.
MAX_WAITING = 4096
MAX_WAITING_OF_ONE = 1024

Perform = Callable[[Sequence[Message], Peer], None]
#: Messages that belong together, and the moment (of `time.time`) that they are meant for.
Group = tuple[float, list[Message]]

_AT_ONCE_S = float("-inf")


def groups(packet: Packet, now_s: float) -> list[Group]:
    """Messages of a packet by the time they are meant for; what is due joins the bundle around it."""
    found: list[Group] = [(_AT_ONCE_S, [])]
    _gather(packet, found, found[0], now_s)
    return [group for group in found if group[1]]


def _gather(packet: Packet, found: list[Group], around: Group, now_s: float) -> None:
    if isinstance(packet, Message):
        around[1].append(packet)
        return
    group = around
    if packet.time_tag.time_s > max(around[0], now_s):
        group = (packet.time_tag.time_s, [])
        found.append(group)
    for element in packet.elements:
        _gather(element, found, group, now_s)


class Schedule:
    """Performs groups of messages at their time; a bounded number may wait.

    Parameters
    ----------
    perform : callable
        Takes messages and who sent them.
    max_ahead_s : float
        How far ahead of now they may be meant.
    """

    def __init__(self, perform: Perform, max_ahead_s: float) -> None:
        self._perform, self._max_ahead_s = perform, max_ahead_s
        self._heap: list[tuple[float, int, list[Message], Peer]] = []
        self._order = itertools.count()
        self._waiting: Counter[Hashable] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(self._waiting.values())

    def check(self, planned: Iterable[Group], peer: Peer, now_s: float) -> None:
        """Check that all these groups may wait.

        Raises
        ------
        FieldError
            If one is too far ahead, or if too much waits already.
        """
        count = 0
        for due_s, messages in planned:
            if due_s > now_s + self._max_ahead_s:
                ahead_s = due_s - now_s
                raise FieldError("time tag", f"at most {self._max_ahead_s:g} s ahead", Told(f"{ahead_s:.1f} s"))
            count += len(messages)
        if len(self) + count > MAX_WAITING or self._waiting[peer.source] + count > MAX_WAITING_OF_ONE:
            raise FieldError("bundle", f"at most {MAX_WAITING_OF_ONE} messages that wait", Told("more"))

    def add(self, due_s: float, messages: list[Message], peer: Peer) -> None:
        """Perform messages at a moment of `time.time`."""
        heapq.heappush(self._heap, (due_s, next(self._order), messages, peer))
        self._waiting[peer.source] += len(messages)
        self._wake()

    def clear(self) -> None:
        """Forget everything that waits."""
        self._heap.clear()
        self._waiting.clear()
        self._wake()

    def _wake(self) -> None:
        """Wake up when the first is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            self._timer = asyncio.get_running_loop().call_later(self._heap[0][0] - time.time(), self._run)

    def _run(self) -> None:
        for messages, peer in self._due():
            self._perform(messages, peer)
        self._wake()

    def _due(self) -> Iterator[tuple[list[Message], Peer]]:
        while self._heap and self._heap[0][0] <= time.time():
            _, _, messages, peer = heapq.heappop(self._heap)
            self._waiting[peer.source] -= len(messages)
            if not self._waiting[peer.source]:
                del self._waiting[peer.source]
            yield messages, peer
