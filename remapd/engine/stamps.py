"""When a hit went through the later stations: kept beside the event ring, for those who come to know it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from remapd.dsp.kernel import compiled
from remapd.engine.layout import EVENT_SLOTS, EVENTS_WRITTEN
from remapd.engine.native import load_acquire

STATIONS = ("rendered_ns", "sent_ns", "midi_ns")


@dataclass(frozen=True, slots=True)
class Stamps:
    """Times of a hit on the host's monotonic clock in ns; 0 where it has not been there (yet).

    Parameters
    ----------
    rendered_ns : int
        The audio callback that plays it was done.
    sent_ns : int
        The first packet was handed to the network.
    midi_ns : int
        The first note was handed to the MIDI driver.
    """

    rendered_ns: int = 0
    sent_ns: int = 0
    midi_ns: int = 0


@compiled
def stamp_rendered(shared: Any, first: int, now_ns: int) -> int:
    """Mark the events from number `first` on as rendered; returns how many they are."""
    count = shared.words[EVENTS_WRITTEN] - first
    for i in range(min(count, EVENT_SLOTS)):
        shared.stamps[(first + i) % EVENT_SLOTS].rendered_ns = now_ns
    return count


@compiled
def stamp_sent(shared: Any, sequence: int, now_ns: int) -> None:
    """Mark an event as sent, unless its slot holds another by now."""
    stamps = shared.stamps[(sequence - 1) % EVENT_SLOTS]
    if load_acquire(stamps.sequence, 0) == sequence:
        stamps.sent_ns = now_ns


def stamp_midi(shared: Any, sequence: int, now_ns: int) -> None:
    """Mark an event as handed to the MIDI driver, unless its slot holds another by now."""
    stamps = shared["stamps"][(sequence - 1) % EVENT_SLOTS]
    if int(stamps["sequence"][0]) == sequence:
        stamps["midi_ns"] = now_ns


def stamps_of(shared: Any, sequence: int) -> Stamps:
    """The stamps of an event by its `sequence`; zeros if its slot holds another by now."""
    if sequence <= 0:
        return Stamps()
    stamps = shared["stamps"][(sequence - 1) % EVENT_SLOTS]
    found = Stamps(*(int(stamps[station]) for station in STATIONS))
    return found if int(stamps["sequence"][0]) == sequence else Stamps()
