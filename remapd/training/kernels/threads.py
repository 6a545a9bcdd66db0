"""Rows of a batch shared out among threads; compiled kernels release the interpreter's lock."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any


def over_rows(kernel: Callable[..., None], rows: int, threads: int, *arguments: Any) -> None:
    """Call ``kernel(first, last, *arguments)`` for all rows, in parts of about equal size, one to a thread.

    A kernel must treat each row by itself, so that the number of threads changes no result.
    """
    parts = max(1, min(rows, threads))
    *others, own = itertools.pairwise(rows * part // parts for part in range(parts + 1))
    running = [_pool(os.getpid()).submit(kernel, *part, *arguments) for part in others]
    kernel(*own, *arguments)
    for part in running:
        part.result()


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads of this process; a forked one has none of its parent's."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix=f"rows-{process}")
