"""The shared block as a piece of mapped memory: created by the control process, attached by the engine."""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from remapd.engine.layout import MAGIC, SHARED, fingerprint
from remapd.errors import RemapdError

_MEMORY_FOLDER = Path("/dev/shm")


class SharedBlock:
    """One `SHARED` record in memory that several processes can map.

    Attributes
    ----------
    record : numpy.void
        The record; compiled code takes it as it is.
    path : pathlib.Path or None
        File that backs the memory; None if it belongs to this process alone.
    """

    def __init__(self, memory: mmap.mmap, path: Path | None, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self.path = path
        self._array: np.ndarray[Any, Any] = np.ndarray((1,), SHARED, buffer=memory)
        self.record: Any = self._array[0]

    @classmethod
    def private(cls) -> SharedBlock:
        """A block for an engine within this process."""
        return cls._prepared(mmap.mmap(-1, SHARED.itemsize), None)

    @classmethod
    def create(cls) -> SharedBlock:
        """A block that other processes of the same user can attach by its path."""
        folder = _MEMORY_FOLDER if os.access(_MEMORY_FOLDER, os.W_OK) else Path(tempfile.gettempdir())
        _remove_abandoned(folder)
        path = folder / f"remapd-{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.ftruncate(descriptor, SHARED.itemsize)
            memory = mmap.mmap(descriptor, SHARED.itemsize)
        finally:
            os.close(descriptor)
        return cls._prepared(memory, path)

    @classmethod
    def attach(cls, path: str | Path) -> SharedBlock:
        """Map a block that another process created.

        Raises
        ------
        RemapdError
            If there is none at `path`, or it was made by another version of remapd.
        """
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError as error:
            raise RemapdError(f"shared memory {path}: {error.strerror}") from None
        try:
            if os.fstat(descriptor).st_size != SHARED.itemsize:
                raise RemapdError(f"shared memory {path}: made by another version of remapd")
            memory = mmap.mmap(descriptor, SHARED.itemsize)
        finally:
            os.close(descriptor)
        block = cls(memory, Path(path), owner=False)
        if int(block.record["magic"]) != MAGIC or int(block.record["fingerprint"]) != fingerprint():
            raise RemapdError(f"shared memory {path}: made by another version of remapd")
        return block

    @classmethod
    def _prepared(cls, memory: mmap.mmap, path: Path | None) -> SharedBlock:
        block = cls(memory, path, owner=True)
        block.record["magic"] = MAGIC
        block.record["fingerprint"] = fingerprint()
        block.record["status"]["program"] = -1
        return block

    def close(self) -> None:
        """Let go of the memory, and remove its file if this process created it.

        The mapping itself goes with the last array that looks into it.
        """
        if self._owner and self.path is not None:
            self.path.unlink(missing_ok=True)
        self._owner = False
        self.record = self._array = None  # type: ignore[assignment]
        with contextlib.suppress(BufferError):
            self._memory.close()


def _remove_abandoned(folder: Path) -> None:
    """Remove the blocks of processes that were killed and could not do it themselves."""
    for path in folder.glob("remapd-*-*"):
        pid = path.name.split("-")[1]
        if pid.isdecimal() and not _is_running(int(pid)):
            with contextlib.suppress(OSError):  # Someone else's, or gone in the meantime.
                path.unlink()


def _is_running(pid: int) -> bool:
    if os.name != "posix":  # Elsewhere signal 0 is no question.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
