"""What a movement does to a control: one kind of binding for each kind of control."""

from __future__ import annotations

from typing import Protocol

from remapd.control.midi.desk import Pick
from remapd.control.midi.mapping_fit import check_fits, range_of
from remapd.control.midi.mappings import SESSION, Mapping
from remapd.control.midi.messages import BUTTONS, Movement
from remapd.control.tree import Control, Tree, Value

#: A knob has picked a control up when it is this near: a step and a half of 128.
NEAR = 1.5 / 127.0
#: What an increment without a position moves.
STEP = 1.0 / 127.0
#: A knob that serves as a button is pressed above the one and let go below the other.
PRESSED, LET_GO = 0.55, 0.45


class Desk(Protocol):
    """What bindings act on (`remapd.control.midi.desk`)."""

    def value(self, path: str) -> Value:
        """What a control has, or will have in a moment."""

    def put(self, path: str, value: Value) -> None:
        """Change a value."""

    def trigger(self, path: str) -> None:
        """Do an action."""

    def pick(self, path: str, pick: Pick) -> None:
        """Wish for one of several names."""


class Binding(Protocol):
    """A mapping at work."""

    def act(self, movement: Movement, desk: Desk) -> None:
        """Do what a movement asks for."""


def bind(mapping: Mapping, tree: Tree) -> Binding | None:
    """The binding of a mapping; None if the tree has no control that it fits at the moment.

    Raises
    ------
    FieldError
        If the control cannot be changed as the mapping says.
    """
    if mapping.path == SESSION:
        check_fits(mapping, None, "mapping")
        return ListBinding(mapping)
    if mapping.path not in tree:
        return None
    control = tree[mapping.path]
    check_fits(mapping, control, "mapping")
    if control.kind == "action":
        return ActionBinding(mapping)
    if control.kind == "text":
        return ListBinding(mapping)
    return SwitchBinding(mapping) if control.kind == "switch" else RangeBinding(mapping, control)


class _Button:
    """When something is pressed and let go."""

    def __init__(self) -> None:
        self._is_down: bool | None = None

    def edge(self, movement: Movement) -> bool | None:
        """True when it is pressed, False when it is let go, None otherwise."""
        if movement.kind in BUTTONS:  # Every note on is a press, though a note off went missing.
            return movement.position > 0.5
        if movement.steps:
            return movement.steps > 0
        if LET_GO < movement.position < PRESSED:
            return None
        is_down = movement.position >= PRESSED
        changed, self._is_down = is_down != self._is_down, is_down
        return is_down if changed else None


class SwitchBinding:
    """Turns a switch on and off."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping, self._button = mapping, _Button()

    def act(self, movement: Movement, desk: Desk) -> None:
        """Toggle at a press, or follow."""
        edge, path = self._button.edge(movement), self._mapping.path
        if edge is None:
            return
        if self._mapping.press == "momentary":
            desk.put(path, edge != self._mapping.invert)
        elif edge:
            desk.put(path, not desk.value(path))


class ActionBinding:
    """Does an action at each press."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping, self._button = mapping, _Button()

    def act(self, movement: Movement, desk: Desk) -> None:
        """Act when it is pressed, or let go if inverted."""
        if self._button.edge(movement) is (not self._mapping.invert):
            desk.trigger(self._mapping.path)


class ListBinding:
    """Chooses among names: a program by its number, a button the next one."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping, self._button = mapping, _Button()

    def act(self, movement: Movement, desk: Desk) -> None:
        """Wish for a name."""
        mapping = self._mapping
        if movement.kind == "program":
            index = movement.number - mapping.source.number
            if index >= 0:
                desk.pick(mapping.path, Pick(mapping.names, index))
        elif movement.steps:
            desk.pick(mapping.path, Pick(mapping.names, None, self._signed(movement.steps)))
        elif self._button.edge(movement):
            desk.pick(mapping.path, Pick(mapping.names, None, self._signed(1)))

    def _signed(self, steps: int) -> int:
        return -steps if self._mapping.invert else steps


class RangeBinding:
    """Moves a number through a range."""

    def __init__(self, mapping: Mapping, control: Control) -> None:
        self._mapping, self._control = mapping, control
        self._range = range_of(mapping, control)
        self._step = STEP
        if control.kind == "whole":
            self._step = max(STEP, 1.0 / (self._range.maximum - self._range.minimum))
        #: Where the knob was before, and what it has set last.
        self._before: float | None = None
        self._written: Value | None = None

    def act(self, movement: Movement, desk: Desk) -> None:
        """Follow a knob, step, or run to an end at a press."""
        position = 1.0 - movement.position if self._mapping.invert else movement.position
        if movement.steps:
            steps = -movement.steps if self._mapping.invert else movement.steps
            self._put(desk, self._place(desk) + steps * self._step)
        elif movement.kind in BUTTONS:
            self._press(movement.position > 0.5, position, desk)
        elif not self._mapping.pick_up or self._has_caught(position, desk):
            self._put(desk, position)

    def _press(self, is_down: bool, position: float, desk: Desk) -> None:
        if self._mapping.press == "momentary":
            self._put(desk, position)
        elif is_down:
            self._put(desk, 0.0 if self._place(desk) > 0.5 else 1.0)

    def _has_caught(self, position: float, desk: Desk) -> bool:
        """Whether the control follows: it does from where the knob met it, until something else moves it."""
        before, self._before = self._before, position
        if self._written is not None and desk.value(self._mapping.path) == self._written:
            return True
        self._written = None
        here = self._place(desk)
        return abs(position - here) <= NEAR or (before is not None and (before - here) * (position - here) <= 0.0)

    def _place(self, desk: Desk) -> float:
        """Where the control is in the range, 0..1."""
        value = float(desk.value(self._mapping.path))
        return self._range.to_position(min(self._range.maximum, max(self._range.minimum, value)))

    def _put(self, desk: Desk, position: float) -> None:
        number = self._range.from_position(position)
        self._written = round(number) if self._control.kind == "whole" else number
        desk.put(self._mapping.path, self._written)
