"""The MIDI process, seen from the one that feeds it: started, told what to do, and started again when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from remapd.processes import child_environment

COMMAND = (sys.executable, "-P", "-m", "remapd.sinks.midi.process")
#: From the end of the process to the next one; doubled at each end of one that never had ports.
FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 5.0
#: A process that tells nothing for this long hangs; it tells something every two seconds.
SILENCE_S = 6.0
#: Longest line that it may tell.
_MAX_LINE_BYTES = 1 << 16
#: Exit status of one for which rtmidi is not installed.
_MISSING = 4
_KIND = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM

Report = Callable[[dict[str, Any]], None]


class MidiProcess:
    """Keeps a MIDI process alive.

    Parameters
    ----------
    on_report : callable
        Takes what it reports, line by line; called in a thread of its own. When a process has ended, each of its sinks
        is reported as waiting.
    command : sequence of str
        Program and arguments, before the descriptor of the socket.
    first_delay_s : float
        From the end of a process to the next one.
    silence_s : float
        Time without a word after which a process is ended.

    Attributes
    ----------
    socket : socket.socket
        Takes hits, each an `EVENT` of its own; the same for all processes, so that it can be sent to at any time. What
        is sent while there is none is dropped by the next.
    pid : int or None
        Number of the process that plays, if there is one; it is forked from the one that was started.
    starts : int
        Such processes so far.
    """

    def __init__(
        self,
        on_report: Report,
        command: Sequence[str] = COMMAND,
        first_delay_s: float = FIRST_DELAY_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._on_report, self._command = on_report, tuple(command)
        self._first_delay_s, self._silence_s = first_delay_s, silence_s
        self.socket, self._far_end = socket.socketpair(socket.AF_UNIX, _KIND)
        self.socket.setblocking(False)
        self._first_orders: list[dict[str, Any]] = []
        self._sinks: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._life: _Life | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.pid: int | None = None
        self.starts = 0

    @property
    def is_alive(self) -> bool:
        """Whether it has been started and not stopped; a process that ended is followed by another."""
        return self._thread is not None and not self._stopping.is_set()

    def start(self, settings: Mapping[str, Any]) -> None:
        """Start it; returns at once.

        Parameters
        ----------
        settings : mapping
            ``block``, the path of the shared block, and ``sinks``, documents of MIDI sinks.
        """
        self._first_orders = [{"block": settings.get("block", "")}]
        self._sinks = list(settings.get("sinks", []))
        self._thread = threading.Thread(target=self._keep, name="midi process", daemon=True)
        self._thread.start()

    def order(self, order: Mapping[str, Any]) -> None:
        """Tell the process something; never waits.

        A list of sinks is told to every later process too, and to one that has not begun yet.
        """
        with self._lock:
            if "sinks" in order:
                self._sinks = list(order["sinks"])
            if self._life is not None:
                self._life.orders.put(dict(order))

    def stop(self, patience_s: float = 1.0) -> None:
        """End all notes and the process; it is killed after `patience_s`."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        with self._lock:
            life = self._life
        if life is not None:
            life.end(patience_s)
        if thread is not None:
            thread.join(patience_s + 1.0)
        self.socket.close()
        self._far_end.close()

    # -- one process after the other, in a thread ------------------------------------------------------------------

    def _keep(self) -> None:
        delay_s = self._first_delay_s
        while not self._stopping.is_set():
            begun_s = time.monotonic()
            status = self._live()
            if status == _MISSING:
                return
            has_lasted = time.monotonic() - begun_s > LONGEST_DELAY_S
            delay_s = self._first_delay_s if has_lasted else min(LONGEST_DELAY_S, 2.0 * delay_s)
            self._stopping.wait(delay_s)

    def _live(self) -> int | None:
        """One process from its start to its end; returns its status."""
        try:
            with self._lock:
                if self._stopping.is_set():
                    return None
                life = self._life = _Life(self._command, self._far_end.fileno())
        except OSError as error:
            self._tell_waiting(f"the MIDI process cannot be started: {error.strerror or error}")
            return None
        life.listen(self._hear, self._silence_s)
        status = life.wait()
        with self._lock:
            self._life, self.pid = None, None
        if status != _MISSING:
            self._tell_end(status)
        return status

    def _hear(self, line: dict[str, Any]) -> None:
        if "begun" in line:
            self._begin(line["begun"])
        elif "ended" in line:
            self._tell_end(line["ended"])
        elif "alive" not in line:
            self._on_report(line)

    def _begin(self, pid: Any) -> None:
        """Tell a process that has begun what those before it knew."""
        with self._lock:
            self.pid = pid if isinstance(pid, int) else None
            self.starts += 1
            if self._life is not None:
                for order in (*self._first_orders, {"sinks": self._sinks}):
                    self._life.orders.put(order)

    def _tell_end(self, status: Any) -> None:
        if not self._stopping.is_set():
            self._tell_waiting(f"the MIDI process ended with status {status}; it is started again")

    def _tell_waiting(self, fault: str) -> None:
        for sink in self._sinks:
            self._on_report({"sink": {"id": sink.get("id", "1"), "state": "waiting", "fault": fault}})


class _Life:
    """One process."""

    def __init__(self, command: Sequence[str], records: int) -> None:
        self.process = subprocess.Popen(
            [*command, str(records)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[records],
            start_new_session=True,
            env=child_environment(),
        )
        self.orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="midi orders", daemon=True)
        self._writer.start()

    def listen(self, hear: Report, silence_s: float) -> None:
        """Pass on what it tells until it ends, or has told nothing for too long."""
        assert self.process.stdout is not None
        descriptor, text = self.process.stdout.fileno(), b""
        while select.select([descriptor], [], [], silence_s)[0]:
            data = os.read(descriptor, _MAX_LINE_BYTES)
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                _hear_line(line, hear)
            if not data or len(text) > _MAX_LINE_BYTES:
                break

    def wait(self) -> int:
        """Wait for its end, which is near or is made now; returns its status."""
        try:
            status = self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._kill()
            status = self.process.wait()
        self.orders.put(None)
        self._writer.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        return status

    def end(self, patience_s: float) -> None:
        """Have it end, with all notes off."""
        self.process.terminate()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        """End it, and what it has forked."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _write(self) -> None:
        """Write orders until there are no more; in a thread of its own, as a process that hangs reads none."""
        assert self.process.stdin is not None
        while (order := self.orders.get()) is not None:
            with contextlib.suppress(OSError):
                os.write(self.process.stdin.fileno(), json.dumps(order).encode() + b"\n")


def _hear_line(line: bytes, hear: Report) -> None:
    """Pass a line on; one that is none is left out."""
    with contextlib.suppress(ValueError):
        content = json.loads(line)
        if isinstance(content, dict):
            hear(content)
