"""MIDI messages as bytes; channels count from 1."""

from __future__ import annotations

from typing import Literal, NamedTuple

#: Kinds of controllers that have a value of their own on the device.
Kind = Literal["cc", "cc14", "nrpn", "nrpn7", "pitch_bend", "pressure", "poly_pressure"]

#: From the coarse to the fine half of a controller of 14 bits.
FINE = 32
BANK_COARSE, BANK_FINE, DATA_COARSE, DATA_FINE = 0, 32, 6, 38
NRPN_COARSE, NRPN_FINE, RPN_COARSE, RPN_FINE = 99, 98, 101, 100
_SUSTAIN, _ALL_SOUND_OFF, _ALL_NOTES_OFF = 64, 120, 123
#: Registered parameter by which MPE is set up.
_MPE_CONFIGURATION = 6
_BEND_REST = 8192


class Address(NamedTuple):
    """What a value is the value of: one controller on one channel."""

    kind: Kind
    channel: int
    number: int = 0


def note_on(channel: int, note: int, velocity: int) -> bytes:
    """Start a note; `velocity` is 1 to 127."""
    return bytes((0x90 | channel - 1, note, velocity))


def note_off(channel: int, note: int) -> bytes:
    """End a note."""
    return bytes((0x80 | channel - 1, note, 0))


def controller(channel: int, number: int, value: int) -> bytes:
    """Control change."""
    return bytes((0xB0 | channel - 1, number, value))


def pitch_bend(channel: int, value: int) -> bytes:
    """Pitch bend of -8192 to 8191."""
    coarse, fine = divmod(value + _BEND_REST, 128)
    return bytes((0xE0 | channel - 1, fine, coarse))


def pressure(channel: int, value: int) -> bytes:
    """Aftertouch of a whole channel."""
    return bytes((0xD0 | channel - 1, value))


def poly_pressure(channel: int, note: int, value: int) -> bytes:
    """Aftertouch of one note."""
    return bytes((0xA0 | channel - 1, note, value))


def program(channel: int, number: int, bank: int | None = None) -> list[bytes]:
    """Select a program, and its bank of 14 bits if there is one."""
    change = bytes((0xC0 | channel - 1, number))
    if bank is None:
        return [change]
    coarse, fine = divmod(bank, 128)
    return [controller(channel, BANK_COARSE, coarse), controller(channel, BANK_FINE, fine), change]


def parameter_number(channel: int, number: int) -> list[bytes]:
    """Select a parameter that is not registered (NRPN)."""
    coarse, fine = divmod(number, 128)
    return [controller(channel, NRPN_COARSE, coarse), controller(channel, NRPN_FINE, fine)]


def mpe_zone(channels: int) -> list[bytes]:
    """Set up MPE's lower zone: channel 1 is the manager, as many after it have a note each."""
    return [
        controller(1, RPN_COARSE, 0),
        controller(1, RPN_FINE, _MPE_CONFIGURATION),
        controller(1, DATA_COARSE, channels),
    ]


def all_off(channel: int) -> list[bytes]:
    """End whatever sounds: pedal up, all notes off, all sound off."""
    return [controller(channel, number, 0) for number in (_SUSTAIN, _ALL_NOTES_OFF, _ALL_SOUND_OFF)]
