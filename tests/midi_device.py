"""A MIDI instrument and its cable for tests: what arrives when, and what the instrument then knows. Parsed by mido."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import mido

from remapd.engine.events import HitEvent
from remapd.sinks.midi.document import MidiSink
from remapd.sinks.midi.encode import Address
from remapd.sinks.midi.port_out import PortOut

DIN_BYTE_S = 10.0 / 31250.0


@dataclass
class Instrument:
    """All sixteen channels; a coarse half sets the fine one to 0, as the standard has it."""

    controllers: dict[tuple[int, int], int] = field(default_factory=dict)
    numbered: dict[tuple[int, int], int] = field(default_factory=dict)
    others: dict[tuple[str, int, int], int] = field(default_factory=dict)
    programs: dict[int, tuple[int, int]] = field(default_factory=dict)
    sounding: set[tuple[int, int]] = field(default_factory=set)
    started: list[mido.Message] = field(default_factory=list)
    _selected: dict[int, list[int]] = field(default_factory=dict)

    def hear(self, data: bytes) -> None:
        message = mido.Message.from_bytes(data)  # It refuses what is not one whole message.
        getattr(self, f"_{message.type}")(message, message.channel + 1)

    def value(self, address: Address) -> int | None:
        kind, channel, number = address
        if kind == "cc":
            return self.controllers.get((channel, number))
        if kind == "cc14":
            coarse, fine = (self.controllers.get((channel, n)) for n in (number, number + 32))
            return None if coarse is None else coarse * 128 + (fine or 0)
        if kind in ("nrpn", "nrpn7"):
            value = self.numbered.get((channel, number))
            return None if value is None else value if kind == "nrpn" else value // 128
        return self.others.get((kind, channel, number))

    def _note_on(self, message: mido.Message, channel: int) -> None:
        assert message.velocity > 0
        assert (channel, message.note) not in self.sounding, "a note begins twice"
        self.sounding.add((channel, message.note))
        self.started.append(message)

    def _note_off(self, message: mido.Message, channel: int) -> None:
        self.sounding.remove((channel, message.note))

    def _control_change(self, message: mido.Message, channel: int) -> None:
        number, value = message.control, message.value
        self.controllers[channel, number] = value
        if number < 32:
            self.controllers.pop((channel, number + 32), None)
        if number in (98, 99, 100, 101):
            selected = self._selected.setdefault(channel, [0, 0, 0])
            selected[0 if number in (99, 101) else 1], selected[2] = value, number >= 100
        elif number in (6, 38) and channel in self._selected and not self._selected[channel][2]:
            place = channel, self._selected[channel][0] * 128 + self._selected[channel][1]
            coarse = value if number == 6 else self.numbered[place] // 128
            self.numbered[place] = coarse * 128 + (value if number == 38 else 0)
        elif number in (120, 123):
            self.sounding = {key for key in self.sounding if key[0] != channel}

    def _program_change(self, message: mido.Message, channel: int) -> None:
        bank = self.controllers.get((channel, 0), 0) * 128 + self.controllers.get((channel, 32), 0)
        self.programs[channel] = bank, message.program

    def _pitchwheel(self, message: mido.Message, channel: int) -> None:
        self.others["pitch_bend", channel, 0] = message.pitch

    def _aftertouch(self, message: mido.Message, channel: int) -> None:
        self.others["pressure", channel, 0] = message.value

    def _polytouch(self, message: mido.Message, channel: int) -> None:
        self.others["poly_pressure", channel, message.note] = message.value


@dataclass(frozen=True)
class Arrival:
    """One message: when it was handed over, when it began on the wire and ended there, and in what."""

    handed_s: float
    begins_s: float
    ends_s: float
    data: bytes

    @property
    def is_note_on(self) -> bool:
        return self.data[0] & 0xF0 == 0x90

    @property
    def is_note_off(self) -> bool:
        return self.data[0] & 0xF0 == 0x80


class Cable:
    """Carries one message after the other."""

    def __init__(self, byte_s: float) -> None:
        self.byte_s, self.free_s = byte_s, 0.0
        self.arrivals: list[Arrival] = []

    def carry(self, messages: Iterable[bytes], now_s: float) -> list[Arrival]:
        taken = []
        for data in messages:
            begins_s = max(now_s, self.free_s)
            self.free_s = begins_s + len(data) * self.byte_s
            taken.append(Arrival(now_s, begins_s, self.free_s, data))
        self.arrivals += taken
        return taken


class Stage:
    """A port on a cable with an instrument at its end, and time that passes."""

    def __init__(self, sinks: Sequence[MidiSink], byte_s: float, port: PortOut | None = None) -> None:
        self.port = port or PortOut(sinks, byte_s)
        self.cable, self.instrument, self.now_s = Cable(byte_s), Instrument(), 0.0

    def send(self, messages: Iterable[bytes]) -> list[Arrival]:
        taken = self.cable.carry(messages, self.now_s)
        for arrival in taken:
            self.instrument.hear(arrival.data)
        return taken

    def hit(self, hit: HitEvent) -> list[Arrival]:
        return self.send(self.port.hit(hit, self.now_s))

    def wait(self, until_s: float) -> list[Arrival]:
        """Do what is due until then; whoever asks when it is due gets something."""
        taken = []
        while (due_s := self.port.next_due_s) is not None and due_s <= until_s:
            self.now_s = max(self.now_s, due_s)
            messages = self.port.due(self.now_s)
            assert messages, "nothing was due"
            taken += self.send(messages)
        self.now_s = max(self.now_s, until_s)
        return taken
