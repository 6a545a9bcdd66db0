"""What bindings act on: the controller, with all that came at once as one change, and with slow changes behind.

Models, presets and sessions take time to load. The latest wish for each of them waits, and those in between are never
loaded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from remapd.control.controller import Controller
from remapd.control.midi.mappings import SESSION
from remapd.control.tree import Value
from remapd.errors import FieldError, RemapdError, Told

_log = logging.getLogger("remapd.midi")

#: Who changes what a movement changes.
SOURCE: Hashable = "midi"


class SessionShelf(Protocol):
    """Sessions that can be loaded by name."""

    async def names(self) -> list[str]:
        """Names of all of them, in order."""

    async def load(self, name: str) -> None:
        """Be as a session says; raises a `RemapdError` if that cannot be."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A wish for one of several names.

    Parameters
    ----------
    names : tuple of str
        Among which; empty is all there are.
    index : int or None
        Which of them; None counts from the present one.
    steps : int
        How far from there.
    """

    names: tuple[str, ...]
    index: int | None = None
    steps: int = 0

    def after(self, earlier: Pick | None) -> Pick:
        """The wish when an earlier one has not come true yet."""
        if earlier is None or self.index is not None or earlier.names != self.names:
            return self
        return Pick(self.names, earlier.index, earlier.steps + self.steps)

    def among(self, names: Sequence[str], present: object) -> str | None:
        """The name that is wished for, if there is one."""
        if self.index is not None:
            place = self.index + self.steps
            return names[place] if 0 <= place < len(names) else None
        if not names:
            return None
        return names[(names.index(present) + self.steps) % len(names)] if present in names else names[0]


class Desk:
    """Gathers changes of values until `flush`, and does slow changes one after the other.

    Parameters
    ----------
    controller : Controller
        Where changes go.
    sessions : SessionShelf, optional
        Sessions; without it none can be loaded.
    refused : callable
        Takes a line for people when something could not be done.

    Attributes
    ----------
    changes, refusals : int
        What was done and what was refused.
    """

    def __init__(
        self, controller: Controller, sessions: SessionShelf | None = None, refused: Callable[[str], None] = _log.info
    ) -> None:
        self._controller, self._sessions, self._refused = controller, sessions, refused
        self._pending: dict[str, Value] = {}
        self._wishes: dict[str, Pick] = {}
        self._worker: asyncio.Task[None] | None = None
        self._session = ""
        self.changes = self.refusals = 0

    def value(self, path: str) -> Value:
        """What a control has, or will have after `flush`."""
        return self._pending[path] if path in self._pending else self._controller.value(path)

    def put(self, path: str, value: Value) -> None:
        """Change a value with the next `flush`; the latest wins."""
        self._pending[path] = value

    def trigger(self, path: str) -> None:
        """Do an action, after what came before it."""
        self.flush()
        try:
            self._controller.trigger(path, SOURCE)
            self.changes += 1
        except RemapdError as error:
            self._refuse(error)

    def pick(self, path: str, pick: Pick) -> None:
        """Wish for a model, preset or session."""
        self._wishes[path] = pick.after(self._wishes.get(path))
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work(), name="midi picks")

    def flush(self) -> None:
        """Bring all values to the controller as one change."""
        pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            self._controller.set(pending, SOURCE)
            self.changes += 1
        except RemapdError:
            self._one_by_one(pending)

    async def stop(self) -> None:
        """Forget wishes, and end what is being done."""
        self._wishes.clear()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None

    def _one_by_one(self, pending: dict[str, Value]) -> None:
        """One that does not fit, as its control went meanwhile, must not take the others with it."""
        for path, value in pending.items():
            try:
                self._controller.set({path: value}, SOURCE)
                self.changes += 1
            except RemapdError as error:
                self._refuse(error)

    def _refuse(self, error: RemapdError) -> None:
        self.refusals += 1
        self._refused(str(error))

    async def _work(self) -> None:
        try:
            while self._wishes:
                path = next(iter(self._wishes))
                await self._fulfil(path, self._wishes.pop(path))
        finally:
            self._worker = None

    async def _fulfil(self, path: str, pick: Pick) -> None:
        try:
            done = await (self._load_session(pick) if path == SESSION else self._choose(path, pick))
            self.changes += done
        except RemapdError as error:
            self._refuse(error)
        except Exception:
            _log.exception("%s could not be changed", path)

    async def _choose(self, path: str, pick: Pick) -> bool:
        present = self._controller.value(path)
        name = pick.among(pick.names or self._controller.choices(path), present)
        if name is None:
            return False
        await self._controller.change({path: name}, SOURCE)
        return True

    async def _load_session(self, pick: Pick) -> bool:
        if self._sessions is None:
            raise FieldError(SESSION, "a daemon that keeps sessions", Told("none"))
        name = pick.among(pick.names or await self._sessions.names(), self._session)
        if name is None:
            return False
        await self._sessions.load(name)
        self._session = name
        return True
