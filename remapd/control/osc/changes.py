"""Changes of one peer in the order in which he sent them, also while a model or preset loads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterator

from remapd.control.controller import Controller
from remapd.control.osc.peer import Peer
from remapd.control.tree import Value
from remapd.errors import FieldError, RemapdError, Told

#: Changes of one peer that wait for a model or preset.
MAX_WAITING = 16
#: Peers of whom changes wait, one behind the other.
MAX_PEERS_WAITING = 64

_log = logging.getLogger("remapd.osc")

Changes = dict[str, Value]
Refuse = Callable[[Peer, str, RemapdError], None]


class ChangeQueue:
    """Brings changes to the controller: at once, or behind the same peer's model that is still being loaded.

    Parameters
    ----------
    controller : Controller
        Takes the changes.
    refuse : callable
        Takes peer, address and error of what is refused.
    """

    def __init__(self, controller: Controller, refuse: Refuse) -> None:
        self._controller, self._refuse = controller, refuse
        self._waiting: dict[Hashable, deque[Changes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathers = False
        self._gathered: Changes = {}
        self._gathered_from: Peer | None = None

    @contextlib.contextmanager
    def gathering(self) -> Iterator[None]:
        """Make what comes from one peer meanwhile in one go: of a jam of messages the latest values count."""
        self._gathers = True
        try:
            yield
        finally:
            self._gathers = False
            self.flush()

    def flush(self) -> None:
        """Make what was gathered."""
        peer, changes = self._gathered_from, self._gathered
        self._gathered_from, self._gathered = None, {}
        if peer is None:
            return
        try:
            self._controller.set(changes, peer.source)
        except RemapdError as error:
            self._refuse(peer, next(iter(changes)), error)

    def apply(self, changes: Changes, peer: Peer) -> None:
        """Make changes that belong together.

        Raises
        ------
        RemapdError
            If one does not fit, or too many wait; then nothing is changed.
        """
        peer.outbox.forget(changes)
        takes_time = any(map(self._controller.takes_time, changes))
        queue = self._waiting.get(peer.source)
        if queue is None and not takes_time and self._gathers:
            self._gather(changes, peer)
            return
        self.flush()
        if queue is not None:
            # What joins others must fit by itself, or it would have them refused as well.
            self._append(queue, changes if takes_time else self._checked(changes), takes_time)
        elif takes_time:
            self._begin(changes, peer)
        else:
            self._controller.set(changes, peer.source)

    async def stop(self) -> None:
        """Drop what waits."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._waiting.clear()

    def _gather(self, changes: Changes, peer: Peer) -> None:
        checked = self._checked(changes)
        if peer is not self._gathered_from:
            self.flush()
        self._gathered_from = peer
        self._gathered |= checked

    def _checked(self, changes: Changes) -> Changes:
        return {path: self._controller.tree[path].check(value) for path, value in changes.items()}

    def _begin(self, changes: Changes, peer: Peer) -> None:
        """Let a peer wait for his model or preset; how many peers there are is not for us to say."""
        if len(self._waiting) >= MAX_PEERS_WAITING:
            raise FieldError("changes", f"at most {MAX_PEERS_WAITING} peers who wait for a model", Told("more"))
        self._waiting[peer.source] = deque([changes])
        task = asyncio.create_task(self._run(peer), name="osc changes")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _append(self, queue: deque[Changes], changes: Changes, takes_time: bool) -> None:
        """Let changes wait; they join the last that wait if that comes to the same."""
        last = queue[-1] if queue else None
        if last is not None and (last.keys() <= changes.keys() or not (takes_time or self._takes_time(last))):
            last |= changes
        elif len(queue) < MAX_WAITING:
            queue.append(changes)
        else:
            raise FieldError("changes", f"at most {MAX_WAITING} while a model or preset loads", Told("more"))

    def _takes_time(self, changes: Changes) -> bool:
        return any(path in self._controller.tree and self._controller.takes_time(path) for path in changes)

    async def _run(self, peer: Peer) -> None:
        """Make all changes of a peer that wait."""
        queue = self._waiting[peer.source]
        try:
            while queue:
                changes = queue.popleft()
                try:
                    await self._controller.change(changes, peer.source)
                except RemapdError as error:
                    self._refuse(peer, next(iter(changes)), error)
        except Exception:
            _log.exception("changes of %s failed", peer.source)
        finally:
            del self._waiting[peer.source]
