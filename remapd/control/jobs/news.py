"""What is told of jobs: every step at once, epochs a few times a second and always the last of them."""

from __future__ import annotations

import asyncio

from remapd.control.bulletin import Bulletin
from remapd.control.jobs.job import Job

#: Least time from one piece of news to the next one of an epoch.
PERIOD_S = 0.2
KIND = "job"


class JobNews:
    """Tells of jobs; used in the loop's thread alone.

    Parameters
    ----------
    bulletin : Bulletin
        Where ``job`` is told, with `Job.document`.
    """

    def __init__(self, bulletin: Bulletin) -> None:
        self._bulletin = bulletin
        self._told_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, job: Job) -> None:
        """Tell of a job as it is now."""
        self._told_s = asyncio.get_running_loop().time()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._bulletin.post(KIND, job.document())

    def tell_soon(self, job: Job) -> None:
        """Tell of a job as it is then, as soon as the last news is not too young."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._told_s + PERIOD_S), self.tell, job)

    def tell_deleted(self, job_id: str) -> None:
        """Tell that a job is no longer remembered."""
        self._bulletin.post(KIND, {"id": job_id, "state": "deleted"})
