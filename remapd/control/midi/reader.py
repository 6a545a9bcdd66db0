"""The process that reads MIDI: ``python -m remapd.control.midi.reader '{"virtual_port": ..., "ports": [...]}'``.

rtmidi holds Python's lock for 10 to 30 ms while it opens a port, and takes its process with it when a JACK server that
it knew is followed by another. So it has a process of its own, which tells in lines of JSON on its standard output what
there is and what comes in, and ends when its standard input is closed.
"""

from __future__ import annotations

import contextlib
import enum
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from remapd.audio.jack_watch import JackWatch
from remapd.audio.midi_interface import MidiUnavailableError, one_line
from remapd.control.midi.ports import CLIENT_NAME, QUEUE_MESSAGES, Ports

#: Between two looks at the ports, as rtmidi has no other way to be asked: while something moves, and for a while after,
#: and while all is still.
POLL_S, RESTING_POLL_S = 0.002, 0.005
RESTS_AFTER_S = 5.0
IDLE_S = 0.1
SCAN_S = 0.5
#: Messages of one port in one line.
MAX_MESSAGES = 64


class Ending(enum.IntEnum):
    """Why the process ended."""

    STOPPED = 0
    #: There is no interface, or it went away; later it may be back.
    UNAVAILABLE = 3
    #: rtmidi is not installed.
    MISSING = 4


class Reader:
    """Tells of ports and messages.

    Parameters
    ----------
    ports : Ports
        Where they come from.
    tell : callable
        Takes a line's content.
    """

    def __init__(self, ports: Ports, tell: Callable[[dict[str, Any]], None]) -> None:
        self._ports, self._tell = ports, tell
        self._next_scan_s = float("-inf")
        self._has_told = False
        self._last_message_s = float("-inf")

    def turn(self, now_s: float) -> float:
        """Look at everything once; returns for how many seconds there is nothing to do."""
        if now_s >= self._next_scan_s:
            self._next_scan_s = now_s + SCAN_S
            if self._ports.scan() or not self._has_told:
                self._has_told = True
                self._tell_ports()
        found = self._ports.drain(QUEUE_MESSAGES)
        if found:
            self._last_message_s = now_s
            self._tell_messages(found)
        if any(len(messages) == QUEUE_MESSAGES for messages in found.values()):
            return 0.0
        if not self._ports.open:
            return IDLE_S
        return POLL_S if now_s < self._last_message_s + RESTS_AFTER_S else RESTING_POLL_S

    def _tell_ports(self) -> None:
        ports = self._ports
        self._tell(
            {
                "interface": ports.interface,
                "virtual": ports.virtual,
                "available": ports.available,
                "open": ports.open,
                "faults": ports.faults,
            }
        )

    def _tell_messages(self, found: Mapping[str, Sequence[bytes]]) -> None:
        for port, messages in found.items():
            for start in range(0, len(messages), MAX_MESSAGES):
                part = [message.hex() for message in messages[start : start + MAX_MESSAGES] if len(message) <= 3]
                self._tell({"port": port, "messages": part})
            if len(messages) == QUEUE_MESSAGES:
                self._tell({"port": port, "overflow": True})


def run(settings: dict[str, Any], tell: Callable[[dict[str, Any]], None], stopping: threading.Event) -> Ending:
    """Read until told to stop, or there is nothing to read from."""
    try:
        rtmidi = importlib.import_module("rtmidi")
    except ImportError as error:
        tell({"fault": f"rtmidi is not installed ({one_line(error)}): pip install 'remapd[midi]'"})
        return Ending.MISSING
    try:
        ports = Ports(rtmidi, settings["virtual_port"], settings["ports"])
    except MidiUnavailableError as error:
        tell({"fault": str(error)})
        return Ending.UNAVAILABLE
    watch = JackWatch(f"{CLIENT_NAME}-watch") if ports.interface.casefold() == "jack" else None
    reader = Reader(ports, tell)
    while not stopping.wait(reader.turn(time.monotonic())):
        if watch is not None and watch.ended.is_set():
            tell({"fault": "the JACK server ended"})
            return Ending.UNAVAILABLE
    if watch is not None:
        watch.close()
    ports.close()
    return Ending.STOPPED


def main() -> None:
    """Read what the first argument says."""
    stopping = threading.Event()
    threading.Thread(target=_await_end_of_input, args=[stopping], daemon=True).start()
    ending = Ending.STOPPED
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        ending = run(json.loads(sys.argv[1]), _tell, stopping)
    os._exit(ending)  # Without what rtmidi does to clients of a server that is gone.


def _await_end_of_input(stopping: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    stopping.set()


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(line).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
