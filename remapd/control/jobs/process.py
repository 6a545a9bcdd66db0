"""The process of a training job as its parent sees it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from remapd.errors import RemapdError, TrainingError
from remapd.processes import child_environment

TRAIN_COMMAND = (sys.executable, "-P", "-m", "remapd", "train")

_LONGEST_LINE = 1 << 20
_LAST_WORDS, _LONGEST_WORDS = 20, 400
_LAST_WORDS_S = 2.0
_KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL
#: What a job has no use for, and what might show in its words.
_SECRET = "TOKEN"


class JobProcess:
    """One process, from its start to its end, with whatever it starts itself.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    folder : Path
        Where it runs; its temporary files lie there too.
    tell : callable
        Takes what it tells, line by line, in the thread of `run`.
    longest_s : float
        It is ended when it takes longer.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, tell: Callable[[Mapping[str, Any]], None], longest_s: float
    ) -> None:
        self._command, self._folder, self._tell, self._longest_s = command, folder, tell, longest_s
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._is_killed = self._is_late = False

    @property
    def pid(self) -> int | None:
        """Its number, while it runs."""
        process = self._process
        return process.pid if process is not None else None

    def run(self) -> None:
        """Start it and wait for its end.

        Raises
        ------
        RemapdError
            If it did not end well; the text says why.
        """
        with self._lock:
            if self._is_killed:
                raise TrainingError("cancelled")
            process = self._process = self._start()
        timer = threading.Timer(self._longest_s, self._end_late)
        timer.daemon = True
        timer.start()
        readers = [_thread(self._read_lines, process.stdout), _thread(self._read_words, process.stderr)]
        _await_end(process)
        timer.cancel()
        self._bury(process, readers)
        if process.returncode:
            raise self._failure(process.returncode)

    def finish(self) -> None:
        """Ask it to end with what it has learnt so far."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and all that it has started, at once."""
        self._is_killed = True
        self._signal(_KILL)

    def _start(self) -> subprocess.Popen[str]:
        environment = {name: value for name, value in child_environment().items() if _SECRET not in name}
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(
                self._command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace", cwd=self._folder,
                env={**environment, "TMPDIR": str(self._folder)}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise TrainingError(f"the training process cannot be started: {error.strerror or error}") from None

    def _read_lines(self, pipe: IO[str]) -> None:
        while line := pipe.readline(_LONGEST_LINE):
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if isinstance(told, dict):
                    self._tell(told)

    def _read_words(self, pipe: IO[str]) -> None:
        while line := pipe.readline(_LONGEST_LINE):
            if line.strip():
                self._last_words.append(line.strip()[:_LONGEST_WORDS])

    def _bury(self, process: subprocess.Popen[str], readers: Sequence[threading.Thread]) -> None:
        """End what it has started and left behind, which may hold the pipes open, and let its number go."""
        self._signal(_KILL)
        for reader in readers:
            reader.join(_LAST_WORDS_S)
        with self._lock:
            process.wait()
            self._process = None
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _end_late(self) -> None:
        self._is_late = True
        self._signal(_KILL)

    def _signal(self, number: int) -> None:
        """Send a signal; to its whole group if it must end."""
        with self._lock:
            process = self._process
            if process is None or process.returncode is not None:
                return
            with contextlib.suppress(OSError):
                if sys.platform != "win32" and number == _KILL:
                    os.killpg(process.pid, number)
                else:
                    process.send_signal(number)

    def _failure(self, status: int) -> RemapdError:
        if self._is_killed:
            return TrainingError("cancelled")
        if self._is_late:
            return TrainingError(f"the training took longer than {self._longest_s:.0f} s and was ended")
        if status == -_KILL:
            return TrainingError("the training process was killed; the machine may have run out of memory")
        if status < 0:
            return TrainingError(f"the training process died of {signal.Signals(-status).name}")
        words = self._last_words[-1].removeprefix("remapd: ") if self._last_words else f"status {status}"
        return TrainingError(f"the training process failed: {words}")


def _thread(read: Callable[[IO[str]], None], pipe: IO[str] | None) -> threading.Thread:
    thread = threading.Thread(target=read, args=(pipe,), name="training job", daemon=True)
    thread.start()
    return thread


def _await_end(process: subprocess.Popen[str]) -> None:
    """Wait for the end and, where the system can, leave the process its number: so what it started can be killed."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()
