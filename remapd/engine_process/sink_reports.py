"""What is told of the sinks: each state at once, counts once a second, and all of it again to a new parent."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

#: Counts alone are told no more often.
COUNTS_S = 1.0
_STATE = ("state", "fault")

Report = dict[str, Any]


def _totals(report: Report) -> Counter[str]:
    """All whole numbers in the report of a MIDI sink only grow as long as its process lives."""
    return Counter({key: value for key, value in report.items() if type(value) is int})


class SinkReports:
    """Tells what is new; may be used by several threads.

    Parameters
    ----------
    tell : callable
        Takes a line of JSON.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._last: dict[str, Report] = {}
        self._told_s: dict[str, float] = {}
        self._midi: dict[str, Report] = {}
        #: Totals of the MIDI processes before the one of now.
        self._former: dict[str, Counter[str]] = {}
        self._midi_dropped = 0
        self._midi_out: Report | None = None

    def keep(self, names: Collection[str]) -> None:
        """Forget other sinks than these, and tell of these anew."""
        with self._lock:
            self._last, self._told_s = {}, {}
            self._midi = {name: report for name, report in self._midi.items() if name in names}
            self._former = {name: totals for name, totals in self._former.items() if name in names}

    def tell(self, report: Report, now_s: float) -> None:
        """Tell of a sink, if there is news."""
        name = report["id"]
        with self._lock:
            last = self._last.get(name)
            if report == last:
                return
            is_other = last is None or any(report.get(key) != last.get(key) for key in _STATE)
            if not is_other and now_s - self._told_s[name] < COUNTS_S:
                return
            self._last[name], self._told_s[name] = report, now_s
        self._tell(json.dumps({"sink": report}))

    def hand_on(self, line: Report) -> None:
        """Tell what the MIDI process told, and keep it."""
        report = line.get("sink")
        if isinstance(report, dict):
            with self._lock:
                whole = self._taken(str(report.get("id")), report)
            self.tell(whole, time.monotonic())
            return
        if "midi_out" in line:
            self._midi_out = line
        self._tell(json.dumps(line))

    def note_midi_drops(self, dropped: int, now_s: float) -> None:
        """Hits that never came to the MIDI process; they count as dropped by each of its sinks."""
        with self._lock:
            self._midi_dropped = dropped
            whole = [self._whole(name, report) for name, report in self._midi.items()]
        for report in whole:
            self.tell(report, now_s)

    def _taken(self, name: str, report: Report) -> Report:
        """Keep a report; a total that is less than before is that of another process, so what was before is added."""
        last = self._midi.get(name, {})
        totals, before = _totals(report), _totals(last)
        if any(totals[key] < before[key] for key in totals):
            self._former.setdefault(name, Counter()).update(before)
            last = {}
        self._midi[name] = {**last, **report}
        return self._whole(name, self._midi[name])

    def _whole(self, name: str, report: Report) -> Report:
        """A report with all that was counted before and beside it."""
        totals = _totals(report) + self._former.get(name, Counter()) + Counter(dropped=self._midi_dropped)
        return {"dropped": 0, **report, **totals}

    def lines(self) -> list[str]:
        """What was told last of each."""
        with self._lock:
            midi_out = [] if self._midi_out is None else [json.dumps(self._midi_out)]
            return midi_out + [json.dumps({"sink": report}) for report in self._last.values()]
