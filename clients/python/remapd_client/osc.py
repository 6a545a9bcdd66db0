"""The tree over OSC: values set without waiting, asked for, and followed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder

from remapd_client.documents import Value, Values
from remapd_client.errors import Refused, Unreachable

ROOT = "/remapd"
ERROR = f"{ROOT}/error"
_MAX_BYTES = 65536
_BUNDLE, _HEAD_BYTES = b"#bundle\0", 16
#: Bundles in bundles.
_DEEPEST = 8


class OscControl:
    """A UDP port of ours that talks to the service's; a context manager that closes it.

    Parameters
    ----------
    host : str
        Where the service is.
    port : int
        Its OSC port.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 9000) -> None:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._place = f"{host} port {port}"
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.connect(address)

    def set(self, path: str, value: Value) -> None:
        """Set a value, or all that a pattern such as ``/track/*/gain_db`` matches; nobody says whether it came."""
        self._send(_message(path, value).dgram)

    def set_many(self, values: Mapping[str, Value]) -> None:
        """Set values in one bundle: all of them, or none if one does not fit."""
        bundle = OscBundleBuilder(IMMEDIATELY)
        for path, value in values.items():
            bundle.add_content(_message(path, value))
        self._send(bundle.build().dgram)

    def trigger(self, path: str) -> None:
        """Do an action, such as ``/panic``."""
        self._send(_message(path).dgram)

    def get(self, path: str, timeout_s: float = 1.0) -> Value:
        """Ask for a value.

        Raises
        ------
        Refused
            If there is none.
        Unreachable
            If no answer comes in time.
        """
        self._send(_message(path).dgram)
        return self._await(path, timeout_s)

    def snapshot(self, timeout_s: float = 1.0) -> Values:
        """All values; whoever asks is told of changes from then on, too."""
        self._send(_message("/subscribe").dgram)
        found: Values = {}
        deadline_s = time.monotonic() + timeout_s
        while values := self._receive(min(0.2, deadline_s - time.monotonic()) if found else timeout_s):
            found |= values
        return found

    def changes(self, timeout_s: float) -> Values:
        """Values that the service tells in one packet; empty if it tells none in time."""
        return self._receive(timeout_s)

    def close(self) -> None:
        """Close the port."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _await(self, path: str, timeout_s: float) -> Value:
        deadline_s = time.monotonic() + timeout_s
        while path not in (found := self._receive(deadline_s - time.monotonic())):
            if time.monotonic() >= deadline_s:
                raise Unreachable(f"no answer over OSC for {path}")
        return found[path]

    def _send(self, data: bytes) -> None:
        try:
            self._socket.send(data)
        except OSError as error:
            raise Unreachable(f"OSC to {self._place}: {error}") from error

    def _receive(self, timeout_s: float) -> Values:
        """Values of the next packet; empty if there is none in time."""
        self._socket.settimeout(max(1e-3, timeout_s))
        try:
            messages = messages_of(self._socket.recv(_MAX_BYTES))
        except TimeoutError:
            return {}
        except OSError as error:
            raise Unreachable(f"OSC to {self._place}: {error}") from error
        for message in messages:
            if message.address == ERROR:
                address, detail = (*message.params, "", "")[:2]
                raise Refused(str(detail), str(address).removeprefix(ROOT))
        return {m.address.removeprefix(ROOT): m.params[0] for m in messages if len(m.params) == 1}


def messages_of(data: bytes, depth: int = 0) -> list[OscMessage]:
    """Messages of a packet, those of bundles too; none of what cannot be read.

    Bundles are taken apart here: python-osc never ends with some that are malformed.
    """
    if not data.startswith(_BUNDLE):
        try:
            return [OscMessage(data)]
        except (ParseError, ValueError):
            return []
    if depth == _DEEPEST:
        return []
    return [message for element in _elements(data) for message in messages_of(element, depth + 1)]


def _elements(data: bytes) -> Iterator[bytes]:
    """Elements of a bundle, as far as their sizes fit."""
    start = _HEAD_BYTES
    while start + 4 <= len(data):
        end = start + 4 + int.from_bytes(data[start : start + 4], "big")
        if end > len(data):
            return
        yield data[start + 4 : end]
        start = end


def _message(path: str, *arguments: Any) -> OscMessage:
    builder = OscMessageBuilder(ROOT + path)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()
