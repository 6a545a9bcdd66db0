"""One open port and what is planned for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from remapd.engine.events import HitEvent
from remapd.sinks.midi.document import MidiSink
from remapd.sinks.midi.lateness import Lateness
from remapd.sinks.midi.out_ports import OutPort

#: After this a server has settled that was disturbed when the port was opened.
_SETTLED_S = 0.25


class Planner(Protocol):
    """Says what is to be sent to one port, and when (`PortOut`); times in s by the monotonic clock."""

    @property
    def next_due_s(self) -> float | None: ...  # noqa: D102
    @property
    def counts(self) -> Mapping[str, int]: ...  # noqa: D102
    def opening(self, now_s: float) -> list[bytes]: ...  # noqa: D102
    def hit(self, hit: HitEvent, now_s: float, only: str | None = None) -> list[bytes]: ...  # noqa: D102
    def due(self, now_s: float) -> list[bytes]: ...  # noqa: D102
    def change(self, sinks: Sequence[MidiSink], now_s: float) -> list[bytes]: ...  # noqa: D102
    def silence(self, now_s: float) -> list[bytes]: ...  # noqa: D102


class Line:
    """Sends to one port what its planner says.

    A port that does not take a message is silenced before anything else is sent to it: it may have lost the end of a
    note. That end is sent by itself, as many a drum machine does not know `all notes off`.

    Parameters
    ----------
    port : OutPort
        Where to; it has just been opened.
    planner : Planner
        Plans for it.
    sinks : sequence of MidiSink
        All sinks of this port.

    Attributes
    ----------
    opened_ns : int
        When it was opened.
    lateness : Lateness
        From the publication of a hit until the port has taken its messages.
    fault : str
        What went wrong; empty if nothing did.
    """

    def __init__(self, port: OutPort, planner: Planner, sinks: Sequence[MidiSink]) -> None:
        self.port, self.planner, self.sinks = port, planner, tuple(sinks)
        self.opened_ns = time.monotonic_ns()
        self.lateness = Lateness()
        self.fault = ""
        self._is_spoilt = False
        #: When it began, while no hit has come since.
        self._begun_s: float | None = None
        #: Notes that the port was given the beginning of, but not the end: their first two bytes.
        self._sounding: set[bytes] = set()

    def begin(self, now_s: float) -> None:
        """End what may sound from an earlier life, and select the programs."""
        self._begun_s = now_s
        self._send(self.planner.silence(now_s))
        self._send(self.planner.opening(now_s))

    def hit(self, hit: HitEvent, sink_id: str | None = None) -> int:
        """Play a hit; returns when the port had taken it, in ns, or 0 if it was not sent."""
        if self._is_spoilt or 0 < hit.published_ns < self.opened_ns:
            return 0
        self._begun_s = None
        try:
            messages = self.planner.hit(hit, time.monotonic(), sink_id)
        except Exception as error:  # A fault of ours must not end the notes of others.
            self.fault = f"a hit could not be planned: {type(error).__name__}: {error}"
            return 0
        if not messages or not self._send(messages):
            return 0
        now_ns = time.monotonic_ns()
        if hit.published_ns:
            self.lateness.add((now_ns - hit.published_ns) / 1000.0)
        return now_ns

    def send_due(self, now_s: float) -> None:
        """Send what it is time for."""
        if self.planner.next_due_s is not None and self.planner.next_due_s <= now_s:
            self._send(self.planner.due(now_s))

    def change(self, sinks: Sequence[MidiSink], now_s: float) -> None:
        """Play for other sinks from now on."""
        self.sinks, self.fault = tuple(sinks), ""
        self._send(self.planner.change(sinks, now_s))

    def silence(self, now_s: float) -> None:
        """End all notes."""
        self._send(self.planner.silence(now_s))

    def mend(self, now_s: float) -> None:
        """Try again whether a port that did not take a message takes them now, and begin anew if that may be lost.

        A JACK server loses cycles while it waits for a client that is dead, which is when others take its place.
        """
        if self.port.loses_messages and self._begun_s is not None and now_s >= self._begun_s + _SETTLED_S:
            self.begin(now_s)
            self._begun_s = None
        if self._is_spoilt:
            self._is_spoilt, self.fault = False, ""
            self._send([bytes((status & 0xEF, note, 0)) for status, note in sorted(self._sounding)])
            self.begin(now_s)

    def _send(self, messages: Sequence[bytes]) -> bool:
        """Send messages up to the first that is not taken; false if there is one."""
        taken = 0 if self._is_spoilt else self.port.send(messages)
        for message in messages[:taken]:
            if message[0] & 0xE0 == 0x80:
                self._note(message)
        if taken < len(messages):
            self._is_spoilt, self.fault = True, "the port takes no messages"
        return not self._is_spoilt

    def _note(self, message: bytes) -> None:
        """Remember what sounds."""
        if message[0] & 0x10:
            self._sounding.add(message[:2])
        else:
            self._sounding.discard(bytes((message[0] | 0x10, message[1])))
