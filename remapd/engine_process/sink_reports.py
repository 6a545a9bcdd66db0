"""What is told of the sinks: each state at once, counts once a second, and all of it again to a new parent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

#: Counts alone are told no more often.
COUNTS_S = 1.0
_STATE = ("state", "fault")


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
        self._last: dict[str, dict[str, Any]] = {}
        self._told_s: dict[str, float] = {}
        self._midi_out: dict[str, Any] | None = None

    def forget(self) -> None:
        """Tell everything anew, of those sinks alone that there are from now on."""
        with self._lock:
            self._last, self._told_s = {}, {}

    def tell(self, report: dict[str, Any], now_s: float) -> None:
        """Tell of a sink, if there is news."""
        name = report["id"]
        with self._lock:
            last = self._last.get(name)
            if report == last:
                return
            is_other = last is None or any(report[key] != last[key] for key in _STATE)
            if not is_other and now_s - self._told_s[name] < COUNTS_S:
                return
            self._last[name], self._told_s[name] = report, now_s
        self._tell(json.dumps({"sink": report}))

    def hand_on(self, line: dict[str, Any]) -> None:
        """Tell what the MIDI process told, and keep it."""
        with self._lock:
            if isinstance(line.get("sink"), dict):
                self._last[str(line["sink"].get("id"))] = line["sink"]
            elif "midi_out" in line:
                self._midi_out = line
        self._tell(json.dumps(line))

    def lines(self) -> list[str]:
        """What was told last of each."""
        with self._lock:
            midi_out = [] if self._midi_out is None else [json.dumps(self._midi_out)]
            return midi_out + [json.dumps({"sink": report}) for report in self._last.values()]
