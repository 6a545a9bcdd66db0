"""The shared block as a piece of mapped memory: created by the control process, attached by the engine."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from remapd.engine.layout import MAGIC, SHARED, fingerprint
from remapd.errors import RemapdError

_MEMORY_FOLDER = Path("/dev/shm")
_TOKEN_BYTES = 12
_NAME = re.compile(rf"remapd-[0-9a-f]{{{2 * _TOKEN_BYTES}}}")


class SharedBlock:
    """One `SHARED` record in memory that several processes can map.

    Attributes
    ----------
    record : numpy.void
        The record; compiled code takes it as it is.
    path : pathlib.Path or None
        File that backs the memory; None if it belongs to this process alone.
    """

    def __init__(self, memory: mmap.mmap, path: Path | None = None, descriptor: int | None = None) -> None:
        self._memory = memory
        self._descriptor = descriptor
        self._owner = False
        self.path = path
        self._array: np.ndarray[Any, Any] = np.ndarray((1,), SHARED, buffer=memory)
        self.record: Any = self._array[0]

    @classmethod
    def private(cls) -> SharedBlock:
        """A block for an engine within this process."""
        return cls._prepared(cls(mmap.mmap(-1, SHARED.itemsize)))

    @classmethod
    def create(cls) -> SharedBlock:
        """A block that other processes of the same user can attach by its path.

        Raises
        ------
        RemapdError
            If there is not enough memory for it.
        """
        for folder in (_MEMORY_FOLDER, Path(tempfile.gettempdir())):
            if not os.access(folder, os.W_OK):
                continue
            _remove_abandoned(folder)
            path = folder / f"remapd-{secrets.token_hex(_TOKEN_BYTES)}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            _hold(descriptor)
            if _reserve(descriptor, SHARED.itemsize):
                block = cls._prepared(cls(mmap.mmap(descriptor, SHARED.itemsize), path, descriptor))
                block._owner = True
                return block
            path.unlink()
            os.close(descriptor)
        raise RemapdError(f"no room for {SHARED.itemsize >> 20} MiB of shared memory in {_MEMORY_FOLDER} or {folder}")

    @classmethod
    def attach(cls, path: str | Path, own: bool = False) -> SharedBlock:
        """Map a block that another process created.

        Parameters
        ----------
        path : str or Path
            Its file.
        own : bool
            Whether this process removes the file in the end, in place of the one that created it and is gone.

        Raises
        ------
        RemapdError
            If there is none at `path`, or it was made by another version of remapd.
        """
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError as error:
            raise RemapdError(f"shared memory {path}: {error.strerror}") from None
        if os.fstat(descriptor).st_size != SHARED.itemsize:
            os.close(descriptor)
            raise RemapdError(f"shared memory {path}: made by another version of remapd")
        _hold(descriptor)
        block = cls(mmap.mmap(descriptor, SHARED.itemsize), Path(path), descriptor)
        if int(block.record["magic"]) != MAGIC or int(block.record["fingerprint"]) != fingerprint():
            block.close()
            raise RemapdError(f"shared memory {path}: made by another version of remapd")
        block._owner = own
        return block

    @classmethod
    def _prepared(cls, block: SharedBlock) -> SharedBlock:
        block.record["magic"] = MAGIC
        block.record["fingerprint"] = fingerprint()
        block.record["status"]["program"] = -1
        return block

    def leave(self) -> None:
        """Leave the file to a process that comes after this one."""
        self._owner = False

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
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def _hold(descriptor: int) -> None:
    """Mark a block as in use for as long as the file stays open; the mark goes with the process, however it ends."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def _reserve(descriptor: int, size: int) -> bool:
    """Take the memory now: a write to memory that is not there would end the process."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.ftruncate(descriptor, size)
    except OSError:
        return False
    return True


def _remove_abandoned(folder: Path) -> None:
    """Remove the blocks of processes that were killed and could not do it themselves: those that nobody holds."""
    for path in folder.glob("remapd-*"):
        if not _NAME.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError):  # Someone else's, in use, or gone in the meantime.
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A block that is being made is not held for a moment, and has no size then.
                if os.fstat(descriptor).st_size > 0:
                    path.unlink()
            finally:
                os.close(descriptor)
