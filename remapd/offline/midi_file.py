"""Hits as a standard MIDI file: for each hit the changed parameters as controllers, then the note.

One track of the file per track of the engine, on channels 10, 11, ... (16 is followed by 1). Ticks are 50 us long, so
that a note is never more than 25 us from its hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remapd.offline.event_files import Event
from remapd.parameters import ParameterTable

#: Acoustic snare on the drum channel of General MIDI.
NOTE = 38
FIRST_CHANNEL = 10
#: Controllers 102 to 119 have no meaning of their own; what lies beyond is channel mode messages.
FIRST_CONTROLLER = 102
CONTROLLERS = 18

TEMPO_US = 500_000
TICKS_PER_BEAT = 10_000
TICKS_PER_SECOND = TICKS_PER_BEAT * 1_000_000 // TEMPO_US
NOTE_LENGTH_S = 0.1


@dataclass
class _Channel:
    """What one track has sent so far."""

    name: str
    channel: int
    table: ParameterTable
    messages: list[tuple[int, Any]] = field(default_factory=list)
    controllers: dict[int, int] = field(default_factory=dict)
    note_off: int | None = None


class MidiFileWriter:
    """Gathers hits and writes them as a type 1 file.

    Parameters
    ----------
    path : Path
        File to write when it is closed.
    tracks : sequence of (str, ParameterTable)
        Name and synth parameters of each track.
    loudness : int
        Place of the loudness among the scaled features; it becomes the velocity.
    """

    def __init__(self, path: Path, tracks: Sequence[tuple[str, ParameterTable]], loudness: int = 0) -> None:
        self._path = path
        self._loudness = loudness
        self._channels = [
            _Channel(name, (FIRST_CHANNEL - 1 + index) % 16, table) for index, (name, table) in enumerate(tracks)
        ]

    def write(self, event: Event) -> None:
        """Add a hit; the hits of one track come in the order of time."""
        channel = self._channels[event["track"]]
        tick = round(event["trigger_s"] * TICKS_PER_SECOND)
        _end_note(channel, tick)
        _send_controllers(channel, tick, event["values"])
        _start_note(channel, tick, velocity(event["scaled"][self._loudness]))

    def close(self) -> None:
        """Write the file."""
        import mido

        file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
        file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO_US, time=0)]))
        for channel in self._channels:
            _end_note(channel, None)
            file.tracks.append(_midi_track(channel))
        file.save(str(self._path))


def velocity(loudness: float) -> int:
    """Velocity 1 to 127 of a loudness scaled to 0..1."""
    return 1 + round(126 * min(1.0, max(0.0, loudness)))


def controller_value(table: ParameterTable, name: str, value: float) -> int:
    """A parameter's value, in its unit, as 0 to 127 along its curve."""
    return round(127 * min(1.0, max(0.0, table[name].to_position(value))))


def _end_note(channel: _Channel, limit: int | None) -> None:
    """End the note that sounds, at the latest at tick `limit`."""
    import mido

    if channel.note_off is None:
        return
    tick = channel.note_off if limit is None else min(limit, channel.note_off)
    channel.messages.append((tick, mido.Message("note_off", channel=channel.channel, note=NOTE, velocity=0)))
    channel.note_off = None


def _send_controllers(channel: _Channel, tick: int, values: dict[str, float]) -> None:
    import mido

    for name in channel.table.names[:CONTROLLERS]:
        if name not in values:
            continue
        control = FIRST_CONTROLLER + channel.table.index(name)
        value = controller_value(channel.table, name, values[name])
        if channel.controllers.get(control) != value:
            channel.controllers[control] = value
            message = mido.Message("control_change", channel=channel.channel, control=control, value=value)
            channel.messages.append((tick, message))


def _start_note(channel: _Channel, tick: int, speed: int) -> None:
    import mido

    channel.messages.append((tick, mido.Message("note_on", channel=channel.channel, note=NOTE, velocity=speed)))
    channel.note_off = tick + round(NOTE_LENGTH_S * TICKS_PER_SECOND)


def _midi_track(channel: _Channel) -> Any:
    """The messages with the ticks since the one before."""
    import mido

    track = mido.MidiTrack([mido.MetaMessage("track_name", name=_latin(channel.name), time=0)])
    before = 0
    for tick, message in channel.messages:
        track.append(message.copy(time=tick - before))
        before = tick
    return track


def _latin(name: str) -> str:
    """A name in the character set of MIDI files."""
    return name.encode("latin-1", "replace").decode("latin-1")
