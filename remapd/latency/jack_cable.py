"""Connections between JACK ports, in place of a cable."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import errno
from collections.abc import Iterator
from typing import Any

from remapd.audio.portaudio_library import CLIENT_NAME
from remapd.errors import DeviceError

_CLIENT_NAME = b"remapd-cable"
_NO_START_SERVER = 1
_IS_INPUT, _IS_OUTPUT = 1, 2
_AUDIO = b"32 bit float mono audio"


class JackCable:
    """A client of the JACK server that connects ports of others.

    Raises
    ------
    DeviceError
        If there is no server.
    """

    def __init__(self) -> None:
        self._jack = _library()
        self._client = ctypes.c_void_p(self._jack.jack_client_open(_CLIENT_NAME, _NO_START_SERVER, None))
        if not self._client:
            raise DeviceError("there is no JACK server whose ports could be connected")

    def outputs(self) -> list[str]:
        """Names of the ports that sound comes out of, in their order."""
        return self._ports(_IS_OUTPUT)

    def inputs(self) -> list[str]:
        """Names of the ports that sound goes into, in their order."""
        return self._ports(_IS_INPUT)

    def connect(self, output: str, into: str) -> None:
        """Connect two ports.

        Raises
        ------
        DeviceError
            If the server refuses.
        """
        if self._jack.jack_connect(self._client, output.encode(), into.encode()) not in (0, errno.EEXIST):
            raise DeviceError(f"JACK does not connect {output} to {into}")

    def close(self) -> None:
        """Leave the server; connections stay."""
        self._jack.jack_client_close(self._client)

    def _ports(self, flags: int) -> list[str]:
        names = self._jack.jack_get_ports(self._client, None, _AUDIO, flags)
        if not names:
            return []
        found: list[str] = []
        while (name := names[len(found)]) is not None:
            found.append(name.decode(errors="replace"))
        self._jack.jack_free(names)
        return found


@contextlib.contextmanager
def looped_through_jack() -> Iterator[Any]:
    """Give a function that connects the outputs of the client that has joined meanwhile to its own inputs."""
    cable = JackCable()
    known = {*cable.outputs(), *cable.inputs()}

    def connect() -> None:
        # Another client of this name has a number behind it.
        outputs = [name for name in cable.outputs() if name not in known and name.startswith(CLIENT_NAME)]
        inputs = [name for name in cable.inputs() if name not in known and name.startswith(CLIENT_NAME)]
        for output, into in zip(outputs, inputs, strict=False):
            cable.connect(output, into)

    try:
        yield connect
    finally:
        cable.close()


def _library() -> Any:
    path = ctypes.util.find_library("jack")
    try:
        library: Any = ctypes.CDLL(path or "libjack.so.0")
    except OSError:
        raise DeviceError("JACK is not installed (Debian, Ubuntu: apt install jackd2)") from None
    library.jack_client_open.restype = ctypes.c_void_p
    library.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
    library.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
    library.jack_free.argtypes = [ctypes.c_void_p]
    return library
