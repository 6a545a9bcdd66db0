"""Real-time priority for a thread that must not be late, but must never keep the audio waiting."""

from __future__ import annotations

import os


def priority_below_audio() -> int:
    """One below the lowest real-time priority in this process; 0 if there is none, or none below it."""
    try:
        threads = [int(name) for name in os.listdir("/proc/self/task")]
        return max(0, min(filter(None, map(_realtime_priority, threads)), default=0) - 1)
    except (AttributeError, OSError):
        return 0


def _realtime_priority(thread: int) -> int:
    policy = os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK
    return os.sched_getparam(thread).sched_priority if policy in (os.SCHED_FIFO, os.SCHED_RR) else 0


def set_priority(thread: int, priority: int) -> bool:
    """Have the system run a thread first in, first out at a priority; False where that is not granted."""
    try:
        os.sched_setscheduler(thread, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (AttributeError, OSError):
        return False
    return True
