"""Notices the end of a JACK server, of which rtmidi tells nothing: its clients then hear and see nothing any more."""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
from typing import Any

_NO_START_SERVER = 1
_Shutdown = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class JackWatch:
    """A client of the server that waits for its end; it never becomes active, so that it costs no cycle any time.

    Parameters
    ----------
    name : str
        Of the client.

    Attributes
    ----------
    ended : threading.Event
        Set when the server has ended.
    """

    def __init__(self, name: str) -> None:
        self.ended = threading.Event()
        self._called = _Shutdown(lambda _: self.ended.set())
        self._jack = _library()
        self._client = ctypes.c_void_p(None)
        if self._jack is None:
            return
        self._client = ctypes.c_void_p(self._jack.jack_client_open(name.encode(), _NO_START_SERVER, None))
        if self._client:
            self._jack.jack_on_shutdown(self._client, self._called, None)

    def close(self) -> None:
        """Leave the server, if it is there still."""
        client, self._client = self._client, ctypes.c_void_p(None)
        if self._jack is not None and client and not self.ended.is_set():
            self._jack.jack_client_close(client)


def _library() -> Any:
    path = ctypes.util.find_library("jack")
    if path is None:
        return None
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return None
    library.jack_client_open.restype = ctypes.c_void_p
    return library
