"""What a process that works for another one does to itself, and the environment in which it finds this package.

Limits hold where the system knows limits of this kind; elsewhere what is left is the time its parent gives it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO

#: Lowest priority.
NICENESS = 19
_OPEN_FILES = 64


def child_environment() -> dict[str, str]:
    """Make an environment in which a child finds the same package without looking in the current folder."""
    package = str(Path(__file__).resolve().parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def lower_priority(niceness: int = NICENESS) -> None:
    """Give way to everything else on the machine; on Linux the disk's time goes by the same number."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(niceness)


def calm_python() -> None:
    """Leave Python's collector nothing to do: what exists now is never collected, and nothing later either."""
    gc.collect()
    gc.freeze()
    gc.disable()


def be_first_to_go() -> None:
    """When the machine has no memory left, let Linux end this process before any other."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def end_with(pipe: BinaryIO) -> None:
    """End this process, and all it has started, at once when `pipe` is closed at its other end.

    The other end is held by the parent alone, so that it closes when the parent ends, however it does.
    """

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(pipe.fileno(), 4096):
                pass
        _end_group()

    threading.Thread(target=watch, name="end with parent", daemon=True).start()


def _end_group() -> None:
    """End the whole process group if it is ours, else this process."""
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def limit_this_process(cpu_s: int, memory_bytes: int, file_bytes: int = 0) -> None:
    """Take from this process, for good, the means to do harm.

    It can then write no file larger than `file_bytes`, leave no core dump, compute `cpu_s` seconds more, and take
    `memory_bytes` more of memory.
    """
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_limit = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
    limits = {
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_CPU: cpu_limit,
    }
    memory = _address_space_bytes()
    if memory is not None:
        limits[resource.RLIMIT_AS] = memory + memory_bytes
    for kind, limit in limits.items():
        # Some systems know a limit by name and refuse to set it.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit))


def _address_space_bytes() -> int | None:
    """Size of this process's address space; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
