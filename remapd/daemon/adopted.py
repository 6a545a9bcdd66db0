"""An engine process that another control process started, and that played on when that one died."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from remapd.daemon.link import STOP, STOP_S, UNKNOWN_STATUS, EngineLink
from remapd.daemon.other_process import OtherProcess
from remapd.engine_process.messages import messages
from remapd.errors import DeviceError


class AdoptedEngine(EngineLink):
    """One engine process, from its adoption to its end.

    Parameters
    ----------
    connection : socket
        To the engine, which has taken this process for its parent.
    process : OtherProcess
        The engine's process.
    """

    def __init__(self, connection: socket.socket, process: OtherProcess) -> None:
        self._connection, self._process = connection, process
        self.pid = process.pid
        self._status = UNKNOWN_STATUS

    def _send(self, line: bytes) -> None:
        if self._connection.send(line, socket.MSG_DONTWAIT) < len(line):
            raise OSError("the engine does not read")

    def reports(self) -> Iterator[dict[str, Any]]:
        """What it reports, line by line, until it ends."""
        with (
            contextlib.suppress(OSError),
            self._connection.makefile("r", encoding="utf-8", errors="replace") as lines,
        ):
            for report in messages(lines):
                ending = report.get("ending")
                self._status = ending if isinstance(ending, int) else self._status
                yield report

    def end(self) -> int:
        """Wait for the process that has closed its output; returns what it said of its end."""
        if not self._process.wait(2.0 * STOP_S):
            self._process.end(STOP_S)
        self._connection.close()
        return self._status

    def stop(self) -> None:
        """Have it end: asked first, then made to."""
        with contextlib.suppress(DeviceError):
            self.order(STOP)
        if not self._process.wait(STOP_S):
            self._process.end(STOP_S)

    def leave(self) -> None:
        """Let go of it; it plays on for a while and waits for another parent."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def last_words(self) -> str:
        """What it prints goes to nobody."""
        return ""
