"""Hits and rejected candidates as people and programs see them, read from the event ring."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from remapd.engine.layout import EVENT, EVENT_SLOTS, HIT
from remapd.engine.rings import copy_event, events_written
from remapd.engine.stamps import Stamps, stamps_of
from remapd.features.descriptors import FEATURES
from remapd.onsets.detector import REASONS
from remapd.synth.registry import SYNTHS

_NO_STAMPS = Stamps()


@dataclass(frozen=True, slots=True)
class HitEvent:
    """A hit: where it was, what was measured, and what the synthesiser was told.

    Times are in seconds of the stream, ``*_ns`` in ns of the host's monotonic clock: 0 where there is no clock, or
    where the hit has not been yet (`stamps_of` its sequence tells later).
    """

    track: int
    onset_s: float
    decided_s: float
    trigger_s: float
    features: dict[str, float]
    scaled: list[float]
    modulation: dict[str, float]
    values: dict[str, float]
    level_db: float
    floor_db: float
    strength_db: float
    synth: str
    block_ns: int
    published_ns: int
    #: Number of the event among all of the ring, from 1.
    sequence: int = field(default=0, compare=False)
    #: When the block was whole in which the onset was heard, less what of it came after; the same for any block size.
    onset_ns: int = 0
    rendered_ns: int = 0
    sent_ns: int = 0
    midi_ns: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The event line that files and clients get."""
        return {
            "track": self.track,
            "onset_s": self.onset_s,
            "trigger_s": self.trigger_s,
            "features": self.features,
            "scaled": self.scaled,
            "modulation": self.modulation,
            "values": self.values,
        }


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """A candidate that was not taken for a hit, and why."""

    track: int
    time_s: float
    decided_s: float
    reason: str
    level_db: float
    floor_db: float
    strength_db: float

    def as_dict(self) -> dict[str, Any]:
        """The event line that files and clients get."""
        return {
            "track": self.track,
            "time_s": self.time_s,
            "reason": self.reason,
            "level_db": self.level_db,
            "floor_db": self.floor_db,
            "strength_db": self.strength_db,
        }


Event = HitEvent | RejectedEvent


class EventReader:
    """Reads the event ring from where it stood when the reader was made; any number may read at once.

    Attributes
    ----------
    lost : int
        Events that were overwritten before this reader came to them.
    """

    def __init__(self, shared: Any) -> None:
        self._shared = shared
        self._slot = np.zeros(1, EVENT)
        self._next = int(events_written(shared))
        self.lost = 0

    def read(self, settle_ns: int = 0) -> list[Event]:
        """All events since the last call, oldest first.

        Parameters
        ----------
        settle_ns : int
            What was published less than this ago is left for the next call, so that its later stamps are there.
        """
        youngest_ns = time.monotonic_ns() - settle_ns if settle_ns > 0 else None
        return list(self._drain(youngest_ns))

    def _drain(self, youngest_ns: int | None) -> Iterator[Event]:
        written = int(events_written(self._shared))
        overwritten = max(0, written - EVENT_SLOTS - self._next)
        self.lost += overwritten
        self._next += overwritten
        while self._next < written:
            intact = copy_event(self._shared, self._next, self._slot)
            if intact and youngest_ns is not None and int(self._slot[0]["published_ns"]) > youngest_ns:
                return
            self._next += 1
            if intact:
                yield decode(self._slot[0], stamps_of(self._shared, self._next))
            else:
                self.lost += 1


def decode(record: Any, stamps: Stamps = _NO_STAMPS) -> Event:
    """One event of the ring with its times in seconds."""
    sample_rate = float(record["sample_rate"])
    common: dict[str, Any] = {
        "track": int(record["track"]),
        "decided_s": int(record["decided_frame"]) / sample_rate,
        "level_db": float(record["level_db"]),
        "floor_db": float(record["floor_db"]),
        "strength_db": float(record["strength_db"]),
    }
    onset_s = int(record["onset_frame"]) / sample_rate
    if int(record["kind"]) != HIT:
        return RejectedEvent(time_s=onset_s, reason=REASONS[int(record["reason"])], **common)
    synth = list(SYNTHS.values())[int(record["synth"])]
    names = synth.table.names
    return HitEvent(
        onset_s=onset_s,
        trigger_s=int(record["trigger_frame"]) / sample_rate,
        features=dict(zip(FEATURES.names, map(float, record["features"]), strict=True)),
        scaled=[float(x) for x in record["scaled"]],
        modulation=dict(zip(names, map(float, record["modulation"]), strict=False)),
        values=dict(zip(names, map(float, record["values"]), strict=False)),
        synth=synth.name,
        block_ns=int(record["block_ns"]),
        published_ns=int(record["published_ns"]),
        sequence=int(record["sequence"][0]),
        onset_ns=int(record["onset_ns"]),
        rendered_ns=stamps.rendered_ns,
        sent_ns=stamps.sent_ns,
        midi_ns=stamps.midi_ns,
        **common,
    )
