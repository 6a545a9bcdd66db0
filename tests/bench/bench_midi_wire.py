"""What a DIN cable leaves of a performance, by how long a note may wait: bytes, delay, and what is not right yet.

A recorded performance goes through the engine with a shipped model, each parameter on a controller. At the note, and 5
and 20 ms after it, a hit with the values that the device has by then is compared with one with the values it should
have: the difference of their long-term features, weighted as training weighs them. A device that takes its values when
the note begins is right or wrong at 0 ms; one that follows its controllers is right later.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace

import numpy as np
import soundfile

from remapd.engine.control import TrackSetup
from remapd.engine.engine import Engine
from remapd.engine.events import HitEvent
from remapd.mapping.library import load_model_named
from remapd.sinks.midi.defaults import FIRST_CONTROLLER, default_sink
from remapd.sinks.midi.pending import Priority, audible_first
from remapd.sinks.midi.port_out import PortOut
from remapd.sinks.midi.sink_player import Aim
from remapd.sinks.midi.wire import BYTE_S
from remapd.synth.registry import get_synth
from remapd.training.sensitivity import difference, features_of
from tests.bench.table import print_table
from tests.engines import hits_of, play
from tests.midi_device import Arrival, Stage
from tests.recordings import audio_folder

PERFORMANCE = "snare_fs14x65maple/performance_a.flac"
MODEL = "snare_1"
LATE_MS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 1000.0)
AFTER_MS = (0.0, 5.0, 20.0)
MOST_HITS = 120


def _in_table_order(aim: Aim, change: float, size: int) -> float:
    return -aim.address.number


def _biggest_change(aim: Aim, change: float, size: int) -> float:
    return change


PRIORITIES: dict[str, Priority] = {
    "audible first": audible_first,
    "biggest change": _biggest_change,
    "table order": _in_table_order,
}


@dataclass
class Outcome:
    """One way of sending a performance."""

    bytes: int = 0
    coalesced: int = 0
    delays_ms: list[float] = field(default_factory=list)
    #: By time after the note, differences of each hit.
    errors: dict[float, list[float]] = field(default_factory=lambda: {after: [] for after in AFTER_MS})


def performance() -> list[HitEvent]:
    """Hits of the recording."""
    folder = audio_folder()
    if folder is None:
        raise SystemExit("no recordings here: set REMAPD_AUDIO to their folder")
    samples, rate = soundfile.read(folder / PERFORMANCE, dtype="float32", always_2d=True)
    engine = Engine(float(rate), 1, 1, [TrackSetup(load_model_named(MODEL))])
    found: list[HitEvent] = []
    for start in range(0, len(samples), 65536):
        play(engine, np.ascontiguousarray(samples[start : start + 65536, :1]))
        found += hits_of(engine)
    return found[:MOST_HITS]


@functools.cache
def _features(synth: str, numbers: tuple[int, ...]) -> np.ndarray:
    """Features of a hit with controllers at these numbers."""
    table = get_synth(synth).table
    values = [p.from_position(number / 127.0) for p, number in zip(table, numbers, strict=True)]
    return features_of(get_synth(synth), [np.array(values)])[0]


class Performer:
    """Sends a performance one way and compares what the device has with what it should have."""

    def __init__(self, late_ms: float, priority: Priority, wire: str = "din") -> None:
        sink = replace(default_sink(1), wire=wire, late_ms=late_ms)
        byte_s = BYTE_S[sink.wire]
        self._stage = Stage([sink], byte_s, PortOut([sink], byte_s, priority))
        self._sink = sink
        self._arrivals: list[Arrival] = []

    def perform(self, hits: list[HitEvent]) -> Outcome:
        """All hits; the first sets every controller and is not counted."""
        outcome, notes = Outcome(), []
        for hit in hits:
            self._stage.wait(hit.trigger_s)
            sent = self._stage.hit(hit)
            notes.append((hit, next(arrival for arrival in sent if arrival.is_note_on)))
        self._stage.wait(hits[-1].trigger_s + 10.0)
        ends = [note.handed_s for _, note in notes[1:]] + [np.inf]
        for (hit, note), next_s in list(zip(notes, ends, strict=True))[1:]:
            outcome.delays_ms.append(1000.0 * (note.begins_s - note.handed_s))
            for after in AFTER_MS:  # What a later hit changes is not this one's.
                outcome.errors[after].append(self._error(hit, min(note.ends_s + after / 1000.0, next_s)))
        outcome.bytes = self._stage.port.counts["bytes"]
        outcome.coalesced = self._stage.port.counts["coalesced"]
        return outcome

    def _error(self, hit: HitEvent, time_s: float) -> float:
        has = _numbers_at(self._stage.cable.arrivals, hit.synth, time_s)
        return float(difference(_features(hit.synth, has), _features(hit.synth, self._wanted(hit))))

    def _wanted(self, hit: HitEvent) -> tuple[int, ...]:
        table = get_synth(hit.synth).table
        return tuple(round(127 * p.to_position(hit.values[p.name])) for p in table)


def _numbers_at(arrivals: list[Arrival], synth: str, time_s: float) -> tuple[int, ...]:
    """Where the controllers are on the device at a time."""
    last = FIRST_CONTROLLER + len(get_synth(synth).table)
    found = {a.data[1]: a.data[2] for a in arrivals if a.data[0] & 0xF0 == 0xB0 and a.ends_s <= time_s + 1e-9}
    return tuple(found[number] for number in range(FIRST_CONTROLLER, last))


def _row(name: str, late_ms: float, outcome: Outcome, hits: int) -> tuple[str, ...]:
    late = "unlimited" if late_ms >= 1000.0 else f"{late_ms:g}"
    errors = [f"{np.mean(outcome.errors[after]):.3f}" for after in AFTER_MS]
    delays = f"{np.median(outcome.delays_ms):.2f}", f"{max(outcome.delays_ms):.2f}"
    return name, late, f"{outcome.bytes / hits:.1f}", *delays, *errors, str(outcome.coalesced)


def main() -> None:
    """Print the table."""
    hits = performance()
    rows = []
    for name, priority in PRIORITIES.items():
        for late_ms in LATE_MS:
            rows.append(_row(name, late_ms, Performer(late_ms, priority).perform(hits), len(hits)))
    rows.append(_row("USB, audible first", 1.0, Performer(1.0, audible_first, "usb").perform(hits), len(hits)))
    gaps = np.diff([hit.trigger_s for hit in hits])
    header = ("order", "late_ms", "bytes a hit", "note ms p50", "max", "error at note", "+5 ms", "+20 ms", "coalesced")
    title = f"{len(hits)} hits of {PERFORMANCE} ({MODEL}), at least {1000 * gaps.min():.0f} ms apart, over DIN"
    print_table(title, header, rows)
