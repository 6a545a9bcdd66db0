"""Work shared out among threads: compiled kernels release the interpreter's lock.

The threads are not those of PyTorch, which training limits to one because PyTorch's sums depend on their number. No
kernel's result does.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_chosen: list[int] = []


def thread_count() -> int:
    """Threads that kernels use: as many as there are processors for us, or what `use_threads` says."""
    return _chosen[0] if _chosen else _processors()


def use_threads(count: int | None) -> None:
    """Choose the number of threads for the whole process; None is as many as there are processors."""
    _chosen[:] = [] if count is None else [max(1, count)]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Results of a function for each item, in order."""
    threads = thread_count()
    return list(_pool(threads).map(function, items) if threads > 1 else map(function, items))


def over_rows(kernel: Callable[..., None], rows: int, *arguments: Any) -> None:
    """Call ``kernel(first, last, *arguments)`` for all rows, in parts of about equal size, one to a thread.

    A kernel must treat each row by itself.
    """
    parts = max(1, min(rows, thread_count()))
    borders = [rows * part // parts for part in range(parts + 1)]
    in_threads(lambda part: kernel(*part, *arguments), itertools.pairwise(borders))


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "remapd-kernels")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
