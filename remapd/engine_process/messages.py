"""What an engine process and its parent tell each other: lines of JSON, each an object.

The parent's first line is the `Spec`. What it sends later are orders:

- ``{"record": {"path": ..., "format": "wav", "max_s": 60.0}}`` and ``{"stop_recording": true}``;
- ``{"sinks": path}`` takes a plan of sinks, ``{"panic": true}`` has what they play fall silent, and
  ``{"test_sink": id}`` sends a made-up hit to one of them (see `SinkHost`);
- ``{"stop": true}`` ends the engine.

The engine reports ``{"compiling": true}``, ``{"playing": ...}`` (see `Playing`), ``{"recording": ...}``,
``{"sink": {"id": ..., "state": ...}}``, ``{"midi_out": ...}``, ``{"refused": "an order that was none"}``,
``{"fault": "why it ends"}`` and ``{"ending": 11}`` (see `Ending`).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, Any

from remapd.audio.backend import StreamInfo, StreamSettings

#: Longest line: what a pipe takes in one piece, so that it is written whole or not at all.
LINE_BYTES = 4096


class Ending(enum.IntEnum):
    """How an engine process ended; its exit status. Any other status is a crash."""

    STOPPED = 0
    FINISHED = 10
    DEVICE_UNAVAILABLE = 11
    DEVICE_LOST = 12
    REFUSED = 13


@dataclass(frozen=True, slots=True)
class Spec:
    """What an engine process is told when it starts.

    Parameters
    ----------
    block : str
        Path of the shared block, which holds the wanted state.
    stream : StreamSettings
        The device.
    orphan_s : float
        Time in seconds for which it plays on without a parent and waits to be adopted; 0 ends it with its parent.
    socket : str
        Path at which it listens for a new parent meanwhile, in a folder of this user alone.
    sinks : str
        Path of the plan of its sinks; empty if it has none.
    """

    block: str
    stream: StreamSettings
    orphan_s: float = 0.0
    socket: str = ""
    sinks: str = ""

    def to_json(self) -> str:
        """One line."""
        return json.dumps(
            {
                "block": self.block,
                "stream": self.stream.as_dict(),
                "orphan_s": self.orphan_s,
                "socket": self.socket,
                "sinks": self.sinks,
            }
        )

    @classmethod
    def from_json(cls, line: str) -> Spec:
        """The specification that a parent sent."""
        values = json.loads(line)
        return cls(**{**values, "stream": StreamSettings.from_dict(values["stream"])})


@dataclass(frozen=True, slots=True)
class Playing:
    """What an engine process reports once the device asks for sound."""

    stream: StreamInfo
    block_frames: int
    realtime: bool
    memory_locked: bool

    def to_json(self) -> str:
        """One line."""
        return json.dumps({"playing": asdict(self)})

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Playing:
        """The report as it came."""
        return cls(**{**values, "stream": StreamInfo(**values["stream"])})


def messages(lines: IO[str], on_noise: Callable[[str], None] = lambda line: None) -> Iterator[dict[str, Any]]:
    """The objects that come in, until the other side closes.

    A line that is none, such as what a library printed, is handed to `on_noise`.
    """
    while line := lines.readline(LINE_BYTES):
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if isinstance(message, dict):
            yield message
        else:
            on_noise(line.strip())
