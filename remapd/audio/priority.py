"""What the system grants a process that must not be late: scheduling priority and locked memory."""

from __future__ import annotations

import ctypes
import os
import sys

#: Above what desktop programs have, below the threads that serve the sound card's interrupts.
REALTIME_PRIORITY = 70

_LOCK_CURRENT_AND_FUTURE = 1 | 2


def request_realtime_priority(priority: int = REALTIME_PRIORITY) -> bool:
    """Ask for first-in first-out scheduling of the calling thread; False where that is not granted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (AttributeError, OSError):
        return False
    return True


def lock_memory() -> bool:
    """Keep all memory of this process, now and later, from being swapped out; False where that is not granted."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).mlockall(_LOCK_CURRENT_AND_FUTURE) == 0)
