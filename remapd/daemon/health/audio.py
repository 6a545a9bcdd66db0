"""Checks of PortAudio, JACK and the devices."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator, Sequence

from remapd.audio import portaudio_library
from remapd.audio.devices import JACK, HostApi, list_host_apis
from remapd.daemon.health.finding import Finding, ok, warn
from remapd.errors import DeviceError

_START_JACK = "start one: jackd -R -P70 -d alsa -r 48000 -p 64 (or PipeWire with pipewire-jack)"


def check_audio() -> Iterator[Finding]:
    """Whether PortAudio is there, what it was built with, and which devices it sees."""
    try:
        host_apis = list_host_apis()
    except DeviceError as error:
        yield warn("PortAudio", "missing, so nothing can be played live", str(error))
        return
    version = portaudio_library.load().get_portaudio_version()[1].split(",")[0]
    yield ok("PortAudio", f"{version}, with {', '.join(api.name for api in host_apis)}")
    yield from check_jack(host_apis)
    yield from check_devices(host_apis)


def check_jack(host_apis: Sequence[HostApi]) -> Iterator[Finding]:
    """Whether a JACK server answers, where there could be one."""
    devices = [device for api in host_apis if JACK in api.name for device in api.devices]
    if devices:
        yield ok("JACK", f"a server runs at {devices[0].default_sample_rate:g} Hz")
    elif portaudio_library.knows_jack():
        remedy = _START_JACK if shutil.which("jackd") else f"apt install jackd2, then {_START_JACK}"
        yield warn("JACK", "no server answers; it gives the shortest way to the sound card", remedy)
    elif platform.system() == "Linux":
        yield warn("JACK", "this PortAudio was built without it", "install your distribution's libportaudio2")


def check_devices(host_apis: Sequence[HostApi]) -> Iterator[Finding]:
    """Whether there is something to listen to and something to play on."""
    devices = [device for api in host_apis for device in api.devices]
    inputs = sum(device.inputs > 0 for device in devices)
    outputs = sum(device.outputs > 0 for device in devices)
    text = f"{inputs} for input, {outputs} for output (remapd devices lists them)"
    if inputs and outputs:
        yield ok("audio devices", text)
        return
    remedy = "connect one, or start a JACK server; --backend virtual works without"
    yield warn("audio devices", text, remedy)
