"""Training jobs: asked for, queued, run one at a time, watched, ended, and what they make put into the library."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from remapd.control.bulletin import Bulletin
from remapd.control.jobs.folders import JobFolders
from remapd.control.jobs.job import Job
from remapd.control.jobs.limits import JobLimits
from remapd.control.jobs.news import JobNews
from remapd.control.jobs.process import TRAIN_COMMAND
from remapd.control.jobs.recipes import Recipes
from remapd.control.jobs.request import JobRequest
from remapd.control.jobs.trainer import Trainer
from remapd.control.store.library import Library
from remapd.control.tasks import end_task
from remapd.errors import BusyError, ConflictError, FieldError, NotFoundError, RemapdError, Told, TrainingError
from remapd.extras import require_torch
from remapd.synth.presets import Preset

_log = logging.getLogger("remapd.jobs")

_BROKEN_OFF = "remapd ended while this job ran; start it again"


class RecordingPaths(Protocol):
    """Whoever knows the files of recordings."""

    def path(self, name: str) -> Path:
        """File of a recording; raises `NotFoundError`."""


class TrainingJobs:
    """All jobs; used in the loop's thread alone.

    Parameters
    ----------
    folder : Path
        Where jobs keep their files.
    recordings : RecordingPaths
        What is trained from.
    library : Library
        Where presets come from and models go to.
    bulletin : Bulletin
        Where ``job`` is told, with `Job.document`, whenever a job has gone on.
    limits : JobLimits
        How many, and for how long.
    command : sequence of str
        Program of a job and its first arguments.

    Attributes
    ----------
    recipes : Recipes
        How models can be trained.
    """

    def __init__(
        self,
        folder: Path,
        recordings: RecordingPaths,
        library: Library,
        bulletin: Bulletin,
        limits: JobLimits | None = None,
        command: Sequence[str] = TRAIN_COMMAND,
    ) -> None:
        self._folders, self._recordings, self._library = JobFolders(folder), recordings, library
        self._news, self._limits = JobNews(bulletin), limits or JobLimits()
        self._trainer = Trainer(self._folders, library, self._news, command, self._limits.longest_s)
        self.recipes = Recipes(command)
        self._jobs: dict[str, Job] = {}
        self._running: Job | None = None
        self._asked, self._over = asyncio.Event(), asyncio.Event()
        self._submitting = asyncio.Lock()
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what was kept: jobs that waited wait on, one that ran has failed."""
        for job in await asyncio.to_thread(self._folders.load):
            self._jobs[job.id] = job
            if job.state == "running":
                job.end("failed", TrainingError(_BROKEN_OFF))
                await self._close(job)
        self._asked.set()
        self._worker = asyncio.create_task(self._work(), name="training jobs")

    async def stop(self) -> None:
        """End the job that runs, with its process; those that wait will wait for the next start."""
        worker, self._worker = self._worker, None
        await end_task(worker)

    # -- what there is -----------------------------------------------------------------------------------------------

    def jobs(self) -> list[Job]:
        """All jobs that are remembered, in the order in which they were asked for."""
        return list(self._jobs.values())

    def job(self, job_id: str) -> Job:
        """Find a job; raises a `NotFoundError` if there is none."""
        if job_id not in self._jobs:
            raise NotFoundError("job", "the id of a training job", job_id)
        return self._jobs[job_id]

    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(job.state == "queued" for job in self._jobs.values())

    @property
    def pid(self) -> int | None:
        """Number of the process that trains, if one does."""
        return self._trainer.pid

    async def files(self, job_id: str) -> dict[str, Path]:
        """What a job has made, by name; raises a `NotFoundError` if there is no such job."""
        return await asyncio.to_thread(self._folders.files, self.job(job_id))

    # -- what is asked -----------------------------------------------------------------------------------------------

    async def submit(self, request: JobRequest) -> Job:
        """Have a model trained.

        Raises
        ------
        NotInstalledError
            If training is not installed; the text names the command that installs it.
        BusyError
            If too many wait already.
        FieldError
            If a recording, preset or recipe is not there, or there is a model of that name that may not be replaced.
        StorageError
            If there is no room.
        """
        require_torch()
        await self.recipes.check(request.recipe)
        async with self._submitting:
            if self.waiting() >= self._limits.queue:
                raise BusyError(f"{self.waiting()} training jobs are waiting already; try again later")
            self._check_free(request)
            job = Job(request)
            try:
                await asyncio.to_thread(self._prepare, job)
            except BaseException:
                await asyncio.to_thread(self._folders.delete, job)
                raise
            self._jobs[job.id] = job
            await self._forget_oldest()
        self._news.tell(job)
        self._asked.set()
        return job

    async def cancel(self, job_id: str) -> Job:
        """End a job at once; nothing of it is kept.

        Raises
        ------
        NotFoundError
            If there is no such job.
        ConflictError
            If it is over.
        """
        job = self._open(job_id)
        job.end("cancelled")
        if job is not self._running:
            await self._close(job)
        else:
            self._trainer.kill()
        while job is self._running:
            await self._over.wait()
        return job

    def finish(self, job_id: str) -> Job:
        """End the training of a job after this epoch, and go on with what it has learnt so far.

        Raises
        ------
        NotFoundError
            If there is no such job.
        ConflictError
            If it is over, or has not learnt anything yet.
        """
        job = self._open(job_id)
        if job is not self._running or not job.progress:
            raise ConflictError("job", "one that has trained for an epoch at least", Told(job.stage or job.state))
        self._trainer.finish()
        return job

    async def delete(self, job_id: str) -> None:
        """Forget a job that is over, with its report; its model stays in the library.

        Raises
        ------
        NotFoundError
            If there is no such job.
        ConflictError
            If it is not over.
        StorageError
            If its files cannot be removed.
        """
        job = self.job(job_id)
        if not job.is_over or job is self._running:
            raise ConflictError("job", "one that is over; cancel it first", Told(job.state))
        await asyncio.to_thread(self._folders.delete, job)
        self._jobs.pop(job_id, None)
        self._news.tell_deleted(job_id)

    # -- how ---------------------------------------------------------------------------------------------------------

    def _open(self, job_id: str) -> Job:
        job = self.job(job_id)
        if job.is_over:
            raise ConflictError("job", "one that is not over", Told(job.state))
        return job

    def _prepare(self, job: Job) -> None:
        request = job.request
        paths = {name: self._recordings.path(name) for name in request.recordings}
        self._folders.prepare(job, paths, self._preset(request))

    def _preset(self, request: JobRequest) -> Preset | None:
        if not request.preset:
            return None
        preset = self._library.preset(request.preset)
        if request.synth and preset.synth != request.synth:
            raise FieldError("preset", f"a preset of {request.synth}", f"{request.preset}, one of {preset.synth}")
        return preset

    def _check_free(self, request: JobRequest) -> None:
        waiting = {job.request.name for job in self._jobs.values() if not job.is_over}
        if request.name in waiting or (not request.replace and request.name in self._library.models()):
            raise ConflictError("name", "one that no model has; or ask for it to be replaced", request.name)

    async def _forget_oldest(self) -> None:
        over = [job for job in self._jobs.values() if job.is_over and job is not self._running]
        for job in over[: max(0, len(self._jobs) - self._limits.kept)]:
            with contextlib.suppress(RemapdError):
                await self.delete(job.id)

    async def _work(self) -> None:
        while True:
            job = next((job for job in self._jobs.values() if job.state == "queued"), None)
            if job is None:
                self._asked.clear()
                await self._asked.wait()
                continue
            await self._run(job)

    async def _run(self, job: Job) -> None:
        self._running = job
        self._over.clear()
        job.begin()
        try:
            await self._save(job)
            self._news.tell(job)
            await self._trainer.train(job)
            if job.state == "running":
                job.model = await asyncio.to_thread(self._trainer.keep, job)
                job.end("done")
        except RemapdError as error:
            if job.state == "running":
                job.end("failed", error)
                _log.warning("training of %s failed: %s", job.request.name, job.error["text"])
        except asyncio.CancelledError:
            job.end("failed", TrainingError(_BROKEN_OFF))
            raise
        except Exception:
            _log.exception("training of %s failed", job.request.name)
            job.end("failed", TrainingError("this is a fault of remapd; its log says more"))
        finally:
            await self._close(job)
            self._running = None
            self._over.set()

    async def _close(self, job: Job) -> None:
        await asyncio.to_thread(self._folders.tidy, job)
        with contextlib.suppress(RemapdError):
            await self._save(job)
        self._news.tell(job)

    async def _save(self, job: Job) -> None:
        await asyncio.to_thread(self._folders.save, job)
