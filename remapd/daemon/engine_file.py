"""A file that says which engine plays, for the control process that comes after one that died."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import remapd
from remapd.audio.backend import StreamSettings
from remapd.daemon.other_process import started_at
from remapd.engine_process import Spec
from remapd.errors import FieldError, RemapdError
from remapd.files import read_capped, replace_file

_NAME = "engine.json"
_SOCKET_PREFIX = "engine-"
_LIMIT_BYTES = 16 * 1024
#: What the system has room for in the address of a socket.
_LONGEST_SOCKET_BYTES = 100

_log = logging.getLogger("remapd.supervisor")


@dataclass(frozen=True, slots=True)
class Found:
    """An engine as the file describes it; it need not run any more.

    Parameters
    ----------
    spec : Spec
        What it was told.
    pid, started : int
        Its process, and when that started.
    version : str
        Of remapd.
    """

    spec: Spec
    pid: int
    started: int
    version: str


class EngineFile:
    """The file of one user's daemon.

    Parameters
    ----------
    runtime : Path
        A folder that is this user's alone.
    """

    def __init__(self, runtime: Path) -> None:
        self._folder = runtime
        self._path = runtime / _NAME

    def spec(self, block: str, stream: StreamSettings, orphan_s: float, sinks: str = "") -> Spec:
        """What to tell an engine with these sinks that is to outlive its parent by `orphan_s` seconds."""
        socket = self._folder / f"{_SOCKET_PREFIX}{secrets.token_hex(4)}.sock"
        if orphan_s > 0.0 and len(os.fsencode(socket)) > _LONGEST_SOCKET_BYTES:
            _log.warning("the music will not survive this process: the name of the folder %s is too long", self._folder)
            orphan_s = 0.0
        return Spec(block, stream, orphan_s, str(socket), sinks)

    def write(self, spec: Spec, pid: int) -> None:
        """Say that this engine plays; a full disk is told, and the music goes on."""
        if spec.orphan_s <= 0.0:
            return
        values = {
            "spec": json.loads(spec.to_json()),
            "pid": pid,
            "started": started_at(pid),
            "version": remapd.__version__,
        }
        try:
            replace_file(self._path, json.dumps(values).encode(), "file", 0o600)
        except RemapdError as error:
            _log.warning("the music will not survive this process: %s", error)

    def read(self) -> Found | None:
        """The engine that was said to play; None if there is none, or the file cannot be trusted."""
        if not self._path.exists():
            return None
        try:
            self._check_owner()
            values = json.loads(read_capped(self._path, _LIMIT_BYTES, "file"))
            spec = Spec.from_json(json.dumps(values["spec"]))
            return Found(spec, int(values["pid"]), int(values["started"]), str(values["version"]))
        except (RemapdError, ValueError, TypeError, KeyError) as error:
            _log.warning("%s does not say which engine plays: %s", self._path, error)
            return None

    def clear(self) -> None:
        """Say that none plays."""
        for path in (self._path, *self._folder.glob(f"{_SOCKET_PREFIX}*.sock")):
            with contextlib.suppress(OSError):
                path.unlink()

    def _check_owner(self) -> None:
        for path in (self._folder, self._path):
            status = path.stat()
            if status.st_uid != os.getuid() or status.st_mode & 0o022:
                raise FieldError("runtime folder", "one that only this user may write to", str(path))
