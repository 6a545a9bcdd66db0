"""What one sink makes of a hit: a note, and values that its controllers should have."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from remapd.engine.events import HitEvent
from remapd.sinks.midi.control import Control
from remapd.sinks.midi.document import MidiSink
from remapd.sinks.midi.encode import Address
from remapd.sinks.midi.notes import Key, Notes
from remapd.sinks.midi.scale import Scale
from remapd.sinks.midi.sensitivity import sensitivity
from remapd.sinks.sources import SourceRef
from remapd.sinks.wire.packet import Source
from remapd.synth.registry import SYNTHS

#: What a control reads of a hit, its number on the sink, and its velocity.
Reader = Callable[[HitEvent, int, float], float | None]
#: The controller that MPE has for each note by itself, besides pitch bend and pressure.
_MPE_TIMBRE = 74


class Aim(NamedTuple):
    """A value that something on the device should have."""

    #: What.
    address: Address
    #: In the device's numbers.
    value: int
    #: Of the control's whole way on the device.
    steps: int
    #: How much the whole way is heard.
    worth: float
    #: Whether it belongs to one note of MPE.
    is_of_note: bool = False


@dataclass(frozen=True, slots=True)
class Play:
    """A note that a sink plays for a hit, and what should be set before it."""

    sink: MidiSink
    key: Key
    velocity: int
    aims: tuple[Aim, ...]


@dataclass(slots=True)
class _Way:
    """One control while one synthesiser plays, with what does not depend on the hit."""

    control: Control
    #: Of the control in the sink.
    place: int
    scale: Scale
    read: Reader
    steps: int
    worth: float


class SinkPlayer:
    """One sink, with what it remembers from hit to hit.

    Attributes
    ----------
    sink : MidiSink
        What it plays.
    """

    def __init__(self, sink: MidiSink) -> None:
        self.sink = sink
        self._hits = 0
        # Made for every synthesiser at once, so that the first hit after a change takes no longer.
        self._ways = {synth: list(_ways(sink, synth)) for synth in SYNTHS}
        #: Position and number of each control, by its place, and by track.
        self._last: dict[tuple[int, int], tuple[float, int]] = {}
        self._last_member = 1

    @property
    def channels(self) -> range:
        """The channels that it uses."""
        sink = self.sink
        return range(1, sink.mpe_channels + 2) if sink.mpe else range(sink.channel, sink.channel + 1)

    def moves(self, address: Address) -> bool:
        """Whether one of its controls moves what is there."""
        # Pressure of one note has the note for a number, whichever that is.
        numbers = {c.number for c in self.sink.controls if c.kind == address.kind}
        found = bool(numbers) if address.kind == "poly_pressure" else address.number in numbers
        return found and address.channel in self.channels

    def play(self, hit: HitEvent, notes: Notes, taken: Collection[int] = ()) -> Play:
        """Note and aims of a hit; MPE takes a channel without a note that is not `taken` by the same hit."""
        self._hits += 1
        velocity = self.sink.velocity.of(hit)
        low, high = self.sink.minimum_velocity, self.sink.maximum_velocity
        note, speed = self.sink.note, low + round(velocity * (high - low))
        moves = list(self._moves(hit, velocity))
        for way, number in moves:
            if way.control.kind == "note":
                note = number
            elif way.control.kind == "velocity":
                speed = number
        channel = self._member(notes, taken) if self.sink.mpe else self.sink.channel
        return Play(self.sink, (channel, note), speed, tuple(self._aims(moves, channel, note)))

    def _moves(self, hit: HitEvent, velocity: float) -> Iterator[tuple[_Way, int]]:
        """Device's number of each control that the hit moves."""
        for way in self._ways[hit.synth]:
            number = way.read(hit, self._hits, velocity)
            if number is not None and math.isfinite(number):
                yield way, self._number(way, (way.place, hit.track), way.scale.position(number))

    def _number(self, way: _Way, key: tuple[int, int], position: float) -> int:
        """Smoothed, and left as it was where it hardly moved."""
        control, last = way.control, self._last.get(key)
        if last is not None:
            position += control.smoothing * (last[0] - position)
        number = way.scale.number(position)
        if last is not None and abs(number - last[1]) < control.threshold:
            number = last[1]
        self._last[key] = position, number
        return number

    def _aims(self, moves: list[tuple[_Way, int]], channel: int, note: int) -> Iterator[Aim]:
        for way, value in moves:
            kind, number = way.control.kind, way.control.number
            if kind == "note" or kind == "velocity":  # Compared one by one, which narrows the type.
                continue
            is_of_note = self.sink.mpe and (kind in ("pitch_bend", "pressure") or (kind, number) == ("cc", _MPE_TIMBRE))
            where = channel if is_of_note else self.sink.channel
            address = Address(kind, where, note if kind == "poly_pressure" else number)
            yield Aim(address, value, way.steps, way.worth, is_of_note)

    def _member(self, notes: Notes, taken: Collection[int]) -> int:
        """The next channel that is free, or the one whose note began first."""
        members = list(self.channels)[1:]
        after = members[self._last_member - 1 :] + members[: self._last_member - 1]
        ours = [channel for channel in after if channel not in taken] or after
        free = (channel for channel in ours if not notes.on_channel(channel))
        self._last_member = next(free, None) or notes.oldest_channel(ours) or ours[0]
        return self._last_member


def _ways(sink: MidiSink, synth: str) -> Iterator[_Way]:
    """Ways of the controls that move while a synthesiser plays."""
    table = SYNTHS[synth].table
    for place, control in enumerate(sink.controls):
        if control.synth in ("", synth) and control.source.resolve(table) is not None:
            scale = Scale(control, table)
            worth = control.weight * scale.span * sensitivity(synth, control.source)
            yield _Way(control, place, scale, _reader(control.source), control.maximum - control.minimum, worth)


def _reader(source: SourceRef) -> Reader:
    """A parameter's value, which the scale takes from there; else as `SourceRef.value` has it."""
    if source.kind == Source.VALUE:
        name = source.name
        return lambda hit, number, velocity: hit.values.get(name)
    return source.value
