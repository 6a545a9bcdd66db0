"""The reader's process, seen from the loop: started, listened to, and started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from remapd.control.midi.reader import Ending
from remapd.processes import child_environment

_log = logging.getLogger("remapd.midi")

READER_COMMAND = (sys.executable, "-P", "-m", "remapd.control.midi.reader")
#: Longest line; 64 messages, or the names of a few hundred ports take less.
_MAX_LINE_BYTES = 1 << 18
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0
#: What a reader gets to end by itself before it is made to.
_STOP_S = 1.0

Hear = Callable[[Mapping[str, Any]], None]


class ReaderProcess:
    """Keeps a reader alive.

    Parameters
    ----------
    settings : mapping
        ``virtual_port`` and ``ports``, as the reader takes them.
    hear : callable
        Takes each line that the reader tells, and ``{"ended": status}`` when it has ended; called in the loop.
    command : sequence of str
        Program and arguments, before the settings.
    first_delay_s : float
        From the end of a reader to the next one, in s; doubled at each end up to `LONGEST_DELAY_S`.

    Attributes
    ----------
    starts : int
        Readers started so far.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        hear: Hear,
        command: Sequence[str] = READER_COMMAND,
        first_delay_s: float = FIRST_DELAY_S,
    ) -> None:
        self._arguments = [*command, json.dumps(dict(settings))]
        self._hear, self._first_delay_s = hear, first_delay_s
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Number of the reader's process, if there is one."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start reading; returns at once."""
        self._task = asyncio.create_task(self._keep(), name="midi reader")

    async def stop(self) -> None:
        """End the reader and wait until it is gone."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        delay_s = self._first_delay_s
        while True:
            heard = await self._run()
            if heard.status == Ending.MISSING:
                return
            delay_s = self._first_delay_s if heard.has_played else min(LONGEST_DELAY_S, 2.0 * delay_s)
            await asyncio.sleep(delay_s)

    async def _run(self) -> _Life:
        """One reader from its start to its end."""
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=pipe,
                stdout=pipe,
                stderr=null,
                limit=_MAX_LINE_BYTES,
                start_new_session=True,
                env=child_environment(),
            )
        except OSError as error:
            self._tell({"fault": f"the reader of MIDI cannot be started: {error.strerror or error}"})
            return _Life()
        self.starts += 1
        life = _Life()
        try:
            await self._listen(process, life)
        finally:
            life.status = await asyncio.shield(_ended(process))
            self._process = None
        self._tell({"ended": life.status})
        return life

    async def _listen(self, process: asyncio.subprocess.Process, life: _Life) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # A line beyond the limit is none of ours.
                return
            if not line:
                return
            life.has_played |= self._tell_line(line)
            await asyncio.sleep(0)  # A pipe that is full must not keep the loop from all else.

    def _tell_line(self, line: bytes) -> bool:
        """Pass a line on; whether the reader has an interface to MIDI."""
        try:
            content = json.loads(line)
        except ValueError:
            return False
        if not isinstance(content, dict):
            return False
        self._tell(content)
        return "interface" in content

    def _tell(self, content: Mapping[str, Any]) -> None:
        try:
            self._hear(content)
        except Exception:
            _log.exception("a line of the reader could not be taken")


class _Life:
    """How a reader did."""

    def __init__(self) -> None:
        self.has_played = False
        self.status = -1


async def _ended(process: asyncio.subprocess.Process) -> int:
    """Have a process end, whatever it does; its status."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        return await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return await process.wait()
