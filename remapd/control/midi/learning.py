"""Learning as people see it: begun for a path, ended by a movement, by a time-out or by somebody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from remapd.control.bulletin import Bulletin
from remapd.control.midi.learn import Learner
from remapd.control.midi.mapping_fit import check_changeable
from remapd.control.midi.mapping_list import MappingList
from remapd.control.midi.mappings import SESSION, Source
from remapd.control.midi.messages import Movement
from remapd.control.tree import Tree
from remapd.errors import RemapdError
from remapd.parameters import Parameter

TIMEOUT = Parameter("timeout_s", "s", 1.0, 120.0, 20.0, "Time for a movement.")


class Learning:
    """At most one path at a time waits for its movement.

    Parameters
    ----------
    tree : callable
        Gives the tree as it is.
    mappings : MappingList
        Where what is learnt goes.
    bulletin : Bulletin
        Is told ``midi_learn`` with ``path`` and ``state``: waiting, learnt (and the mapping), refused (and why),
        timed_out, cancelled.
    """

    def __init__(self, tree: Callable[[], Tree], mappings: MappingList, bulletin: Bulletin) -> None:
        self._tree, self._mappings, self._bulletin = tree, mappings, bulletin
        self._learner: Learner | None = None
        self._document: dict[str, Any] = {}
        self._instead = True
        self._until_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the next movement is looked at."""
        return self._learner is not None

    def document(self) -> dict[str, Any]:
        """Give its state as JSON has it: whether it waits, for which path, and for how many seconds more."""
        if self._learner is None:
            return {"waiting": False, "path": None, "remaining_s": 0.0}
        return {"waiting": True, "path": self._path, "remaining_s": max(0.0, self._until_s - time.monotonic())}

    def begin(self, document: Mapping[str, Any], instead: bool = True, timeout_s: float = TIMEOUT.default) -> None:
        """Wait for a movement; whatever was waited for before is cancelled.

        Parameters
        ----------
        document : mapping
            ``path``, and more of a mapping but its ``source``.
        instead : bool
            Whether other mappings of the path go.
        timeout_s : float
            After which it is given up, in s.

        Raises
        ------
        FieldError
            If there is no such path, MIDI may not change it, or the rest does not fit.
        """
        timeout_s = TIMEOUT.check(timeout_s)
        control = check_changeable(document, self._tree(), "learn")
        self.cancel()
        self._learner, self._document, self._instead = Learner(control), dict(document), instead
        self._until_s = time.monotonic() + timeout_s
        self._timer = asyncio.get_running_loop().call_later(timeout_s, self._end, "timed_out")
        self._tell("waiting")

    def cancel(self) -> bool:
        """Wait no more; whether anything was waited for."""
        if self._learner is None:
            return False
        self._end("cancelled")
        return True

    def offer(self, movement: Movement, now_s: float) -> None:
        """Look at a movement."""
        if self._learner is None:
            return
        source = self._learner.offer(movement, now_s)
        if source is not None:
            self._take(source)
        elif self._learner.settles_at_s is not None and self._settling is None:
            delay_s = self._learner.settles_at_s - now_s
            self._settling = asyncio.get_running_loop().call_later(delay_s, self._settle)

    def _settle(self) -> None:
        """Nothing more came of what may have been half of a value."""
        self._settling = None
        if self._learner is None or self._learner.settles_at_s is None:
            return
        source = self._learner.settled(max(time.monotonic(), self._learner.settles_at_s))
        if source is not None:
            self._take(source)

    def _take(self, source: Source) -> None:
        """A mapping of the movement that was meant."""
        try:
            document = {**self._document, "source": self._first(source).document()}
            mapping = self._mappings.add(document, "learn", self._instead)
        except RemapdError as error:
            self._end("refused", {"detail": str(error)})
        else:
            self._end("learnt", {"mapping": mapping.document()})

    def _first(self, source: Source) -> Source:
        """Programs choose from all there are by their number, from names that were given by their place."""
        is_list = self._path == SESSION or self._tree()[self._path].kind == "text"
        if source.kind == "program" and is_list and not self._document.get("names"):
            return Source(source.kind, 0, source.channel, source.port)
        return source

    @property
    def _path(self) -> str:
        return str(self._document["path"])

    def _end(self, state: str, more: Mapping[str, Any] | None = None) -> None:
        for timer in (self._timer, self._settling):
            if timer is not None:
                timer.cancel()
        self._learner = self._timer = self._settling = None
        self._tell(state, more)

    def _tell(self, state: str, more: Mapping[str, Any] | None = None) -> None:
        self._bulletin.post("midi_learn", {"state": state, "path": self._path, **(more or {})})
