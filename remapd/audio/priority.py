"""What the system grants a process that must not be late: scheduling priority and locked memory."""

from __future__ import annotations

import ctypes
import os
import sys

#: Above what desktop programs have, below the threads that serve the sound card's interrupts.
REALTIME_PRIORITY = 70

#: Of ``mlockall``: all that is mapped now; but only pages that are in use, or come into use.
_CURRENT, _ON_FAULT = 1, 4


def request_realtime_priority(priority: int = REALTIME_PRIORITY) -> bool:
    """Ask for first-in first-out scheduling of the calling thread; False where that is not granted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (AttributeError, OSError):
        return False
    return True


def limit_realtime(longest_s: float) -> None:
    """Have the system end this process if it computes for so long in real time without waiting for anything.

    It would keep everything else from its core.
    """
    try:
        import resource

        limit = round(1e6 * longest_s)
        resource.setrlimit(resource.RLIMIT_RTTIME, (limit, limit))
    except (ImportError, AttributeError, ValueError, OSError):  # Linux alone has it.
        return


def lock_memory() -> bool:
    """Keep all memory that this process has now from being swapped out; False where that is not granted.

    Pages that were never touched are locked when they first are, so this adds nothing to the memory in use. Later
    allocations are left alone: under a limit they would fail, and audio makes none.
    """
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).mlockall(_CURRENT | _ON_FAULT) == 0)


def has_realtime_thread() -> bool:
    """Whether a thread of this process, the audio thread above all, has real-time priority."""
    try:
        threads = [int(name) for name in os.listdir("/proc/self/task")]
        return any(_is_realtime(os.sched_getscheduler(thread)) for thread in threads)
    except (AttributeError, OSError):
        return False


def _is_realtime(policy: int) -> bool:
    return policy & ~os.SCHED_RESET_ON_FORK in (os.SCHED_FIFO, os.SCHED_RR)
