"""Notices the end of a JACK server, of which rtmidi tells nothing: its clients then hear and see nothing any more.

On request also that ports came or went, so that nobody has to look for them again and again.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
from collections.abc import Callable
from typing import Any

_NO_START_SERVER = 1
_Shutdown = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_PortRegistration = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_int, ctypes.c_void_p)


class JackWatch:
    """A client of the server that waits for its end; it has nothing to play, so that it costs no cycle any time.

    Parameters
    ----------
    name : str
        Of the client.
    wake : callable, optional
        Called when the server has ended, and each time a port has come or gone; in a thread of JACK's, so that it must
        be short.

    Attributes
    ----------
    ended : threading.Event
        Set when the server has ended.
    """

    def __init__(self, name: str, wake: Callable[[], None] | None = None) -> None:
        self.ended = threading.Event()
        self._wake = wake or (lambda: None)
        self._gone: set[int] = set()
        self._callbacks = (_Shutdown(self._note_end), _PortRegistration(self._note_port))
        self._jack = _library()
        self._client = ctypes.c_void_p(None)
        if self._jack is None:
            return
        self._client = ctypes.c_void_p(self._jack.jack_client_open(name.encode(), _NO_START_SERVER, None))
        if not self._client:
            return
        self._jack.jack_on_shutdown(self._client, self._callbacks[0], None)
        if wake is not None:  # Ports are told of only to clients that are active.
            self._jack.jack_set_port_registration_callback(self._client, self._callbacks[1], None)
            self._jack.jack_activate(self._client)

    @property
    def found_none(self) -> bool:
        """Whether JACK is installed but no server was there."""
        return self._jack is not None and not self._client

    def cycle(self) -> int:
        """A number that is another in each cycle of the server."""
        return int(self._jack.jack_last_frame_time(self._client)) if self._client and not self.ended.is_set() else 0

    def identity(self, name: str) -> int:
        """What a port is known by for as long as it is there; 0 if there is none of that name."""
        if self._jack is None or not self._client or self.ended.is_set():
            return 0
        return int(self._jack.jack_port_by_name(self._client, name.encode()) or 0)

    def peers(self, identity: int) -> set[str]:
        """Names of the ports that a port is connected to, as of the last cycle."""
        if self._jack is None or not self._client or self.ended.is_set() or not identity:
            return set()
        names = self._jack.jack_port_get_all_connections(self._client, identity)
        found: list[str] = []
        while names and (name := names[len(found)]) is not None:
            found.append(name.decode(errors="replace"))
        self._jack.jack_free(names)
        return set(found)

    def taken_away(self) -> set[int]:
        """Identities of the ports that have gone since the last call; a new port may have one of them again."""
        gone, self._gone = self._gone, set()
        return gone

    def close(self) -> None:
        """Leave the server, if it is there still."""
        client, self._client = self._client, ctypes.c_void_p(None)
        if self._jack is not None and client and not self.ended.is_set():
            self._jack.jack_client_close(client)

    def _note_end(self, _: Any) -> None:
        self.ended.set()
        self._wake()

    def _note_port(self, number: int, has_come: int, _: Any) -> None:
        if not has_come:
            self._gone.add(int(self._jack.jack_port_by_id(self._client, number) or 0))
        self._wake()


def _library() -> Any:
    path = ctypes.util.find_library("jack")
    if path is None:
        return None
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return None
    library.jack_client_open.restype = ctypes.c_void_p
    for name in ("jack_port_by_name", "jack_port_by_id"):
        getattr(library, name).restype = ctypes.c_void_p
    library.jack_port_get_all_connections.restype = ctypes.POINTER(ctypes.c_char_p)
    library.jack_port_get_all_connections.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.jack_free.argtypes = [ctypes.c_void_p]
    library.jack_last_frame_time.restype = ctypes.c_uint32
    library.jack_last_frame_time.argtypes = [ctypes.c_void_p]
    library.jack_port_by_id.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    return library
