"""What goes out of one MIDI port, and when: controllers, then the note, and the rest in the gaps between hits.

Nothing here does I/O. Messages that a method returns are to be sent at once, in their order; `PortOut.next_due_s` tells
when to ask for more. The wire is modelled, so that a note never waits for longer than its sink allows behind
controllers, and behind nothing else but notes and the one message that a gap was being filled with.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from remapd.engine.events import HitEvent
from remapd.sinks.midi import encode
from remapd.sinks.midi.counts import Counts
from remapd.sinks.midi.device import Device
from remapd.sinks.midi.document import MidiSink
from remapd.sinks.midi.encode import Address
from remapd.sinks.midi.notes import Key, Notes
from remapd.sinks.midi.pending import Pending, Priority, audible_first
from remapd.sinks.midi.sink_player import Aim, Play, SinkPlayer
from remapd.sinks.midi.wire import BYTE_S, Wire

_NOTE_SIZE = 3
_PEDAL = 64
#: Sums of floats may differ by as much, in s.
_ROUNDING_S = 1e-9

Messages = list[bytes]


class PortOut:
    """One port and the sinks that play through it.

    Times are in s, by any clock that does not go back.

    Parameters
    ----------
    sinks : sequence of MidiSink
        Those that are not enabled play nothing. If one of them feeds a DIN cable the port is as slow.
    byte_s : float, optional
        What a byte takes on the wire, in s, if it is not that of the sinks; 0 is no time at all.
    priority : callable
        Which of the values that are missing go first.
    """

    def __init__(
        self, sinks: Sequence[MidiSink], byte_s: float | None = None, priority: Priority = audible_first
    ) -> None:
        self._given_byte_s = byte_s
        self._players: list[SinkPlayer] = []
        self._device = Device()
        self._pending = Pending(self._device, priority)
        self._notes = Notes()
        self._wire = Wire(0.0)
        self._counts = Counts()
        #: Bank and program that were selected on a channel, and the number of MPE's channels.
        self._programs: dict[int, tuple[int | None, int]] = {}
        self._mpe_channels: int | None = None
        self._take(sinks)

    @property
    def counts(self) -> dict[str, int]:
        """Running totals of what was sent, and of what was not and why."""
        pending = self._pending
        return self._counts.as_dict() | {"coalesced": pending.coalesced, "unchanged": pending.unchanged}

    @property
    def next_due_s(self) -> float | None:
        """When `due` will have something to send; None while there is nothing."""
        first = self._notes.first
        times = [] if first is None else [max(first[0], self._wire.ready_s(_NOTE_SIZE))]
        upcoming = self._pending.next()
        if upcoming is not None:
            times.append(self._wire.ready_s(len(upcoming[1])))
        return min(times, default=None)

    def opening(self, now_s: float) -> Messages:
        """Set up the instruments, as the port has just been opened: what they know of earlier is not known.

        Notes that sounded when the port was lost end, and the last values are sent again, in the gaps.
        """
        self._device.forget()
        self._programs.clear()
        self._mpe_channels = None
        out: Messages = []
        self._end(self._notes.sounding(), now_s, out)
        self._set_up(now_s, out)
        self._pending.again()
        return out

    def change(self, sinks: Sequence[MidiSink], now_s: float) -> Messages:
        """Play other sinks from now on; those that stay as they were keep what they remember.

        The notes of the others end, and instruments are set up where that differs.
        """
        out: Messages = []
        stay = {player.sink.id for player in self._players if player.sink in sinks}
        gone = [key for player in self._players if player.sink.id not in stay for key in self._of(player)]
        self._end(gone, now_s, out)
        self._take(sinks)
        self._pending.keep(self._is_played)
        self._set_up(now_s, out)
        return out

    def hit(self, hit: HitEvent, now_s: float, only: str | None = None) -> Messages:
        """What a hit sends at once: notes that it ends, controllers as far as there is time for them, and its notes.

        Parameters
        ----------
        hit : HitEvent
            The hit.
        now_s : float
            Present time.
        only : str, optional
            The one sink that plays, whatever its tracks.
        """
        plays: list[Play] = []
        for player in self._players:
            if _hears(player, hit, only):
                plays.append(player.play(hit, self._notes, {play.key[0] for play in plays}))
        self._pending.want(aim for play in plays for aim in play.aims)
        plays.sort(key=lambda play: play.sink.late_ms)
        groups = [list(group) for _, group in itertools.groupby(plays, lambda play: play.sink.late_ms)]
        out: Messages = []
        for at, group in enumerate(groups):
            for play in group:
                self._end(self._cut_by(play), now_s, out)
            self._approach(group, self._room(groups[at:], now_s), now_s, out)
            for play in group:
                self._start(play, now_s, out)
        return out

    def due(self, now_s: float) -> Messages:
        """What may be sent by now: ends of notes, then values that are missing, as far as the wire is free."""
        out: Messages = []
        while True:
            first, upcoming = self._notes.first, self._pending.next()
            if first is not None and first[0] <= now_s and self._wire.ready_s(_NOTE_SIZE) <= now_s:
                self._end([first[1]], now_s, out)
            elif upcoming is not None and self._wire.ready_s(len(upcoming[1])) <= now_s:
                self._send_value(*upcoming, now_s, out)
            else:
                return out

    def silence(self, now_s: float) -> Messages:
        """End everything that sounds, and give up what was not sent yet."""
        out: Messages = []
        self._end(self._notes.sounding(), now_s, out)
        self._pending.drop()
        for channel in sorted({channel for player in self._players for channel in player.channels}):
            for message in encode.all_off(channel):
                self._send(message, now_s, out)
            pedal = Address("cc", channel, _PEDAL)
            if self._device.value(pedal) is not None:
                self._device.hear(pedal, encode.controller(channel, _PEDAL, 0))
        return out

    def _take(self, sinks: Sequence[MidiSink]) -> None:
        known = {player.sink: player for player in self._players}
        self._players = [known.get(sink) or SinkPlayer(sink) for sink in sinks if sink.enabled]
        slowest = max((BYTE_S[player.sink.wire] for player in self._players), default=0.0)
        self._wire.byte_s = slowest if self._given_byte_s is None else self._given_byte_s

    def _is_played(self, address: Address) -> bool:
        """Whether one of the present sinks moves a value."""
        return any(player.moves(address) for player in self._players)

    def _of(self, player: SinkPlayer) -> list[Key]:
        return self._notes.of_sink(player.sink.id)

    def _set_up(self, now_s: float, out: Messages) -> None:
        """MPE, banks and programs, where they are not what they should be."""
        sinks = [player.sink for player in self._players]
        zone = max((sink.mpe_channels for sink in sinks if sink.mpe), default=None)
        if zone != self._mpe_channels:
            self._mpe_channels = zone
            self._set(encode.mpe_zone(zone or 0), 1, now_s, out)
        # Of several sinks on one channel the last one has its program.
        wanted = {sink.channel: (sink.bank, sink.program) for sink in sinks if sink.program is not None}
        for channel, (bank, program) in wanted.items():
            if program is not None and self._programs.get(channel) != (bank, program):
                self._programs[channel] = bank, program
                self._set(encode.program(channel, program, bank), channel, now_s, out)

    def _set(self, messages: Messages, channel: int, now_s: float, out: Messages) -> None:
        """Send what may change any value of a channel."""
        for message in messages:
            self._send(message, now_s, out)
        self._device.forget(channel)
        self._pending.again()

    def _cut_by(self, play: Play) -> list[Key]:
        """Notes that end with a new one: its own number, with choke all of its sink, on MPE's channels any."""
        cut = self._notes.of_sink(play.sink.id) if play.sink.choke else []
        channel = play.key[0]
        for key in self._notes.sounding():
            if key not in cut and (key == play.key or (play.sink.mpe and key[0] == channel)):
                cut.append(key)
        return cut

    def _room(self, groups: Sequence[Sequence[Play]], now_s: float) -> float:
        """Bytes for controllers before the first group, so that no note of any group is late."""
        room, messages, played = math.inf, 0, set[Key]()
        for at, group in enumerate(groups):
            if at:  # What the first group cuts has been ended.
                messages += len({key for play in group for key in self._cut_by(play)})
            for play in group:  # A note that two sinks play is ended in between.
                messages += 2 if play.key in played else 1
                played.add(play.key)
            until_s = now_s + group[0].sink.late_ms / 1000.0
            room = min(room, self._wire.room(now_s, until_s) - _NOTE_SIZE * (messages - 1))
        return room

    def _approach(self, group: Sequence[Play], room: float, now_s: float, out: Messages) -> None:
        """Send the most important values that fit, each as a whole."""
        for aim in self._pending.ranked(aim for play in group for aim in play.aims):
            messages = self._pending.messages(aim)
            size = sum(map(len, messages))
            if size <= room:
                room -= size
                for message in messages:
                    self._send_value(aim, message, now_s, out)

    def _start(self, play: Play, now_s: float, out: Messages) -> None:
        if play.key in self._notes:  # Two sinks play the same.
            self._end([play.key], now_s, out)
        begins_s = self._send(encode.note_on(*play.key, play.velocity), now_s, out)
        self._notes.start(play.key, play.sink.id, begins_s + play.sink.note_length_ms / 1000.0)
        self._counts.notes += 1
        self._counts.late += begins_s > now_s + play.sink.late_ms / 1000.0 + _ROUNDING_S

    def _end(self, keys: Iterable[Key], now_s: float, out: Messages) -> None:
        for key in keys:
            self._send(encode.note_off(*key), now_s, out)
            self._notes.stop(key)

    def _send_value(self, aim: Aim, message: bytes, now_s: float, out: Messages) -> None:
        self._send(message, now_s, out)
        self._pending.sent(aim, message)

    def _send(self, message: bytes, now_s: float, out: Messages) -> float:
        out.append(message)
        self._counts.messages += 1
        self._counts.bytes += len(message)
        return self._wire.send(len(message), now_s)


def _hears(player: SinkPlayer, hit: HitEvent, only: str | None) -> bool:
    return player.sink.hears(hit.track + 1) if only is None else player.sink.id == only
