"""What the system grants a process that must not be late: scheduling priority and locked memory."""

from __future__ import annotations

import ctypes
import os
import sys

#: Above what desktop programs have, below the threads that serve the sound card's interrupts.
REALTIME_PRIORITY = 70

_LOCK_CURRENT = 1


def request_realtime_priority(priority: int = REALTIME_PRIORITY) -> bool:
    """Ask for first-in first-out scheduling of the calling thread; False where that is not granted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (AttributeError, OSError):
        return False
    return True


def lock_memory() -> bool:
    """Keep all memory that this process has now from being swapped out; False where that is not granted.

    Later memory is left alone: under a limit, locking that as well makes allocations fail, and audio allocates none.
    """
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).mlockall(_LOCK_CURRENT) == 0)


def has_realtime_thread() -> bool:
    """Whether a thread of this process, the audio thread above all, has real-time priority."""
    try:
        threads = [int(name) for name in os.listdir("/proc/self/task")]
        return any(_is_realtime(os.sched_getscheduler(thread)) for thread in threads)
    except (AttributeError, OSError):
        return False


def _is_realtime(policy: int) -> bool:
    return policy & ~os.SCHED_RESET_ON_FORK in (os.SCHED_FIFO, os.SCHED_RR)
