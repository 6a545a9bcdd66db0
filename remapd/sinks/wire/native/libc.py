"""Calls of the system that the sender makes, and how one failed."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Any

import numpy as np
from numba import carray, types

from remapd.dsp.kernel import compiled

#: Whether the sender can run here: only POSIX systems have these calls.
IS_SUPPORTED = sys.platform in ("linux", "darwin")
#: A send never waits, and a peer that went away is an error, not a signal (Python ignores that signal anyway).
SEND_FLAGS = getattr(socket, "MSG_DONTWAIT", 0) | getattr(socket, "MSG_NOSIGNAL", 0)

AGAIN, REFUSED, INTERRUPTED = errno.EAGAIN, errno.ECONNREFUSED, errno.EINTR
NO_BUFFERS = getattr(errno, "ENOBUFS", errno.EAGAIN)
READABLE, WRITABLE = 1, 4

send: Any = types.ExternalFunction("send", types.intp(types.intc, types.voidptr, types.uintp, types.intc))
read: Any = types.ExternalFunction("read", types.intp(types.intc, types.voidptr, types.uintp))
#: Its middle argument is as wide as a word on Linux and half as wide on macOS; both take a small number as it is.
poll: Any = types.ExternalFunction("poll", types.intc(types.voidptr, types.uintp, types.intc))
_ERRNO_PLACE: Any = types.ExternalFunction(
    "__error" if sys.platform == "darwin" else "__errno_location", types.voidptr()
)


@compiled
def last_error() -> int:
    """Why the call before this one failed, on this thread."""
    return carray(_ERRNO_PLACE(), (1,), np.int32)[0]
