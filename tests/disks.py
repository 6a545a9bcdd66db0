"""Disks that have no room, or that not everybody may write to."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _is_ever_refused() -> bool:
    """Whether permissions hold for whoever runs the tests; for root they mostly do not."""
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return not os.access(file.name, os.R_OK)


as_anybody = pytest.mark.skipif(not _is_ever_refused(), reason="who may read and write everything is refused nothing")


@contextlib.contextmanager
def full_disk(room_bytes: int = 16) -> Iterator[None]:
    """Let no file of this process be longer than `room_bytes`: the system refuses it as it refuses to fill a disk."""
    resource = pytest.importorskip("resource", reason="only POSIX limits the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def tiny_disk(place: Path, size_bytes: int) -> Iterator[Path]:
    """Mount a disk of this size in memory, where that is allowed."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "none", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("disks cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


def disk_free(place: Path) -> int:
    """Room on a disk in bytes."""
    status = os.statvfs(place)
    return status.f_bavail * status.f_frsize
