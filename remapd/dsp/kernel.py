"""How audio code is compiled: one decorator, and a cache that follows the sources.

Numba keys its cache on the file of each function alone, so a change in a callee would leave a stale caller behind.
The cache therefore lies in a folder named after a hash of every compiled source and of the compiler's version, in the
folder that ``NUMBA_CACHE_DIR`` names or else in our own. What lies in a cache is executed: a folder that the user names
is taken at his word, one of ours must belong to us and be writable by nobody else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs

Function = TypeVar("Function", bound=Callable[..., Any])

#: Longest run of frames a compiled block is asked for at once; scratch arrays have this length.
CHUNK_FRAMES = 64

#: A whole number to count from: a plain 0 is a type of its own, for which all that is called would be compiled again.
ZERO: Any = np.int64(0)

_PACKAGE = Path(__file__).resolve().parents[1]
_COMPILED_FOLDERS = (
    "dsp",
    "onsets",
    "features",
    "synth",
    "mapping",
    "engine",
    "audio",
    "sinks/wire/native",
    "training/kernels",
)
_FOLDER_NAME = re.compile(r"remapd-[0-9a-f]{16}")
#: A cache that no process has started with for so long is dropped; one that runs for longer has loaded all it needs.
STALE_AFTER_S = 30.0 * 24.0 * 3600.0


def source_fingerprint() -> str:
    """Hash over every source that may hold compiled code, and over the compiler's version."""
    digest = hashlib.sha256(f"{version('numba')} {version('llvmlite')} {version('numpy')}".encode())
    for path in sorted((_PACKAGE / "parameters.py", *_sources())):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> list[Path]:
    return [path for folder in _COMPILED_FOLDERS for path in (_PACKAGE / folder).rglob("*.py")]


def cache_root() -> Path:
    """Folder that holds compiled code: the user's cache, or a private temporary one if that cannot be written."""
    for root in (Path(platformdirs.user_cache_dir("remapd")), _private_temporary()):
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.access(root, os.W_OK) and _is_private(root):
                return root
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="remapd-"))


def _private_temporary() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"remapd-{user}"


def _is_private(folder: Path) -> bool:
    """Whether it is a folder, no link to one, that is our own and that nobody else may write to."""
    if not hasattr(os, "getuid"):
        return folder.is_dir()
    status = folder.lstat()
    is_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not is_others


def cache_folder() -> Path:
    """Folder for what is compiled from these sources.

    A child process inherits the variable with this folder, or that of other sources, at its end.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    root = Path(given).absolute() if given else cache_root() / "compiled"
    if _FOLDER_NAME.fullmatch(root.name):
        root = root.parent
    return root / f"remapd-{source_fingerprint()}"


def open_cache(folder: Path) -> None:
    """Mark a cache as used; where it is a new one, drop those beside it that have not been used for long."""
    is_new = not folder.is_dir()
    with contextlib.suppress(OSError):  # Where it cannot be written, the compiler says so.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(folder)
        if is_new:
            _drop_stale_caches(folder.parent)


def _drop_stale_caches(root: Path) -> None:
    oldest = time.time() - STALE_AFTER_S
    for folder in root.iterdir():
        if _FOLDER_NAME.fullmatch(folder.name) and folder.lstat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)


CACHE_DIR = cache_folder()
os.environ["NUMBA_CACHE_DIR"] = str(CACHE_DIR)
open_cache(CACHE_DIR)

import numba  # noqa: E402  (the cache folder must be known first)

# The environment comes too late where somebody imported numba before us.
numba.config.CACHE_DIR = str(CACHE_DIR)  # type: ignore[attr-defined]


def compiled(function: Function) -> Function:
    """Compile a function for the audio path: no exceptions, no GIL, strict IEEE arithmetic.

    Arithmetic is strict so that a loop gives the same bits whether it runs vectorised or not, which is what makes the
    output independent of the block size.
    """
    return numba.njit(cache=True, error_model="numpy", nogil=True)(function)  # type: ignore[no-any-return,return-value]


def inlined(function: Function) -> Function:
    """Compile a function as part of each of its callers.

    A function compiled by itself contains the code of all that it calls, so each layer of a deep tree is compiled as
    often as there are layers above it. For functions with one caller and much below them.
    """
    return numba.njit(error_model="numpy", nogil=True, inline="always")(function)  # type: ignore[no-any-return,return-value]


def is_cached() -> bool:
    """Whether code compiled from these sources lies in the cache already."""
    return CACHE_DIR.is_dir() and any(CACHE_DIR.rglob("*.nbc"))
