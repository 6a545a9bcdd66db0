"""An engine process that was started here."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from remapd.daemon.link import STOP, STOP_S, EngineLink
from remapd.engine_process import Spec
from remapd.engine_process.messages import messages
from remapd.errors import DeviceError

ENGINE_COMMAND = (sys.executable, "-P", "-m", "remapd.engine_process")

_LAST_WORDS = 20
#: What the service manager tells its own child, and that alone.
_NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class EngineChild(EngineLink):
    """One engine process, from its start to its end.

    Parameters
    ----------
    spec : Spec
        What it is told.
    command : sequence of str
        Program and arguments.
    """

    def __init__(self, spec: Spec, command: Sequence[str] = ENGINE_COMMAND) -> None:
        pipe = subprocess.PIPE
        # A session of its own: what ends the parent's group, such as Ctrl-C, is for the parent to make something of.
        self.process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            encoding="utf-8",
            errors="replace",
            env=_child_environment(),
            start_new_session=True,
        )
        self.pid = self.process.pid
        self._line = threading.Lock()
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        with contextlib.suppress(OSError):  # It ended already; its exit status will say why.
            _pipe(self.process.stdin).write(spec.to_json() + "\n")
            _pipe(self.process.stdin).flush()
        os.set_blocking(_pipe(self.process.stdin).fileno(), False)

    def _send(self, line: bytes) -> None:
        with self._line:
            os.write(_pipe(self.process.stdin).fileno(), line)

    def _listen(self) -> None:
        for line in _pipe(self.process.stderr):
            self._last_words.append(line.rstrip())

    def reports(self) -> Iterator[dict[str, Any]]:
        """What it reports, line by line, until it ends."""
        return messages(_pipe(self.process.stdout))

    def end(self) -> int:
        """Wait for the process that has closed its output; returns its exit status."""
        status = self.process.wait()
        self._listener.join(STOP_S)
        return status

    def stop(self) -> None:
        """Have it end: asked first, then made to."""
        with contextlib.suppress(DeviceError):
            self.order(STOP)
        self.leave()
        for insist in (self.process.terminate, self.process.kill):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
                return
            insist()

    def leave(self) -> None:
        """Let go of it; it plays on if it was told to outlive its parent."""
        with self._line, contextlib.suppress(OSError):
            _pipe(self.process.stdin).close()

    def last_words(self) -> str:
        """The last line that it or its libraries printed."""
        return next((line for line in reversed(self._last_words) if line.strip()), "")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def _child_environment() -> dict[str, str]:
    """Make an environment in which the child finds the same package without looking in the current folder."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return {**inherited, "PYTHONPATH": os.pathsep.join(paths)}
