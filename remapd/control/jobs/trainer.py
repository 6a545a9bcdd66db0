"""Runs the process of one job at a time, and puts the model that it makes into the library."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from remapd.control.jobs.folders import JobFolders
from remapd.control.jobs.job import Job
from remapd.control.jobs.news import JobNews
from remapd.control.jobs.process import JobProcess
from remapd.control.store.library import Library
from remapd.control.store.library_entry import Entry
from remapd.errors import ConflictError, RemapdError

_OPTIONS = ("--progress=json", "--background")


class Trainer:
    """The one process that trains, while it does.

    Parameters
    ----------
    folders : JobFolders
        Where jobs lie.
    library : Library
        Where models go to.
    news : JobNews
        Is told how it goes.
    command : sequence of str
        Program of a job and its first arguments.
    longest_s : float
        A process that takes longer is ended.
    """

    def __init__(
        self, folders: JobFolders, library: Library, news: JobNews, command: Sequence[str], longest_s: float
    ) -> None:
        self._folders, self._library, self._news = folders, library, news
        self._command, self._longest_s = command, longest_s
        self._process: JobProcess | None = None

    @property
    def pid(self) -> int | None:
        """Number of the process, if there is one."""
        return self._process.pid if self._process is not None else None

    async def train(self, job: Job) -> None:
        """Run a prepared job to its end; leaving this early ends its process.

        Raises
        ------
        RemapdError
            If it did not end well; the text says why.
        """
        arguments = await asyncio.to_thread(self._folders.arguments, job)
        command = [*self._command, *arguments, *job.request.arguments(), *_OPTIONS]
        tell = functools.partial(_in_loop, asyncio.get_running_loop(), functools.partial(self._take, job))
        process = self._process = JobProcess(command, self._folders.of(job), tell, self._longest_s)
        if job.is_over:  # Cancelled while it was laid out.
            process.kill()
        over = _in_thread(process.run)
        try:
            await asyncio.shield(over)
        finally:
            process.kill()
            with contextlib.suppress(RemapdError):
                await over
            self._process = None

    def finish(self) -> None:
        """Ask the process to end with what it has learnt so far."""
        if self._process is not None:
            self._process.finish()

    def kill(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()

    def keep(self, job: Job) -> str:
        """Put the model of a job into the library.

        Returns
        -------
        str
            Its name, another one than was asked for if that was taken meanwhile.

        Raises
        ------
        RemapdError
            If there is no model, it is damaged, or it cannot be stored.
        """
        content, wanted = self._folders.model(job), job.request.name
        for name in (wanted, f"{wanted[:50]}_{job.id}"):
            with contextlib.suppress(ConflictError):
                self._library.put_model(name, content, functools.partial(_check_replaces, job))
                return name
        raise ConflictError("name", "one that no model has", wanted)

    def _take(self, job: Job, line: Mapping[str, Any]) -> None:
        if job.is_over:
            return
        if job.take(line):
            self._news.tell(job)
        else:
            self._news.tell_soon(job)


def _check_replaces(job: Job, entry: Entry | None) -> None:
    if entry is not None and not job.request.replace:
        raise ConflictError("name", "one that no model has", job.request.name)


def _in_loop(
    loop: asyncio.AbstractEventLoop, take: Callable[[Mapping[str, Any]], None], line: Mapping[str, Any]
) -> None:
    with contextlib.suppress(RuntimeError):  # The loop has ended.
        loop.call_soon_threadsafe(take, line)


def _in_thread(work: Callable[[], None]) -> asyncio.Future[None]:
    """Do hours of work in a thread of its own, so that it takes no place among those that serve short waits."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def report(error: BaseException | None) -> None:
        if not done.done():
            done.set_result(None) if error is None else done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as caught:
            error = caught
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(report, error)

    threading.Thread(target=run, name="training job", daemon=True).start()
    return done
