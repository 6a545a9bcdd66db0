"""What a mapping is: which movement changes which control, and how.

A mapping whose control is not in the tree at the moment, because a track went or plays another synth, rests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from remapd.control.midi.messages import Kind, Movement

#: In the place of a path: loads sessions by name.
SESSION = "session"

Press = Literal["toggle", "momentary"]
Curve = Literal["", "linear", "log"]


@dataclass(frozen=True, slots=True)
class Source:
    """Which movements a mapping listens to.

    Parameters
    ----------
    kind : str
        One of `LARGEST_NUMBER`.
    number : int
        Controller, parameter, note or program from 0; the first program where there is a list of names.
    channel : int
        From 1; 0 is any.
    port : str
        Part of the port's name, in any case; empty is any.
    bank : int, optional
        Of programs: the bank; None is any.
    """

    kind: Kind
    number: int = 0
    channel: int = 0
    port: str = ""
    bank: int | None = None

    def hears(self, movement: Movement) -> bool:
        """Whether a movement of its kind and number comes from where it listens."""
        return (
            self.channel in (0, movement.channel)
            and (self.bank is None or self.bank == movement.bank)
            and self.port.casefold() in movement.port.casefold()
        )

    def document(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {
            "kind": self.kind, "number": self.number, "channel": self.channel, "port": self.port, "bank": self.bank
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mapping:
    """One movement that changes one control.

    Parameters
    ----------
    id : str
        Its name among the mappings.
    path : str
        Path of the control in the tree, or `SESSION`.
    source : Source
        What moves.
    minimum, maximum : float, optional
        Part of the control's range, in its unit; None is its end.
    invert : bool
        Whether it runs the other way round.
    curve : {"", "linear", "log"}
        How the movement runs through the range; empty is the control's own way.
    pick_up : bool
        Whether a knob does nothing until it has come to where the control is; otherwise the control jumps.
    press : {"toggle", "momentary"}
        Whether a button changes a control to and fro, or only while it is pressed.
    names : tuple of str
        What a list of models, presets or sessions runs through; empty is all there are.
    """

    id: str
    path: str
    source: Source
    minimum: float | None = None
    maximum: float | None = None
    invert: bool = False
    curve: Curve = ""
    pick_up: bool = False
    press: Press = "toggle"
    names: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {
            "id": self.id,
            "path": self.path,
            "source": self.source.document(),
            "minimum": self.minimum,
            "maximum": self.maximum,
            "invert": self.invert,
            "curve": self.curve,
            "pick_up": self.pick_up,
            "press": self.press,
            "names": list(self.names),
        }
