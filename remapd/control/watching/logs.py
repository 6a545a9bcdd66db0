"""Logs of all parts: one line each, plain or JSON, to a stream and to a ring of the last lines.

Whoever logs never waits for the stream: lines go through a bounded queue to a thread of their own. Secrets are struck
out before a line is kept or written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sys
from collections.abc import Sequence
from logging.handlers import QueueHandler, QueueListener
from typing import Literal, TextIO

from pythonjsonlogger.json import JsonFormatter

from remapd.control.tree import LOG_LEVELS
from remapd.control.watching.log_lines import LastLines, LogLine, Secrets, members, one_line, shortened
from remapd.errors import FieldError

#: Lines that wait for the stream; more are dropped and counted.
QUEUE_LINES = 1000
#: Time that a stream gets for what waits at the end.
_LAST_LINES_S = 2.0
#: Loggers whose lines are taken: our own, and of what serves only the weighty ones.
ROOTS = ("remapd",)
OTHERS = ("uvicorn", "asyncio", "zeroconf")

Layout = Literal["plain", "json"]


class Logs:
    """Takes what is logged, from start to stop.

    Parameters
    ----------
    level : str
        Least weight of what is logged, one of `LOG_LEVELS`.
    layout : {"plain", "json"}
        How lines look on the stream.
    stream : text stream, optional
        Where they go; standard error by default.
    roots : sequence of str
        Our own loggers, with all below them.

    Attributes
    ----------
    secrets : Secrets
        Texts that must not appear in any line are told to it.

    Raises
    ------
    FieldError
        If there is no such level.
    """

    def __init__(
        self,
        level: str = "info",
        layout: Layout = "plain",
        stream: TextIO | None = None,
        roots: Sequence[str] = ROOTS,
    ) -> None:
        self._own = [logging.getLogger(root) for root in roots]
        self._loggers = [*self._own, *(logging.getLogger(other) for other in OTHERS)]
        self._before: list[tuple[int, bool]] = []
        self._level = _checked(level)
        self.secrets = Secrets()
        self._last = LastLines()
        self._handler = _Handler(self.secrets, self._last)
        output = logging.StreamHandler(stream or sys.stderr)
        output.setFormatter(_formatter(layout))
        self._listener = _Listener(self._handler.queue, output)

    async def start(self) -> None:
        """Begin to take lines."""
        if self._before:
            return
        self._before = [(logger.level, logger.propagate) for logger in self._loggers]
        for logger in self._loggers:
            logger.addHandler(self._handler)
            logger.propagate = False
        self._set_levels()
        self._listener.start()

    async def stop(self) -> None:
        """Write what waits, and take no more."""
        if not self._before:
            return
        for logger, (level, propagate) in zip(self._loggers, self._before, strict=True):
            logger.removeHandler(self._handler)
            logger.setLevel(level)
            logger.propagate = propagate
        self._before = []
        await asyncio.to_thread(self._listener.stop)

    @property
    def level(self) -> str:
        """Least weight of what is logged."""
        return self._level

    def set_level(self, level: str) -> None:
        """Log from this weight on.

        Raises
        ------
        FieldError
            If there is no such level.
        """
        self._level = _checked(level)
        if self._before:
            self._set_levels()

    def _set_levels(self) -> None:
        least = logging.getLevelNamesMapping()[self._level.upper()]
        for logger in self._loggers:
            logger.setLevel(least if logger in self._own else max(least, logging.WARNING))

    def lines(self, least: str = LOG_LEVELS[0], most: int | None = None) -> list[LogLine]:
        """The last lines of at least this weight, oldest first.

        Raises
        ------
        FieldError
            If there is no such level.
        """
        return self._last.lines(logging.getLevelNamesMapping()[_checked(least).upper()], most)

    @property
    def dropped(self) -> int:
        """Lines that the stream was too slow for."""
        return self._handler.dropped


class _Handler(QueueHandler):
    """Puts each line into words, keeps it, and hands it to the queue if there is room."""

    def __init__(self, secrets: Secrets, last: LastLines) -> None:
        super().__init__(queue.Queue(QUEUE_LINES))
        self._secrets, self._last = secrets, last
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Make a record of nothing but words: what it speaks of may change before it is written."""
        told = {name: getattr(record, name) for name in ("name", "levelno", "levelname", "created", "msecs")}
        told["msg"] = shortened(self._secrets.struck_out(one_line(record)))
        return logging.makeLogRecord({**self._secrets.checked(members(record)), **told})

    def enqueue(self, record: logging.LogRecord) -> None:
        """Keep the line, and have it written."""
        self._last.add(record)
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class _Listener(QueueListener):
    """Writes lines in a thread of its own, which a stream that takes nothing cannot keep from being left behind."""

    def enqueue_sentinel(self) -> None:
        """Have the thread end, also where the queue is full: its oldest line gives way."""
        assert isinstance(self.queue, queue.Queue)
        while True:
            try:
                self.queue.put_nowait(None)
                return
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self.queue.get_nowait()

    def stop(self) -> None:
        """Write what waits, if the stream takes it in time."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self.enqueue_sentinel()
            thread.join(_LAST_LINES_S)


def _formatter(layout: Layout) -> logging.Formatter:
    if layout == "plain":
        return logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    return JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "part"},
        datefmt="%Y-%m-%dT%H:%M:%S%z",
    )


def _checked(level: str) -> str:
    if level not in LOG_LEVELS:
        raise FieldError("level", f"one of {', '.join(LOG_LEVELS)}", level)
    return level
