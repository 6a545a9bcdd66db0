"""Hits as a standard MIDI file: what a sink would send, on a wire that takes no time.

One track of the file for each sink. Ticks are 50 us long, so that a note is never more than 25 us from its hit.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from remapd.engine.events import HitEvent
from remapd.sinks.midi.document import MidiSink
from remapd.sinks.midi.port_out import PortOut

TEMPO_US = 500_000
TICKS_PER_BEAT = 10_000
TICKS_PER_SECOND = TICKS_PER_BEAT * 1_000_000 // TEMPO_US

#: A hit and when its note is, in s from the beginning of the file.
Timed = tuple[float, HitEvent]


class MidiFileWriter:
    """Gathers hits and writes them as a type 1 file.

    Parameters
    ----------
    path : Path
        File to write when it is closed.
    sinks : sequence of MidiSink
        What is sent.
    names : sequence of str, optional
        Name of each sink's track in the file.
    """

    def __init__(self, path: Path, sinks: Sequence[MidiSink], names: Sequence[str] | None = None) -> None:
        self._path = path
        self._sinks, self._names = sinks, names
        self._hits: list[Timed] = []

    def write(self, hit: HitEvent) -> None:
        """Add a hit; its note is where the synthesiser played it."""
        self._hits.append((hit.trigger_s, hit))

    def close(self) -> None:
        """Write the file."""
        self._path.write_bytes(midi_file(self._hits, self._sinks, self._names))


def midi_file(hits: Iterable[Timed], sinks: Sequence[MidiSink], names: Sequence[str] | None = None) -> bytes:
    """Content of a type 1 file; equal hits and sinks give equal bytes.

    Parameters
    ----------
    hits : iterable of (float, HitEvent)
        Hits and their times in s, from 0, in any order.
    sinks : sequence of MidiSink
        What is sent.
    names : sequence of str, optional
        Name of each sink's track in the file; by default its instrument, or its id.
    """
    import mido

    in_time = sorted(hits, key=lambda timed: timed[0])
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO_US, time=0)]))
    for at, sink in enumerate(sinks):
        name = names[at] if names is not None else sink.instrument or sink.id
        file.tracks.append(_track(name, _messages(in_time, sink)))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def write_midi(path: Path, hits: Iterable[Timed], sinks: Sequence[MidiSink]) -> None:
    """Write hits as `midi_file` gives them."""
    path.write_bytes(midi_file(hits, sinks))


def _messages(hits: Iterable[Timed], sink: MidiSink) -> Iterator[tuple[float, bytes]]:
    """What a sink sends, and when."""
    port = PortOut([sink], byte_s=0.0)
    yield from ((0.0, message) for message in port.opening(0.0))
    for now_s, hit in hits:
        yield from _due(port, now_s)
        yield from ((now_s, message) for message in port.hit(hit, now_s))
    yield from _due(port, float("inf"))


def _due(port: PortOut, until_s: float) -> Iterator[tuple[float, bytes]]:
    while (due_s := port.next_due_s) is not None and due_s <= until_s:
        yield from ((due_s, message) for message in port.due(due_s))


def _track(name: str, messages: Iterable[tuple[float, bytes]]) -> Any:
    """The messages with the ticks since the one before."""
    import mido

    track = mido.MidiTrack([mido.MetaMessage("track_name", name=_latin(name), time=0)])
    before = 0
    for time_s, message in messages:
        tick = round(time_s * TICKS_PER_SECOND)
        track.append(mido.Message.from_bytes(message, tick - before))
        before = tick
    return track


def _latin(name: str) -> str:
    """A name in the character set of MIDI files."""
    return name.encode("latin-1", "replace").decode("latin-1")
