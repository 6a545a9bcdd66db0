"""A file that says a daemon uses these folders: another one keeps away, and the next one learns how this one ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from remapd.errors import RemapdError
from remapd.files import storage_error

_MODE = 0o600


class RunMarker:
    """Marks a folder as in use for as long as the process lives.

    Parameters
    ----------
    path : Path
        The file, in a folder that exists.

    Attributes
    ----------
    was_left : bool
        Whether the last daemon here did not end as it should.

    Raises
    ------
    RemapdError
        If a daemon runs with these folders, or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        except OSError as error:
            raise storage_error(error, f"file {str(path)!r}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(self._descriptor, 20).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise RemapdError(
                f"remapd runs already (process {pid}) with the folder {path.parent}; stop it, or name other folders"
                " (REMAPD_PATHS__STATE, REMAPD_PATHS__RUNTIME)"
            ) from None
        self.was_left = os.fstat(self._descriptor).st_size > 0
        # At no moment it is empty; and a full disk must not keep anybody from playing.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0))

    def close(self) -> None:
        """Say that the daemon ended as it should."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        self._let_go()

    def leave(self) -> None:
        """Say that the daemon did not come to run: how the one before it ended is not forgotten."""
        if self.was_left:
            self._let_go()
        else:
            self.close()

    def _let_go(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
