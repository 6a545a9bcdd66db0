"""Checks of Python, of the compiled code's cache, and of what the system grants: priority, memory, CPU clock."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from remapd import __version__
from remapd.audio.priority import REALTIME_PRIORITY
from remapd.daemon.health.finding import Finding, fail, ok, warn

#: Versions of Python that remapd is tested with: from, and below.
SUPPORTED = ((3, 11), (3, 14))

_LIBRARIES = ("numpy", "numba", "sounddevice", "soundfile")
_GOVERNORS = "cpu[0-9]*/cpufreq/scaling_governor"
_AUDIO_GROUP = (
    "allow it for the group audio: lines '@audio - rtprio 95' and '@audio - memlock unlimited' in "
    "/etc/security/limits.d/audio.conf, then 'sudo usermod -aG audio $USER' and log in again"
)
#: In a process of its own, so that this one keeps its priority.
_TRY_PRIORITY = f"import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param({REALTIME_PRIORITY}))"


def check_python() -> Iterator[Finding]:
    """Python's version, and those of the libraries that matter."""
    libraries = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}, remapd {__version__}, {libraries}"
    if SUPPORTED[0] <= sys.version_info[:2] < SUPPORTED[1]:
        yield ok("Python", text)
    else:
        yield fail("Python", text, "install Python 3.11 to 3.13")


def check_cache() -> Iterator[Finding]:
    """Whether compiled code can be kept."""
    from remapd.dsp.kernel import CACHE_DIR, cache_root, is_cached

    try:
        CACHE_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_writable = os.access(CACHE_DIR, os.W_OK)
    except OSError:
        is_writable = False
    if not is_writable:
        yield fail(
            "compiled code", f"{CACHE_DIR} cannot be written", f"make {cache_root()} writable, or unset NUMBA_CACHE_DIR"
        )
    elif CACHE_DIR.is_relative_to(tempfile.gettempdir()):
        text = f"in {CACHE_DIR}, which is lost when the machine starts again"
        yield warn("compiled code", text, _cache_remedy(Path(platformdirs.user_cache_dir("remapd"))))
    elif is_cached():
        yield ok("compiled code", f"cached in {CACHE_DIR}")
    else:
        yield warn("compiled code", f"not in {CACHE_DIR} yet", "the first start takes about a minute; nothing to do")


def _cache_remedy(wanted: Path) -> str:
    """How to get compiled code out of the temporary folder, by why it is there."""
    from remapd.dsp.kernel import cache_root

    if wanted.is_relative_to(tempfile.gettempdir()):
        return f"{wanted} lies in a temporary folder: set XDG_CACHE_HOME or HOME to one that stays"
    if cache_root() == wanted:
        return "unset NUMBA_CACHE_DIR, or set it to a folder that stays"
    return f"make {wanted} writable, by you alone"


def check_priority() -> Iterator[Finding]:
    """Whether the audio thread may have real-time priority."""
    if not hasattr(os, "sched_setscheduler"):
        yield ok("real-time priority", f"given by {platform.system()}'s audio system")
        return
    run = subprocess.run([sys.executable, "-c", _TRY_PRIORITY], stderr=subprocess.DEVNULL, check=False)
    text = f"first-in first-out scheduling at {REALTIME_PRIORITY}"
    if run.returncode == 0:
        yield ok("real-time priority", f"{text} is granted")
    else:
        limit = _limit("RLIMIT_RTPRIO")
        yield warn("real-time priority", f"{text} is refused (rtprio limit {limit or 0})", _AUDIO_GROUP)


def check_memory() -> Iterator[Finding]:
    """Whether memory may be locked."""
    limit = _limit("RLIMIT_MEMLOCK")
    if limit is None or os.geteuid() == 0:
        yield ok("locked memory", "the engine's memory can be kept from being swapped out")
    else:
        text = f"limited to {limit // 1000} kB, so the engine may be swapped out"
        yield warn("locked memory", text, _AUDIO_GROUP)


def check_cpu(folder: Path = Path("/sys/devices/system/cpu")) -> Iterator[Finding]:
    """Whether the CPU's clock follows the load, which makes the first block after a rest late."""
    governors = sorted({path.read_text().strip() for path in folder.glob(_GOVERNORS)})
    text = f"{os.cpu_count()} cores, governor {', '.join(governors) or 'not known here'}"
    if set(governors) <= {"performance"}:
        yield ok("CPU", text)
    else:
        yield warn("CPU", text, "sudo cpupower frequency-set -g performance")


def _limit(name: str) -> int | None:
    """Soft limit of a resource; None where there is none."""
    try:
        import resource
    except ImportError:
        return None
    soft = resource.getrlimit(getattr(resource, name))[0]
    return None if soft == resource.RLIM_INFINITY else soft
