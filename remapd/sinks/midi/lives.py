"""One process after the other that does the same work: each is forked from one that has imported all it needs.

To import it takes the better part of a second, to fork some ms; and a process that rtmidi and a JACK server have
brought down must be followed by one that neither has touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection

_DIE_WITH_PARENT = 1


class Lives:
    """Does work again and again, until it ends as it should.

    Parameters
    ----------
    work : callable
        What each process does; returns its status.
    last : collection of int
        Statuses after which there is no other process.
    on_end : callable
        Takes the status of a process that is followed by another; negative is a signal.
    delay_s : float
        From the end of a process to the next one; doubled up to `longest_s` while they last no longer than that.
    longest_s : float
        Longest delay.
    """

    def __init__(
        self,
        work: Callable[[], int],
        last: Collection[int],
        on_end: Callable[[int], None],
        delay_s: float = 0.2,
        longest_s: float = 5.0,
    ) -> None:
        self._work, self._last, self._on_end = work, last, on_end
        self._delay_s, self._longest_s = delay_s, longest_s
        self._pid = 0
        self._is_stopping = False

    def run(self) -> int:
        """Live them all, and pass on what SIGTERM says; returns the last status."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        delay_s = self._delay_s
        while True:
            begun_s = time.monotonic()
            status = self._live()
            if status in self._last or self._is_stopping:
                return max(0, status)
            self._on_end(status)
            has_lasted = time.monotonic() - begun_s > self._longest_s
            delay_s = self._delay_s if has_lasted else min(self._longest_s, delay_s)
            self._wait(delay_s)
            delay_s *= 2.0

    def _live(self) -> int:
        """One process from its start to its end."""
        own = os.getpid()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _end_with(own)
            os._exit(self._work())
        self._pid = pid
        if self._is_stopping:
            self._stop()
        _, code = os.waitpid(pid, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(code)

    def _wait(self, delay_s: float) -> None:
        deadline = time.monotonic() + delay_s
        while not self._is_stopping and (left_s := deadline - time.monotonic()) > 0.0:
            time.sleep(min(left_s, self._delay_s))

    def _stop(self) -> None:
        self._is_stopping = True
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)


def _end_with(parent: int) -> None:
    """Have this process told to end when its parent does, however that one ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)
