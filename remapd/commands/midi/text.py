"""MIDI messages in words."""

from __future__ import annotations

_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MODES = {120: "all sound off", 121: "reset controllers", 123: "all notes off"}
_SYSTEM = {
    0xF0: "system exclusive", 0xF1: "time code", 0xF2: "song position", 0xF3: "song", 0xF6: "tune",
    0xF8: "clock", 0xFA: "start", 0xFB: "continue", 0xFC: "stop", 0xFE: "active sensing", 0xFF: "reset",
}  # fmt: skip
_LENGTHS = {0x80: 3, 0x90: 3, 0xA0: 3, 0xB0: 3, 0xC0: 2, 0xD0: 2, 0xE0: 3}


def note_name(note: int) -> str:
    """Number of a note and its name; 60 is C4."""
    return f"{note} ({_NOTES[note % 12]}{note // 12 - 1})"


def address_text(kind: str, number: int) -> str:
    """What a control of a sink moves, as the charts of devices have it."""
    if kind in ("nrpn", "nrpn7"):
        return f"NRPN {number // 128}, {number % 128}"
    if kind == "cc14":
        return f"CC {number} and {number + 32}"
    return f"CC {number}" if kind == "cc" else kind.replace("_", " ")


def text_of(message: bytes) -> str:
    """One message; what is none is shown as its bytes."""
    kind = message[0] & 0xF0 if message else 0
    if kind == 0xF0:
        return f"{_SYSTEM.get(message[0], 'system')}{f', {len(message)} bytes' if len(message) > 1 else ''}"
    if len(message) != _LENGTHS.get(kind) or max(message[1:]) > 127:
        return f"no MIDI message: {message[:16].hex(' ')}"
    return f"channel {(message[0] & 0x0F) + 1:2}  {_voice(kind, *message[1:])}"


def _voice(kind: int, first: int, second: int = 0) -> str:
    if kind == 0x80 or (kind == 0x90 and second == 0):
        return f"note off {note_name(first)}"
    if kind == 0x90:
        return f"note on {note_name(first)}, velocity {second}"
    if kind == 0xA0:
        return f"pressure of note {note_name(first)}: {second}"
    if kind == 0xB0:
        return _MODES.get(first, f"controller {first}: {second}")
    if kind == 0xC0:
        return f"program {first}"
    return f"pressure: {first}" if kind == 0xD0 else f"pitch bend: {(second << 7 | first) - 8192}"
