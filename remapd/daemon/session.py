"""Playing live in the foreground: shows hits until a signal, the end of the input or the end of the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from remapd.daemon.composition import Daemon
from remapd.engine.events import Event, HitEvent
from remapd.engine.status import EngineStatus

#: How often events are fetched: often enough for the eye.
POLL_S = 0.03

Show = Callable[[EngineStatus, Sequence[Event]], None]


@dataclass(slots=True)
class Tally:
    """What went by."""

    hits: int = 0
    rejected: int = 0

    def count(self, events: Sequence[Event]) -> None:
        """Add some events."""
        hits = sum(isinstance(event, HitEvent) for event in events)
        self.hits += hits
        self.rejected += len(events) - hits


class TrackNames(Sequence[str]):
    """Names of a daemon's tracks for a display; there may be more or fewer at any time.

    Parameters
    ----------
    daemon : Daemon
        Running.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def __len__(self) -> int:
        return self._daemon.tracks

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return f"track {index + 1}"  # Also of a track that was just taken away.

    def __iter__(self) -> Iterator[str]:
        return iter([self[index] for index in range(len(self))])


def play(daemon: Daemon, show: Show, stop: threading.Event, duration_s: float | None = None) -> Tally:
    """Show what the engine does until it is over.

    Parameters
    ----------
    daemon : Daemon
        Running.
    show : callable
        Takes a snapshot of the engine and the events since the last call.
    stop : threading.Event
        Ends it when set.
    duration_s : float, optional
        Time to play, from the first sound on.

    Raises
    ------
    RemapdError
        If the engine cannot play.
    """
    tally, ends = Tally(), None
    while not stop.wait(POLL_S):
        is_over = daemon.supervisor.wait(0.0)
        _show_new(daemon, show, tally)
        if duration_s is not None and ends is None and daemon.supervisor.playing is not None:
            ends = time.monotonic() + duration_s
        if is_over or (ends is not None and time.monotonic() >= ends):
            break
    daemon.stop()
    _show_new(daemon, show, tally)
    if daemon.supervisor.failure is not None:
        raise daemon.supervisor.failure
    return tally


def _show_new(daemon: Daemon, show: Show, tally: Tally) -> None:
    events = daemon.control.events.read()
    tally.count(events)
    show(daemon.control.status(), events)


def summary(tally: Tally, status: EngineStatus, events_lost: int, block_frames: int = 0) -> list[str]:
    """Say in a few lines how it went; `block_frames` is the usual block, as the last of a file may be shorter."""
    lines = [f"{tally.hits} hits, {tally.rejected} rejected candidates"]
    if status.callbacks:
        period_us = 1e6 * (block_frames or status.block_frames) / status.sample_rate
        durations = f"{status.callback_us_p50:.0f} us median, {status.callback_us_p99:.0f} us at 99 %"
        lines.append(f"callbacks: {durations}, {status.callback_us_max:.0f} us at most, of {period_us:.0f} us")
    faults = {
        "late blocks": status.xruns,
        "samples that were no numbers": status.non_finite,
        "hits dropped": status.hits_dropped,
        "events lost": events_lost,
    }
    lines += [f"{count} {what}" for what, count in faults.items() if count]
    return lines
