"""Hits from an OSC sink of the service, each as one message, with names for its numbers."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from remapd_client.osc import messages_of

_HIT = re.compile(r"/remapd/(\d+)/hit")
_MAX_BYTES = 65536


@dataclass(frozen=True, slots=True)
class HitFields:
    """What the numbers of a track's hits are: scaled features, then values of the synthesiser."""

    features: tuple[str, ...]
    parameters: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features) + len(self.parameters)


@dataclass(frozen=True, slots=True)
class OscHit:
    """A hit as a sink of the form ``vector`` sends it.

    Parameters
    ----------
    track : int
        From 1.
    number : int
        Of the hit on this sink, from 1.
    velocity : float
        Loudness through the sink's curve, 0 to 1.
    scaled : dict
        Scaled features by name.
    values : dict
        Values of the synthesiser by name, in units or 0 to 1 as the sink says.
    missed : int
        Hits that should have come between the last one and this.
    """

    track: int
    number: int
    velocity: float
    scaled: dict[str, float]
    values: dict[str, float]
    missed: int = 0


class HitReceiver:
    """A UDP port to which a sink sends hits; an iterator, and a context manager that closes it.

    Parameters
    ----------
    fields : callable
        Tells what the numbers of a track are; asked for each track, and again when their count changes.
    host : str
        Address to listen on.
    port : int
        0 takes any.
    on_close : callable, optional
        Called when it is closed.
    """

    def __init__(
        self,
        fields: Callable[[int], HitFields],
        host: str = "127.0.0.1",
        port: int = 0,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._ask, self.on_close = fields, on_close
        self._fields: dict[int, HitFields] = {}
        self._last: int | None = None
        self._waiting: list[OscHit] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, port))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def next(self, timeout_s: float | None = None) -> OscHit:
        """Wait for a hit.

        Raises
        ------
        TimeoutError
            If no packet comes for so long.
        """
        self._socket.settimeout(timeout_s)
        while not self._waiting:
            self._waiting.extend(self._hits(self._socket.recv(_MAX_BYTES)))
        return self._waiting.pop(0)

    def __iter__(self) -> Iterator[OscHit]:
        return self

    def __next__(self) -> OscHit:
        return self.next()

    def close(self) -> None:
        """Close the port."""
        self._socket.close()
        self.on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hits(self, data: bytes) -> Iterator[OscHit]:
        for message in messages_of(data):
            found = _HIT.fullmatch(message.address)
            if found and (hit := self._hit(int(found[1]), message.params)):
                yield hit

    def _hit(self, track: int, arguments: list[Any]) -> OscHit | None:
        if len(arguments) < 2 or not isinstance(arguments[0], int):
            return None
        number, velocity, *numbers = arguments
        fields = self._fields_of(track, len(numbers))
        if fields is None:
            return None
        missed = 0 if self._last is None else max(0, number - self._last - 1)
        self._last = number
        split = len(fields.features)
        scaled = dict(zip(fields.features, numbers[:split], strict=True))
        values = dict(zip(fields.parameters, numbers[split:], strict=True))
        return OscHit(track, number, velocity, scaled, values, missed)

    def _fields_of(self, track: int, count: int) -> HitFields | None:
        """Names for so many numbers; None if the service says that there are as many of others."""
        if track not in self._fields or len(self._fields[track]) != count:
            self._fields[track] = self._ask(track)
        fields = self._fields[track]
        return fields if len(fields) == count else None
