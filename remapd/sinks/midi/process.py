"""The process that hands MIDI to the drivers: ``python -P -m remapd.sinks.midi.process RECORDS``.

It stands between the engine and rtmidi, which holds Python's lock for tens of ms while it opens a port, and takes its
process with it when a JACK server that it knew is followed by another. `RECORDS` is the descriptor of a socket whose
every packet is a hit, an `EVENT` as the engine made it. Orders are lines of JSON on standard input:

- ``{"block": path}``: the shared block, which gets the times at which hits were handed over;
- ``{"sinks": [documents of MIDI sinks]}``: these from now on, and no others;
- ``{"panic": true}`` ends all notes, ``{"stop": true}`` the process;
- ``{"hit": {"sink": id, "record": "hexadecimal"}}``: a hit for one sink alone.

Standard output takes lines of JSON: ``{"midi_out": {"interface", "outputs", "fault"}}``, ``{"sink": {"id", "state",
"fault", "port", "sent", "dropped", ..., "late_us"}}`` (see `Reports`) and, every two seconds, ``{"alive": true}``.

Each process that does the work begins with ``{"begun": its number}``, and must then be told everything; one that ended
and is followed by another is told of by ``{"ended": status}``.

It ends, with all notes off, when it is told to, or when standard input or the socket is closed at the other end.
"""

from __future__ import annotations

import contextlib
import enum
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from remapd.audio.midi_interface import MidiUnavailableError, one_line
from remapd.audio.priority import limit_realtime, lock_memory, request_realtime_priority
from remapd.engine.layout import EVENT
from remapd.engine.shared import SharedBlock
from remapd.engine.stamps import stamp_midi
from remapd.errors import RemapdError
from remapd.processes import calm_python
from remapd.sinks.midi.document import parse_midi_sink
from remapd.sinks.midi.lives import Lives
from remapd.sinks.midi.out_ports import OutPorts
from remapd.sinks.midi.port_out import PortOut
from remapd.sinks.midi.port_player import PortPlayer
from remapd.sinks.midi.records import hit_of
from remapd.sinks.midi.reports import Reports

#: Below the audio threads, which must not wait for us.
REALTIME_PRIORITY = 60
_NICENESS = -10
#: Longest that it may compute in real time without waiting for anything; it does not need 10 ms.
_REALTIME_S = 1.0
ALIVE_S = 2.0
#: Hits that are read before anything else is looked at again.
_HITS_AT_ONCE = 64
#: Longest order, which is a list of sinks.
MAX_ORDER_BYTES = 1 << 22


class Ending(enum.IntEnum):
    """Why the process ended."""

    STOPPED = 0
    #: The interface to MIDI went away; later it may be back.
    UNAVAILABLE = 3
    #: rtmidi is not installed.
    MISSING = 4


class MidiOutput:
    """The process's work: one loop that waits for hits, orders, ports, and the time of what is due.

    Parameters
    ----------
    rtmidi : module
        `rtmidi`, or what has its names.
    orders : int
        Descriptor of lines of JSON.
    records : socket.socket
        Gives hits.
    reports : int
        Descriptor that takes lines of JSON.
    """

    def __init__(self, rtmidi: Any, orders: int, records: socket.socket, reports: int) -> None:
        self._rtmidi, self._orders, self._records, self._out = rtmidi, orders, records, reports
        for descriptor in (orders, reports, records.fileno()):
            os.set_blocking(descriptor, False)
        self._woken, self._wake_up = os.pipe()
        os.set_blocking(self._wake_up, False)
        os.set_blocking(self._woken, False)
        self._text = b""
        self._player = PortPlayer(PortOut)
        self._reports = Reports(self._player, self.tell)
        self._ports: OutPorts | None = None
        self._shared: SharedBlock | None = None
        self._look_s = self._alive_s = float("-inf")
        self.is_stopping = False

    def wake(self) -> None:
        """Make the loop look at the ports now; from any thread."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_up, b"x")

    def stop(self) -> None:
        """Make the loop end; from a signal's handler."""
        self.is_stopping = True
        self.wake()

    def run(self) -> Ending:
        """Play until told to end, or the interface does."""
        while not self.is_stopping:
            self._wait(time.monotonic())
            self._player.send_due(time.monotonic())
            self._take_orders()
            if self._ports is not None and self._ports.has_ended:
                self._player.lose("the JACK server ended")
                self._reports.turn(time.monotonic())
                return Ending.UNAVAILABLE
            self._look(time.monotonic())
        self._player.close(time.monotonic())
        return Ending.STOPPED

    def _wait(self, now_s: float) -> None:
        """Wait for whatever comes first; to a microsecond, as far as the system can."""
        due_s = self._player.next_due_s
        times = [self._look_s, self._alive_s, *([] if due_s is None else [due_s])]
        timeout_s = max(0.0, min(times) - now_s)
        records = self._records.fileno()
        ready, _, _ = select.select([self._orders, records, self._woken], [], [], timeout_s)
        if records in ready:  # Before all else.
            self._take_hits()
        if self._woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 4096)
            self._look_s = now_s

    # -- hits ------------------------------------------------------------------------------------------------------

    def _take_hits(self) -> None:
        try:
            for _ in range(_HITS_AT_ONCE):
                data = self._records.recv(2 * EVENT.itemsize)
                if not data:
                    self.is_stopping = True
                    return
                self._play(data)
        except BlockingIOError:
            return
        except OSError:
            self.is_stopping = True

    def _play(self, data: bytes, sink_id: str | None = None) -> None:
        hit = hit_of(data)
        if hit is not None:
            sent_ns = self._player.hit(hit, time.monotonic_ns(), sink_id)
            if sent_ns and self._shared is not None:
                stamp_midi(self._shared.record, hit.sequence, sent_ns)

    # -- orders ----------------------------------------------------------------------------------------------------

    def _take_orders(self) -> None:
        try:
            data = os.read(self._orders, 1 << 16)
        except BlockingIOError:
            return
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            self._obey(line)
        self.is_stopping |= not data or len(self._text) > MAX_ORDER_BYTES

    def _obey(self, line: bytes) -> None:
        """Do what one line asks for; one that is none of ours is left out."""
        try:
            order = json.loads(line)
            if "block" in order:
                self._attach(order["block"])
            if "sinks" in order:
                self._player.set_sinks(
                    [parse_midi_sink(sink, f"sinks[{at}]") for at, sink in enumerate(order["sinks"])]
                )
                self._reports.repeat()
                self._look_s = float("-inf")
            if "hit" in order:
                self._play(bytes.fromhex(order["hit"]["record"]), order["hit"]["sink"])
            if order.get("panic"):
                self._player.panic(time.monotonic())
            self.is_stopping |= bool(order.get("stop"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, RemapdError) as error:
            self.tell({"refused": one_line(error)[:200]})

    def _attach(self, path: str) -> None:
        """Stamp hits in this block; without it they are played all the same."""
        if path:
            self._shared = SharedBlock.attach(path)

    # -- ports and reports -----------------------------------------------------------------------------------------

    def _look(self, now_s: float) -> None:
        """See what is there and tell of it, if it is time for that."""
        if now_s >= self._look_s:
            if self._ports is None:
                self._find_interface()
            self._look_s = now_s + self._player.look(now_s)
            self._reports.turn(now_s)
        if now_s >= self._alive_s:
            self._alive_s = now_s + ALIVE_S
            self.tell({"alive": True})

    def _find_interface(self) -> None:
        try:
            self._ports = OutPorts(self._rtmidi, self.wake)
        except MidiUnavailableError as error:
            self._player.lose(str(error))
        else:
            self._player.use(self._ports)

    def tell(self, line: dict[str, Any]) -> bool:
        """Report a line; False if nobody reads, as it never waits."""
        try:
            os.write(self._out, json.dumps(line).encode() + b"\n")
        except BlockingIOError:
            return False
        except OSError:
            self.is_stopping = True
        return True


def main() -> None:
    """Play what the socket gives whose descriptor is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine's parent, which decides what it means.
    reports = os.dup(1)
    os.dup2(2, 1)
    records = socket.socket(fileno=int(sys.argv[1]))
    calm_python()
    lives = Lives(
        lambda: _live(records, reports),
        (Ending.STOPPED, Ending.MISSING),
        lambda status: _tell(reports, {"ended": status}),
    )
    os._exit(lives.run())


def _live(records: socket.socket, reports: int) -> int:
    """Play until the interface ends; in a process of its own."""
    try:
        rtmidi = importlib.import_module("rtmidi")
    except ImportError as error:
        text = f"rtmidi is not installed ({one_line(error)}): pip install 'remapd[midi]'"
        _tell(reports, {"midi_out": {"interface": "", "outputs": [], "fault": text}})
        return Ending.MISSING
    output = MidiOutput(rtmidi, 0, records, reports)
    signal.signal(signal.SIGTERM, lambda *_: output.stop())
    _hurry()
    output.tell({"begun": os.getpid()})
    return output.run()  # What follows is without what rtmidi does to clients of a server that is gone.


def _tell(reports: int, line: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        os.write(reports, json.dumps(line).encode() + b"\n")


def _hurry() -> None:
    """Be on time, as far as the system lets us."""
    limit_realtime(_REALTIME_S)
    if not request_realtime_priority(REALTIME_PRIORITY):
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)
    lock_memory()


if __name__ == "__main__":
    main()
