"""An engine process as whoever minds it sees it, whether it was started here or found playing."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from remapd.engine_process.messages import LINE_BYTES
from remapd.errors import DeviceError, FieldError, Told

#: The order that ends an engine; a pipe that merely closes may leave it waiting for another parent.
STOP = {"stop": True}
#: What an engine gets to end by itself before it is made to.
STOP_S = 1.0
#: In place of an exit status that nobody could learn.
UNKNOWN_STATUS = 256


class EngineLink(ABC):
    """The line to one engine process.

    Attributes
    ----------
    pid : int
        Number of the process.
    """

    pid: int

    def order(self, message: Mapping[str, Any]) -> None:
        """Send an order; never waits.

        Raises
        ------
        DeviceError
            If the engine has ended or does not read.
        FieldError
            If the order is too long.
        """
        line = json.dumps(message).encode() + b"\n"
        if len(line) > LINE_BYTES:
            raise FieldError("order", f"at most {LINE_BYTES} bytes", Told(f"{len(line)} bytes"))
        try:
            self._send(line)
        except (OSError, ValueError):
            raise DeviceError("the engine does not answer; nothing was done") from None

    @abstractmethod
    def _send(self, line: bytes) -> None:
        """Write a line whole, or raise OSError or ValueError at once."""

    @abstractmethod
    def reports(self) -> Iterator[dict[str, Any]]:
        """What it reports, line by line, until it ends."""

    @abstractmethod
    def end(self) -> int:
        """Wait for the process that has closed its output; returns its exit status."""

    @abstractmethod
    def stop(self) -> None:
        """Have it end: asked first, then made to."""

    @abstractmethod
    def leave(self) -> None:
        """Let go of it; it plays on if it was told to outlive its parent."""

    @abstractmethod
    def last_words(self) -> str:
        """The last line that it or its libraries printed."""
