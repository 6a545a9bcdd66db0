"""What a process may use that handles a file of unknown origin.

All of it where the system knows limits of this kind; elsewhere what is left is the time its parent gives it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

#: Lowest priority.
NICENESS = 19
_OPEN_FILES = 64


def lower_priority() -> None:
    """Give way to everything else on the machine."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(NICENESS)


def limit_this_process(cpu_s: int, memory_bytes: int) -> None:
    """Take from this process, for good, the means to do harm.

    It can then write no file, leave no core dump, compute `cpu_s` seconds more, and take `memory_bytes` more of memory.
    """
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_limit = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
    limits = {
        resource.RLIMIT_FSIZE: 0,
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
