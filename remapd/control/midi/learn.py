"""Learning: which movement a person means who has touched a control and now moves something.

The first movement that fits wins. A controller below 64 may be half of a fine one, so it is waited a moment whether the
other half comes.
"""

from __future__ import annotations

from remapd.control.midi.mappings import Source
from remapd.control.midi.messages import Kind, Movement
from remapd.control.tree import Control

#: Halves of one value are no further apart, and nobody moves two things so close together.
SETTLE_S = 0.05
#: Controllers from here on are no halves.
_FIRST_SINGLE = 64
_FINE_OFFSET = 32

_TURNED: tuple[Kind, ...] = ("cc", "cc14", "nrpn", "pitch_bend", "pressure")
_PRESSED: tuple[Kind, ...] = ("note", "cc", "program", "nrpn")


def fitting(control: Control | None) -> tuple[Kind, ...]:
    """Kinds of movement that are meant for a control; None is the list of sessions."""
    return _TURNED if control is not None and control.kind in ("number", "whole") else _PRESSED


class Learner:
    """Waits for the movement that is meant.

    Parameters
    ----------
    control : Control or None
        For what; None is the list of sessions.
    """

    def __init__(self, control: Control | None) -> None:
        self._kinds = fitting(control)
        self._candidate: Movement | None = None
        self._settled_s = 0.0

    @property
    def settles_at_s(self) -> float | None:
        """When `settled` will have an answer, if something has moved."""
        return self._settled_s if self._candidate is not None else None

    def offer(self, movement: Movement, now_s: float) -> Source | None:
        """Look at a movement; returns what has been learnt if that is clear now."""
        if movement.kind not in self._kinds or (movement.kind == "note" and movement.position <= 0.5):
            return None
        if movement.kind == "cc14":
            is_meant = movement.fine and self._is_of(movement.number, movement)
            return _source(movement) if is_meant else None
        if movement.kind == "cc" and movement.number < _FIRST_SINGLE:
            self._consider(movement, now_s)
            return None
        return _source(movement)

    def settled(self, now_s: float) -> Source | None:
        """What has been learnt, when the other half had time to come."""
        if self._candidate is None or now_s < self._settled_s:
            return None
        return _source(self._candidate)

    def _consider(self, movement: Movement, now_s: float) -> None:
        """A controller that may be a half: the first counts, but a coarse half comes before its fine one."""
        if self._candidate is None:
            self._candidate, self._settled_s = movement, now_s + SETTLE_S
        elif self._is_of(movement.number + _FINE_OFFSET, movement):
            self._candidate = movement

    def _is_of(self, number: int, movement: Movement) -> bool:
        """Whether the candidate is the controller of this number where a movement came from."""
        first = self._candidate
        if first is None:
            return False
        return (first.number, first.channel, first.port) == (number, movement.channel, movement.port)


def _source(movement: Movement) -> Source:
    return Source(movement.kind, movement.number, movement.channel, movement.port)
