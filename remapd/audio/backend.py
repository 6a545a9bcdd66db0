"""The one interface that every audio device has, and the settings of a stream.

A backend calls a compiled function of PortAudio's callback shape,
``int callback(const void *in, void *out, unsigned long frames, const void *time, unsigned long flags, void *user)``,
with interleaved 32-bit floats, on a thread that runs no Python.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from remapd.errors import FieldError
from remapd.parameters import Parameter, ParameterTable
from remapd.units import MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ

BACKENDS = ("portaudio", "virtual")

STREAM_PARAMETERS = ParameterTable(
    "stream",
    [
        Parameter("sample_rate", "Hz", MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ, 48000.0, "Sample rate of the stream."),
        Parameter("block_size", "frames", 16, 4096, 64, "Frames in each call of the engine.", "whole"),
        Parameter("input_channels", "", 1, 64, 1, "Channels taken from the input device, from its first on.", "whole"),
        Parameter("output_channels", "", 1, 64, 2, "Channels played on the output device.", "whole"),
        Parameter("tail_s", "s", 0.0, 60.0, 2.0, "Silence that follows an input file, so that voices ring out."),
    ],
)


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What a stream is asked to be.

    Parameters
    ----------
    backend : {"portaudio", "virtual"}
        Kind of device.
    host_api, input_device, output_device : str, optional
        Part of a name (any case) or the index of a device; None takes the default.
    sample_rate : float, optional
        In Hz; None takes what suits the device or the input file.
    block_size : int
        Frames in each call; a JACK server has its own.
    input_channels, output_channels : int
        Channels of the stream.
    input_file : str, optional
        Sound that a virtual device hears; None is silence.
    loop : bool
        Whether the input file starts again at its end.
    realtime : bool
        Whether a virtual device keeps the time of the clock, or runs as fast as it can.
    tail_s : float
        Silence in seconds after an input file that does not loop.

    Raises
    ------
    FieldError
        If a value does not fit.
    """

    backend: str = "portaudio"
    host_api: str | None = None
    input_device: str | None = None
    output_device: str | None = None
    sample_rate: float | None = None
    block_size: int = int(STREAM_PARAMETERS["block_size"].default)
    input_channels: int = int(STREAM_PARAMETERS["input_channels"].default)
    output_channels: int = int(STREAM_PARAMETERS["output_channels"].default)
    input_file: str | None = None
    loop: bool = False
    realtime: bool = True
    tail_s: float = STREAM_PARAMETERS["tail_s"].default

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise FieldError("stream.backend", f"one of {', '.join(BACKENDS)}", self.backend)
        for parameter in STREAM_PARAMETERS:
            value = getattr(self, parameter.name)
            if value is not None:
                parameter.check(value, f"stream.{parameter.name}")
        if self.input_file is not None and self.backend != "virtual":
            raise FieldError("stream.input_file", "the virtual backend, which alone plays files", self.backend)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StreamSettings:
        """Settings from plain values; an unknown name is refused."""
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise FieldError("stream", f"one of {', '.join(sorted(known))}", name)
        return cls(**values)

    def changed(self, **values: Any) -> StreamSettings:
        """The same settings with some values replaced."""
        return replace(self, **values)


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a stream has become.

    Parameters
    ----------
    input_name, output_name : str
        Names of the devices, for people.
    sample_rate : float
        In Hz.
    block_size : int
        Frames in each call, 0 where the server decides.
    input_channels, output_channels : int
        Channels of the stream.
    input_latency_s, output_latency_s : float
        What the device says of itself, in seconds.
    """

    input_name: str
    output_name: str
    sample_rate: float
    block_size: int
    input_channels: int
    output_channels: int
    input_latency_s: float
    output_latency_s: float

    def as_dict(self) -> dict[str, Any]:
        """The values, for JSON."""
        return asdict(self)


class Backend(ABC):
    """A device that hands blocks of sound to a compiled callback.

    The order of calls is `negotiate`, `open`, `start`, `stop`, `close`; `stop` and `close` may come at any time and
    more than once.

    Parameters
    ----------
    settings : StreamSettings
        What is wanted.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self.settings = settings

    @abstractmethod
    def negotiate(self) -> StreamSettings:
        """Find the device and fill in what the settings leave open (sample rate, channels).

        Raises
        ------
        DeviceError
            If there is no such device, or it cannot do what is wanted.
        """

    @abstractmethod
    def open(self, callback_address: int, userdata_address: int) -> StreamInfo:
        """Open the stream without starting it.

        Parameters
        ----------
        callback_address : int
            Address of a compiled function of PortAudio's callback shape.
        userdata_address : int
            What it is given as its last argument.

        Raises
        ------
        DeviceError
            If the device refuses.
        """

    @abstractmethod
    def start(self) -> None:
        """Begin to call the callback."""

    @abstractmethod
    def stop(self) -> None:
        """End the calls; on return none is running."""

    @abstractmethod
    def close(self) -> None:
        """Stop and give the device back."""

    @abstractmethod
    def failure(self) -> str | None:
        """Why the stream no longer runs, or None while it does; asked a few times a second."""

    @property
    def finished(self) -> bool:
        """Whether the stream came to its own end (an input file has been played)."""
        return False
