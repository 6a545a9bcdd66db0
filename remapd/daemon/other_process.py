"""A process that is no child of this one, held so that its number cannot come to mean another."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path
from typing import Self

#: Place of the time of the start (in clock ticks since the system's) in what follows the name in ``/proc/N/stat``.
_STARTED = 19


def started_at(pid: int) -> int | None:
    """When a process started, in the system's own ticks; None if there is none or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(stat.rpartition(")")[2].split()[_STARTED])
    except (OSError, ValueError, IndexError):
        return None


class OtherProcess:
    """A process found by its number and the time of its start.

    Parameters
    ----------
    pid : int
        Its number.
    descriptor : int
        What the system gave for it (``pidfd_open``); readable once the process has ended.
    """

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid, self._descriptor = pid, descriptor

    @classmethod
    def find(cls, pid: int, started: int) -> Self | None:
        """The process if it still runs; None also where the system cannot hold one (all but Linux)."""
        try:
            process = cls(pid, os.pidfd_open(pid))
        except (AttributeError, OSError):
            return None
        if started_at(pid) == started and not process.wait(0.0):
            return process
        process.close()
        return None

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended within the time."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(1000.0 * timeout_s))

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def end(self, patience_s: float) -> None:
        """Ask it to end, and make it if it does not within the time."""
        for insist in (signal.SIGTERM, signal.SIGKILL):
            if self.wait(0.0):
                return
            self.send(insist)
            self.wait(patience_s)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)
