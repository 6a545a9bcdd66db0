"""How much may come in a while."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """So much a second on average, and so much at once after a pause.

    What is taken at once may be more than there is: then there is nothing until the debt is paid.

    Parameters
    ----------
    rate_per_s : float
        Average in the long run.
    burst : float
        Most that a pause saves up; 0 lets one through when there is no debt.
    clock : callable
        Time in s that never goes back.
    """

    def __init__(self, rate_per_s: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s, self._burst, self._clock = rate_per_s, burst, clock
        self._tokens, self._last_s = burst, clock()

    def take(self, count: float = 1.0) -> bool:
        """Take `count` if there is anything at all; False if there is nothing."""
        if self.wait_s() > 0.0:
            return False
        self._tokens -= count
        return True

    def wait_s(self) -> float:
        """Time until something can be taken, in s; 0 if it can be now."""
        now_s = self._clock()
        self._tokens = min(self._burst, self._tokens + (now_s - self._last_s) * self._rate_per_s)
        self._last_s = now_s
        return max(0.0, -self._tokens / self._rate_per_s)
