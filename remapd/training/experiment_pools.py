"""Where the jobs of an experiment run: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, TypeVar

from remapd.errors import TrainingError

Result = TypeVar("Result")

# So much below programs that somebody works with.
_NICENESS = 10
_CONNECT_S, _WORKERS_S = 10.0, 60.0
# A drum's hits travel with each job, so that one survives the loss of a worker; Dask would warn of every one.
_QUIET_ABOUT_SIZE = {"distributed.admin.large-graph-warning-threshold": "1GB"}


class Pool(Protocol):
    """Runs functions elsewhere."""

    @property
    def size(self) -> int:
        """How many run at a time."""

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Begin with a call as soon as there is room."""

    def close(self, is_complete: bool) -> None:
        """Let everything go; what still runs is ended unless all `is_complete`."""

    def lost(self, error: BaseException) -> TrainingError:
        """Say in words why a call has no result; `error` is what it failed with."""


class LocalPool:
    """Processes of this machine, one thread each and at low priority.

    They ignore Ctrl-C, and end by themselves when this process ends, however it does.

    Parameters
    ----------
    workers : int
        Number of processes.
    """

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        lifeline, self._lifeline = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(workers, context, _begin_work, (lifeline,))
        self.size = workers

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Begin with a call as soon as there is room."""
        try:
            with _interrupts_held():
                return self._executor.submit(function, *arguments)
        except BrokenExecutor as error:
            raise self.lost(error) from None

    def close(self, is_complete: bool) -> None:
        """End the processes."""
        if not is_complete:
            self._lifeline.close()
        self._executor.shutdown(cancel_futures=True)
        self._lifeline.close()

    def lost(self, error: BaseException) -> TrainingError:
        """Say in words why a call has no result."""
        if isinstance(error, BrokenExecutor):
            return TrainingError(
                "a worker process has died, perhaps for want of memory; what is done is kept: "
                "start again to go on, with fewer --workers"
            )
        return TrainingError(f"a job cannot be run: {_named(error)}")


def _begin_work(lifeline: Connection) -> None:
    """Prepare a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    """End this process when nobody holds the other end any more."""
    wait([lifeline])
    os._exit(1)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let processes that are started here never hear Ctrl-C, not even before they can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class DaskPool:
    """A Dask cluster, whose workers need remapd with the extra ``train``, but none of the recordings.

    Dask unpickles what is sent, here and there: whoever is in control of the scheduler is in control of this process.

    Parameters
    ----------
    address : str
        Of the scheduler, like ``tcp://host:8786``.

    Raises
    ------
    TrainingError
        If distributed is not installed, or there is no such cluster, or no worker in it.
    """

    def __init__(self, address: str) -> None:
        if find_spec("distributed") is None:
            raise TrainingError(
                "--dask needs distributed, which is not installed: pip install 'remapd[train,experiment]'"
            )
        import dask
        import distributed

        dask.config.set(_QUIET_ABOUT_SIZE)
        self._address = address
        try:
            self._client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"--dask {address}: no Dask scheduler there ({_named(error)})") from None
        self._executor = self._client.get_executor(pure=False)
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS_S)
        except TimeoutError:
            self.close(is_complete=False)
            raise TrainingError(f"--dask {address}: no worker has come within {_WORKERS_S:.0f} s") from None

    @property
    def size(self) -> int:
        """How many jobs run at a time; it changes as workers come and go."""
        return max(1, sum(self._client.nthreads().values()))

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Send a call to the cluster."""
        future: Future[Result] = self._executor.submit(function, *arguments)
        return future

    def close(self, is_complete: bool) -> None:
        """Leave the cluster; what has not begun is taken back."""
        self._executor.shutdown(wait=is_complete)
        self._client.close()

    def lost(self, error: BaseException) -> TrainingError:
        """Say in words why a call has no result."""
        if isinstance(error, TrainingError):
            return error
        if isinstance(error, CancelledError):
            return TrainingError(f"--dask {self._address}: the cluster has dropped a job; start again to go on")
        return TrainingError(
            f"--dask {self._address}: a job cannot be run there ({_named(error)}); each worker needs this version "
            "of remapd, with its extra train"
        )


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
