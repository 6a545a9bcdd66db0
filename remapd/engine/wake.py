"""Wakes a thread that waits for events of the engine, from the audio callback too: never waits, allocates nothing."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from numba import types

from remapd.dsp.kernel import compiled

#: Nobody is to be woken.
NOBODY = -1
#: What is written: an eventfd takes a word, and a pipe takes it too.
WORD_BYTES = 8
_CAN_WAKE = sys.platform in ("linux", "darwin")

_WRITE: Any = types.ExternalFunction("write", types.intp(types.intc, types.voidptr, types.uintp))


@compiled
def wake(descriptor: int, word: Any) -> None:
    """Wake whoever waits at `descriptor`, if there is one; `word` is an int64 array that holds a 1.

    A write that finds no room is left: the one who is to wake has plenty to wake up to.
    """
    if _CAN_WAKE and descriptor >= 0:
        _WRITE(descriptor, word.ctypes, WORD_BYTES)


class Wake:
    """A descriptor to wait at and one to write to, which may be the same.

    Attributes
    ----------
    read_descriptor, write_descriptor : int
        Neither ever blocks.
    """

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):
            self.read_descriptor = self.write_descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self.read_descriptor, self.write_descriptor = os.pipe()
            os.set_blocking(self.read_descriptor, False)
            os.set_blocking(self.write_descriptor, False)

    def signal(self) -> None:
        """Wake the one who waits."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.write_descriptor, (1).to_bytes(WORD_BYTES, sys.byteorder))

    def close(self) -> None:
        """Give the descriptors back, once nobody waits or writes any more."""
        for descriptor in {self.read_descriptor, self.write_descriptor}:
            os.close(descriptor)
