"""Movements: what a controller did, with both halves of fine controllers put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["cc", "cc14", "nrpn", "rpn", "pitch_bend", "pressure", "note", "program"]

#: Largest number of each kind of source; those that have none are numbered 0.
LARGEST_NUMBER: dict[Kind, int] = {
    "cc": 119,
    "cc14": 31,
    "nrpn": 16383,
    "rpn": 16383,
    "pitch_bend": 0,
    "pressure": 0,
    "note": 127,
    "program": 127,
}
#: Kinds that are pressed rather than turned.
BUTTONS: tuple[Kind, ...] = ("note", "program")


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of something on a controller.

    Parameters
    ----------
    kind : str
        What moved: ``cc`` (7 bits), ``cc14``, ``nrpn``, ``rpn``, ``pitch_bend``, ``pressure``, ``note``, ``program``.
    channel : int
        MIDI channel from 1.
    number : int
        Which of its kind: controller, parameter, note or program from 0.
    position : float
        Where it is now, 0..1; of a button 1 while it is pressed.
    steps : int
        For a data increment or decrement, which tells no position: how far it went.
    bank : int
        Of a program: the bank that was selected before (14 bits).
    fine : bool
        Whether both halves of a fine controller came.
    port : str
        Name of the port.
    """

    kind: Kind
    channel: int
    number: int
    position: float
    steps: int = 0
    bank: int = 0
    fine: bool = False
    port: str = ""


def position_of(value: int, bits: int) -> float:
    """Place of a value on 0..1: the ends are 0 and 1, and MIDI's centre (64 of 127) is exactly a half."""
    centre = 1 << (bits - 1)
    if value <= centre:
        return value / (2.0 * centre)
    return 0.5 + (value - centre) / (2.0 * (centre - 1))
