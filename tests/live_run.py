"""``remapd run`` as a process whose lines are read while it runs."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time

#: Time for anything that a slow machine may have to compile first.
PATIENCE_S = 120.0
#: Time to end by itself.
_END_S = 10.0
_FREE_PORTS = ("--http-port", "0", "--osc-port", "0")
HIT = re.compile(r"^ *\d+\.\d+ s ")


class LiveRun:
    """A running command; a context manager that ends it.

    Parameters
    ----------
    arguments : str
        Options of ``remapd run``.
    environment : mapping, optional
        Of the process.
    """

    def __init__(self, *arguments, environment=None):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "remapd", "run", *_FREE_PORTS, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**(environment or os.environ), "PYTHONUNBUFFERED": "1"},
        )
        self.lines = []
        self._queue = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self._queue.put(line.rstrip())
        self._queue.put(None)

    def await_line(self, is_wanted):
        """Read on until a line fits; returns it."""
        deadline = time.monotonic() + PATIENCE_S
        while (line := self._queue.get(timeout=max(0.0, deadline - time.monotonic()))) is not None:
            self.lines.append(line)
            if is_wanted(line):
                return line
        raise AssertionError("it ended:\n" + "\n".join(self.lines))

    def await_text(self, text):
        """Read on until a line has this in it; returns it."""
        return self.await_line(lambda line: text in line)

    def await_hits(self, count):
        """Read on until so many more hits were shown."""
        for _ in range(count):
            self.await_line(HIT.match)

    def end(self, number=signal.SIGINT):
        """Send a signal, read all that is left, and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        """Read all that is left, and return the exit status."""
        while (line := self._queue.get(timeout=PATIENCE_S)) is not None:
            self.lines.append(line)
        return self.process.wait(PATIENCE_S)

    @property
    def hits(self):
        """How many hits were shown so far."""
        return sum(bool(HIT.match(line)) for line in self.lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            # Killed at once it would leave its engine playing for the next one.
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_END_S)
        self.process.kill()
        self.process.wait()
