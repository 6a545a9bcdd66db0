"""An engine process as its parent sees it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from remapd.engine_process import Spec

ENGINE_COMMAND = (sys.executable, "-P", "-m", "remapd.engine_process")

#: What an engine gets to end by itself before it is made to.
_STOP_S = 1.0
_LAST_WORDS = 20


class EngineChild:
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
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace", env=_child_environment()
        )
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._tell(spec.to_json() + "\n")

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # It ended already; its exit status will say why.
            _pipe(self.process.stdin).write(line)
            _pipe(self.process.stdin).flush()

    def _listen(self) -> None:
        for line in _pipe(self.process.stderr):
            self._last_words.append(line.rstrip())

    def reports(self) -> Iterator[dict[str, Any]]:
        """What it reports, line by line, until it ends."""
        for line in _pipe(self.process.stdout):
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    def end(self) -> int:
        """Wait for the process that has closed its output; returns its exit status."""
        status = self.process.wait()
        self._listener.join(_STOP_S)
        return status

    def stop(self) -> None:
        """Have it end: asked first, then made to."""
        with contextlib.suppress(OSError):
            _pipe(self.process.stdin).close()
        for insist in (self.process.terminate, self.process.kill):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_S)
                return
            insist()

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
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
