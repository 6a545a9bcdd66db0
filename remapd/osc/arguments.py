"""OSC arguments that Python has no type of its own for."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

from remapd.osc.timetag import TimeTag


class Impulse(enum.Enum):
    """The argument ``I``, which has no value ("infinitum", "impulse", "bang")."""

    IMPULSE = enum.auto()


IMPULSE = Impulse.IMPULSE


class Symbol(str):
    """String of type ``S``."""


class Char(str):
    """One character, of type ``c``."""


class Rgba(NamedTuple):
    """Colour of type ``r``, each part from 0 to 255."""

    red: int
    green: int
    blue: int
    alpha: int


class MidiMessage(NamedTuple):
    """MIDI message of type ``m``, each byte from 0 to 255."""

    port: int
    status: int
    data1: int
    data2: int


#: What a message carries: int is ``i`` or ``h``, float is ``f`` or ``d``, bool is ``T`` or ``F``, str is ``s``, bytes
#: are ``b``, None is ``N``, a sequence is an array in ``[ ]``.
Argument = (
    int | float | bool | str | bytes | None | Impulse | TimeTag | Rgba | MidiMessage | Sequence["Argument"]  # type: ignore[misc]
)
