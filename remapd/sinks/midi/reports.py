"""What the MIDI process tells of its sinks: how each is at once, its figures at most once a second."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from remapd.sinks.midi.port_player import PortPlayer

COUNTS_S = 1.0
#: Bytes of names of ports in one line, which must fit a pipe as a whole.
_MAX_NAMES_BYTES = 3000


class Reports:
    """Tells what is new.

    Parameters
    ----------
    player : PortPlayer
        Whose sinks.
    tell : callable
        Takes a line's content; False if it was lost.
    """

    def __init__(self, player: PortPlayer, tell: Callable[[dict[str, Any]], bool]) -> None:
        self._player, self._tell = player, tell
        self._outputs: dict[str, Any] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._counts: dict[str, dict[str, Any]] = {}
        self._counted_s = float("-inf")

    def repeat(self) -> None:
        """Tell everything at the next turn, new or not."""
        self._outputs, self._states, self._counts = {}, {}, {}
        self._counted_s = float("-inf")

    def turn(self, now_s: float) -> None:
        """Tell what has changed since it was told."""
        outputs = self._player.outputs()
        if outputs != self._outputs:
            cut = outputs | {"outputs": _fitting(outputs["outputs"])}
            self._outputs = outputs if self._tell({"midi_out": cut}) else {}
        states = {state["id"]: state for state in self._player.states()}
        is_counting = now_s >= self._counted_s + COUNTS_S
        counts = self._player.counts() if is_counting or states != self._states else self._counts
        for identity, state in states.items():
            if state != self._states.get(identity) or counts[identity] != self._counts.get(identity):
                self._tell_sink(identity, state, counts[identity])
                self._counted_s = now_s
        self._states = {identity: state for identity, state in self._states.items() if identity in states}

    def _tell_sink(self, identity: str, state: dict[str, Any], counts: dict[str, Any]) -> None:
        if self._tell({"sink": {**counts, **state}}):
            self._states[identity], self._counts[identity] = state, counts


def _fitting(names: list[str]) -> list[str]:
    """As many names as fit."""
    fitting = list(names)
    while len(json.dumps(fitting)) > _MAX_NAMES_BYTES:
        fitting.pop()
    return fitting
