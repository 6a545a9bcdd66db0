"""How audio code is compiled: one decorator, and a cache that follows the sources.

Numba keys its cache on the file of each function alone, so a change in a callee would leave a stale caller behind.
The cache therefore lies in a folder named after a hash of every compiled source and of the compiler's version.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

Function = TypeVar("Function", bound=Callable[..., Any])

#: Longest run of frames a compiled block is asked for at once; scratch arrays have this length.
CHUNK_FRAMES = 64

_PACKAGE = Path(__file__).resolve().parents[1]
_COMPILED_FOLDERS = ("dsp", "onsets", "features", "synth", "mapping", "engine", "audio")


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
    """Whether the folder is our own: cached code is executed, so one that someone else owns is not trusted."""
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


CACHE_DIR = Path(os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_root() / "compiled" / source_fingerprint())))

import numba  # noqa: E402  (the cache folder must be known first)

# The environment comes too late where somebody imported numba before us.
numba.config.CACHE_DIR = str(CACHE_DIR)  # type: ignore[attr-defined]


def compiled(function: Function) -> Function:
    """Compile a function for the audio path: no exceptions, no GIL, strict IEEE arithmetic.

    Arithmetic is strict so that a loop gives the same bits whether it runs vectorised or not, which is what makes the
    output independent of the block size.
    """
    return numba.njit(cache=True, error_model="numpy", nogil=True)(function)  # type: ignore[no-any-return,return-value]


def is_cached() -> bool:
    """Whether code compiled from these sources lies in the cache already."""
    return CACHE_DIR.is_dir() and any(CACHE_DIR.rglob("*.nbc"))


def drop_stale_caches() -> None:
    """Remove the caches of other versions of the sources, which nothing will read again."""
    if CACHE_DIR.parent.name != "compiled":
        return
    for folder in CACHE_DIR.parent.iterdir():
        if folder != CACHE_DIR and folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
