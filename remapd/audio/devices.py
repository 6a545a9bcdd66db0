"""The audio devices of this machine: listed, and found by name or index."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from remapd.audio import portaudio_library
from remapd.errors import DeviceError

Direction = Literal["input", "output"]

JACK = "JACK"
#: Rates that a device is asked about.
COMMON_RATES_HZ = (44100, 48000, 88200, 96000, 176400, 192000)


@dataclass(frozen=True, slots=True)
class Device:
    """One device of one host API.

    Parameters
    ----------
    index : int
        PortAudio's number, by which it can be chosen.
    name, host_api : str
        Names, for people and for choosing by a part of them.
    inputs, outputs : int
        Channels.
    default_sample_rate : float
        In Hz.
    input_latency_ms, output_latency_ms : float
        Least latency that the device claims.
    is_default_input, is_default_output : bool
        Whether it is its host API's default.
    """

    index: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    default_sample_rate: float
    input_latency_ms: float
    output_latency_ms: float
    is_default_input: bool
    is_default_output: bool

    def channels(self, direction: Direction) -> int:
        """Channels in one direction."""
        return self.inputs if direction == "input" else self.outputs

    def is_default(self, direction: Direction) -> bool:
        """Whether it is the host API's default for one direction."""
        return self.is_default_input if direction == "input" else self.is_default_output

    def label(self) -> str:
        """Index, name and host API, as shown in errors and lists."""
        return f"[{self.index}] {self.name} ({self.host_api})"

    def as_dict(self) -> dict[str, Any]:
        """The values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class HostApi:
    """A way to the sound hardware (ALSA, JACK, Core Audio, WASAPI, ...) and its devices."""

    name: str
    devices: tuple[Device, ...]


def list_host_apis() -> list[HostApi]:
    """List every host API that PortAudio was built with, also those without a device.

    Raises
    ------
    DeviceError
        If PortAudio is missing.
    """
    sounddevice = portaudio_library.load()
    infos = sounddevice.query_devices()
    return [
        HostApi(api["name"], tuple(_device(infos[index], api) for index in api["devices"]))
        for api in sounddevice.query_hostapis()
    ]


def _device(info: dict[str, Any], api: dict[str, Any]) -> Device:
    index = info["index"]
    return Device(
        index,
        info["name"],
        api["name"],
        info["max_input_channels"],
        info["max_output_channels"],
        info["default_samplerate"],
        1000.0 * info["default_low_input_latency"],
        1000.0 * info["default_low_output_latency"],
        index == api["default_input_device"],
        index == api["default_output_device"],
    )


def supported_rates(device: Device) -> tuple[int, ...]:
    """Common sample rates in Hz that the device takes; this may open it for a moment."""
    sounddevice = portaudio_library.load()
    use_input = device.inputs > 0
    check = sounddevice.check_input_settings if use_input else sounddevice.check_output_settings
    found = []
    with portaudio_library.silenced_stderr():
        for rate in COMMON_RATES_HZ:
            try:
                check(device=device.index, channels=1, dtype="float32", samplerate=rate)
            except (sounddevice.PortAudioError, ValueError):
                continue
            found.append(rate)
    return tuple(found)


def choose_device(
    host_apis: Sequence[HostApi], direction: Direction, wanted: str | None = None, host_api: str | None = None
) -> Device:
    """Find the one device that fits.

    Parameters
    ----------
    host_apis : sequence of HostApi
        As from `list_host_apis`.
    direction : {"input", "output"}
        What it must be able to do.
    wanted : str, optional
        Its index, its name, or a part of it in any case; None takes the default of the host API, and without that
        JACK's where a server runs.
    host_api : str, optional
        Part of the host API's name.

    Raises
    ------
    DeviceError
        If none fits, or several do; the text lists those there are.
    """
    usable = [d for api in _choose_host_apis(host_apis, host_api) for d in api.devices if d.channels(direction) > 0]
    if not usable:
        where = f" in {host_api}" if host_api else ""
        raise DeviceError(f"there is no {direction} device{where}; see remapd doctor, or use --backend virtual")
    if wanted is None:
        return _default(usable, direction)
    fitting = _fitting(usable, wanted)
    if len(fitting) == 1:
        return fitting[0]
    raise DeviceError(_explained(wanted, direction, usable, fitting))


def _choose_host_apis(host_apis: Sequence[HostApi], wanted: str | None) -> list[HostApi]:
    if wanted is None:
        return list(host_apis)
    fitting = [api for api in host_apis if wanted.casefold() in api.name.casefold()]
    if not fitting:
        known = ", ".join(api.name for api in host_apis) or "none"
        raise DeviceError(f"no host API is called {wanted!r}; there are: {known}")
    return fitting


def _default(usable: Sequence[Device], direction: Direction) -> Device:
    """JACK first: where its server runs, it is what musicians mean, and it has the shortest way."""
    jack = [device for device in usable if JACK in device.host_api]
    defaults = [device for device in (*jack, *usable) if device.is_default(direction)]
    return (defaults or list(usable))[0]


def _fitting(usable: Sequence[Device], wanted: str) -> list[Device]:
    if wanted.isdecimal():
        return [device for device in usable if device.index == int(wanted)]
    name = wanted.casefold()
    exact = [device for device in usable if device.name.casefold() == name]
    return exact or [device for device in usable if name in device.name.casefold()]


def _explained(wanted: str, direction: Direction, usable: Sequence[Device], fitting: Sequence[Device]) -> str:
    if fitting:
        return f"several {direction} devices fit {wanted!r}: {_labels(fitting)}; give more of the name, or the index"
    names = {device.name: device for device in usable}
    near = difflib.get_close_matches(wanted, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"no {direction} device is called {wanted!r}{hint}; there are: {_labels(usable)}"


def _labels(devices: Sequence[Device]) -> str:
    return ", ".join(device.label() for device in devices)
