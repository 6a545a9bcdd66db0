"""What to make of the end of an engine process: how long to wait before the next, and what to say."""

from __future__ import annotations

import contextlib
import signal

from remapd.daemon.link import UNKNOWN_STATUS
from remapd.engine_process import Ending

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 5.0
#: After playing for this long a new fault counts as the first.
STEADY_S = 10.0


class Backoff:
    """How long to wait before the next try: nothing after a first crash, then ever longer."""

    def __init__(self) -> None:
        self._failures = 0

    def delay_s(self, crashed: bool, played_s: float) -> float:
        """Delay in seconds after an engine that played for `played_s` and then crashed, or lost its device."""
        if played_s >= STEADY_S:
            self._failures = 0
        step = self._failures - crashed
        self._failures += 1
        return 0.0 if step < 0 else float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(step, 16)))


def is_crash(status: int) -> bool:
    """Whether there is no reason to wait before the next; who ended an engine may be about to end its parent too."""
    return not is_device_trouble(status) and status != Ending.STOPPED


def is_device_trouble(status: int) -> bool:
    """Whether the device is what is missing, not the engine."""
    return status in (Ending.DEVICE_LOST, Ending.DEVICE_UNAVAILABLE)


def trouble(status: int, fault: str) -> str:
    """A line for people on an engine that will be started again."""
    if is_device_trouble(status):
        return f"no audio: {fault}; trying again until it is back"
    return f"the engine {death(status)}; starting it again"


def death(status: int) -> str:
    """An exit status in words."""
    if status == UNKNOWN_STATUS:
        return "ended"
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"
