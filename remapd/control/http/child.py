"""A command of ours in a process of its own, at the lowest priority, within a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence

from remapd.errors import RemapdError
from remapd.processes import NICENESS, child_environment

#: More output is none of ours.
_MOST_BYTES = 4 << 20


async def run_child(arguments: Sequence[str], patience_s: float) -> bytes:
    """Run ``remapd`` with these arguments; what it prints.

    Raises
    ------
    RemapdError
        If it takes too long or prints too much.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "remapd", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=child_environment(),
    )  # fmt: skip
    try:
        _give_way(process.pid)
        async with asyncio.timeout(patience_s):
            output = await _output(process)
            await process.wait()
    except TimeoutError:
        raise RemapdError(f"remapd {arguments[0]} took longer than {patience_s:g} s") from None
    finally:
        await _end(process)
    return output


async def _output(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    output = b""
    while piece := await process.stdout.read(65536):
        output += piece
        if len(output) > _MOST_BYTES:
            raise RemapdError(f"a child process printed more than {_MOST_BYTES >> 20} MiB")
    return output


def _give_way(pid: int) -> None:
    """Let everything else on the machine go first."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, NICENESS)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
