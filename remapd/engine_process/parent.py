"""Whoever minds the engine: the process that started it, over its pipes, then one that adopts it, over a socket."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from remapd.engine_process.messages import Spec, messages

#: Takes an order.
Obey = Callable[[dict[str, Any]], None]


class Parent:
    """The other end of the line, whichever process that is at the moment.

    Parameters
    ----------
    spec : Spec
        Says whether to play on without one.
    orders : file
        Orders of the first parent, line by line.
    reports : int
        Descriptor that takes reports to it.
    """

    def __init__(self, spec: Spec, orders: IO[str], reports: int) -> None:
        self._spec, self._orders = spec, orders
        os.set_blocking(reports, False)
        self._send: Callable[[bytes], object] = functools.partial(os.write, reports)
        self._lock = threading.Lock()

    def tell(self, line: str) -> None:
        """Report a line. Never waits: it is lost if there is no parent, or one that does not read."""
        with self._lock, contextlib.suppress(OSError):
            self._send(line.encode() + b"\n")

    def attend(self, obey: Obey, greeting: Callable[[], list[str]], stop: threading.Event) -> None:
        """Obey one parent after another; returns when it has been without one for too long.

        Parameters
        ----------
        obey : callable
            Takes each order.
        greeting : callable
            What a new parent must be told first.
        stop : threading.Event
            Set once no new parent is wanted.
        """
        self._heed(self._orders, obey)
        while not stop.is_set() and (connection := self._await_adoption()) is not None:
            with connection, connection.makefile("r", encoding="utf-8", errors="replace") as orders:
                self._send = _sender(connection)
                self.tell("")  # An empty line says that it was taken, not merely queued.
                for line in greeting():
                    self.tell(line)
                self._heed(orders, obey)

    def _heed(self, orders: IO[str], obey: Obey) -> None:
        """Obey until the other side closes, however it does; it may still read reports after that."""
        with contextlib.suppress(OSError):
            for order in messages(orders, self._refuse):
                obey(order)

    def _refuse(self, line: str) -> None:
        self.tell(json.dumps({"refused": line[:200]}))

    def _await_adoption(self) -> socket.socket | None:
        if self._spec.orphan_s <= 0.0:
            return None
        with contextlib.suppress(OSError):
            return await_peer(self._spec.socket, self._spec.orphan_s)
        return None


def _sender(connection: socket.socket) -> Callable[[bytes], object]:
    return lambda line: connection.send(line, socket.MSG_DONTWAIT)


def await_peer(path: str, patience_s: float) -> socket.socket | None:
    """Listen at `path` until a process of this user connects; None if none does in time.

    Raises
    ------
    OSError
        If it cannot listen there.
    """
    deadline = time.monotonic() + patience_s
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        try:
            os.chmod(path, 0o600)  # Before anyone can connect.
            listener.listen(1)
            while (left_s := deadline - time.monotonic()) > 0.0:
                listener.settimeout(left_s)
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
                    if is_own(connection):
                        connection.settimeout(None)
                        return connection
                    connection.close()
        finally:
            os.unlink(path)
    return None


def is_own(connection: socket.socket) -> bool:
    """Whether the process at the other end of a Unix socket belongs to this user, as far as the system tells."""
    if sys.platform != "linux":
        return True  # The permissions of the socket's file have said so.
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", credentials)[1] == os.getuid())
