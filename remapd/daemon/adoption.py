"""Taking over an engine that plays on though the control process that started it has died."""

from __future__ import annotations

import logging
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

import remapd
from remapd.daemon.adopted import AdoptedEngine
from remapd.daemon.engine_file import EngineFile, Found
from remapd.daemon.link import STOP_S
from remapd.daemon.other_process import OtherProcess
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Spec
from remapd.errors import RemapdError

#: An engine that does not let itself be adopted for so long is ended: two would not share a device.
PATIENCE_S = 5.0
_RETRY_S = 0.02

_log = logging.getLogger("remapd.supervisor")


@dataclass(frozen=True, slots=True)
class Orphan:
    """An engine that was found playing, and now has this process for its parent.

    Parameters
    ----------
    shared : SharedBlock
        Its block, which this process now owns.
    spec : Spec
        What it was told when it started.
    link : AdoptedEngine
        The line to it, for a `Supervisor`.
    """

    shared: SharedBlock
    spec: Spec
    link: AdoptedEngine

    def leave(self) -> None:
        """Leave it to the next one, as this process cannot go on."""
        self.shared.leave()
        self.link.leave()


def find_orphan(runtime: Path) -> Orphan | None:
    """The engine that plays without a parent, taken over; None if there is none.

    One that cannot be taken over, such as one of another version of remapd, is ended.

    Parameters
    ----------
    runtime : Path
        Folder of the `EngineFile`, which no other running daemon uses.
    """
    file = EngineFile(runtime)
    found = file.read()
    process = OtherProcess.find(found.pid, found.started) if found is not None else None
    if found is None or process is None:
        file.clear()
        return None
    try:
        return _adopt(found, process)
    except (OSError, RemapdError) as error:
        _log.warning("the engine that plays cannot be taken over and is ended: %s", error)
        process.end(STOP_S)
        process.close()
        file.clear()
        return None


def _adopt(found: Found, process: OtherProcess) -> Orphan:
    if found.version != remapd.__version__:
        raise RemapdError(f"it is of version {found.version}")
    shared = SharedBlock.attach(found.spec.block, own=True)
    try:
        connection = _connected(found.spec.socket, process)
    except BaseException:
        shared.close()
        raise
    return Orphan(shared, found.spec, AdoptedEngine(connection, process))


def _connected(path: str, process: OtherProcess) -> socket.socket:
    """A connection to the engine, which begins to listen when it notices that its parent is gone."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
            _check_peer(connection, process.pid)
            if _is_taken(connection):
                return connection
            connection.close()
        except (FileNotFoundError, ConnectionError, TimeoutError):
            connection.close()
        except BaseException:
            connection.close()
            raise
        if process.wait(_RETRY_S):
            raise RemapdError("it has ended")
        if time.monotonic() > deadline:
            raise RemapdError("it does not listen")


def _is_taken(connection: socket.socket) -> bool:
    """Whether the engine takes the connection; it says so by an empty line. One that came late is closed instead."""
    connection.settimeout(PATIENCE_S)
    said = connection.recv(1)
    connection.settimeout(None)
    return said == b"\n"


def _check_peer(connection: socket.socket, pid: int) -> None:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    if struct.unpack("3i", credentials)[0] != pid:
        raise RemapdError("another process listens in its place")
