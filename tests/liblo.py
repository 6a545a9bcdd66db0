"""liblo reads packets, so that ours are seen by a second library in C."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from typing import Any

import pytest

_TYPES = {"i": ctypes.c_int32, "f": ctypes.c_float, "h": ctypes.c_int64, "d": ctypes.c_double}
_HANDLER = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
)


class _TimeTag(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_uint32), ("fraction", ctypes.c_uint32)]


@functools.cache
def _library() -> Any:
    name = ctypes.util.find_library("lo")
    library = ctypes.CDLL(name) if name else None
    if library is not None:
        library.lo_server_new.restype = ctypes.c_void_p
        library.lo_server_new.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        library.lo_server_free.argtypes = [ctypes.c_void_p]
        library.lo_server_enable_queue.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        library.lo_server_add_method.argtypes = [ctypes.c_void_p, *[ctypes.c_char_p] * 2, _HANDLER, ctypes.c_void_p]
        library.lo_server_dispatch_data.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        library.lo_message_get_timestamp.argtypes = [ctypes.c_void_p]
        library.lo_message_get_timestamp.restype = _TimeTag
    return library


class Liblo:
    """A server of liblo that is handed packets directly."""

    def __init__(self) -> None:
        if _library() is None:
            pytest.skip("liblo is not installed")
        self._handler = _HANDLER(self._take)
        self._server = _library().lo_server_new(None, None)
        # What is meant for later is told at once.
        _library().lo_server_enable_queue(self._server, 0, 1)
        _library().lo_server_add_method(self._server, None, None, self._handler, None)
        self._taken: list[tuple[int, str, str, tuple[Any, ...]]] = []

    def read(self, data: bytes) -> list[tuple[int, str, str, tuple[Any, ...]]]:
        """Time tag, address, types and arguments of each message of a packet."""
        self._taken.clear()
        _library().lo_server_dispatch_data(self._server, data, len(data))
        return list(self._taken)

    def close(self) -> None:
        """End the server."""
        _library().lo_server_free(self._server)

    def _take(self, path: bytes, types: bytes, arguments: Any, count: int, message: int, _: Any) -> int:
        tag = _library().lo_message_get_timestamp(message)
        values = tuple(self._value(chr(kind), arguments[at]) for at, kind in enumerate(types))
        self._taken.append((tag.seconds << 32 | tag.fraction, path.decode(), types.decode(), values))
        return 0

    def _value(self, kind: str, place: int) -> Any:
        if kind == "s":
            return ctypes.string_at(place).decode()
        return _TYPES[kind].from_address(place).value
