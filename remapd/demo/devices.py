"""Where the demo's sound goes: an output device if one works, a virtual device if not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from remapd.audio.backend import Backend, StreamSettings
from remapd.audio.virtual import VirtualBackend
from remapd.errors import DeviceError

if TYPE_CHECKING:
    from remapd.audio.feed import Feed

DEFAULT, VIRTUAL = "default", "virtual"
OUTPUT_CHANNELS = 2

#: A device that has not asked for sound after this time will not.
_START_TIMEOUT_S = 3.0
_START_POLL_S = 0.01


def find_device(device: str, realtime: bool, say: Callable[[str], None]) -> Backend:
    """Find a device and settle its sample rate.

    Parameters
    ----------
    device : str
        ``default``, ``virtual``, or the name, a part of it, or the index of an output device.
    realtime : bool
        Whether a virtual device keeps the time of the clock.
    say : callable
        Told, in one line, why there will be nothing to hear, where ``default`` has to do without a device.

    Returns
    -------
    Backend
        Not open yet; its settings have the sample rate.

    Raises
    ------
    DeviceError
        If a device that was named cannot be used.
    """
    if device == VIRTUAL or not realtime:
        return virtual_device(realtime)
    from remapd.audio.playback import PlaybackBackend

    wanted = None if device == DEFAULT else device
    playback = PlaybackBackend(StreamSettings(output_device=wanted, output_channels=OUTPUT_CHANNELS))
    try:
        playback.negotiate()
    except DeviceError as error:
        if device != DEFAULT:
            raise _in_words_of_the_demo(error) from None
        say(_instead(error))
        return virtual_device(realtime)
    return playback


def virtual_device(realtime: bool, sample_rate: float | None = None) -> Backend:
    """Make a device that plays to nobody, at the rate given or the usual one."""
    settings = StreamSettings(
        backend="virtual", sample_rate=sample_rate, realtime=realtime, output_channels=OUTPUT_CHANNELS
    )
    backend = VirtualBackend(settings)
    backend.negotiate()
    return backend


def start_device(backend: Backend, feed: Feed, is_default: bool, say: Callable[[str], None]) -> tuple[Backend, str]:
    """Open and start a device; where the default one fails, a virtual one in its place.

    Returns
    -------
    backend : Backend
        The one that runs.
    name : str
        Of its output.

    Raises
    ------
    DeviceError
        If a device that was named does not start.
    """
    try:
        return backend, _started(backend, feed)
    except DeviceError as error:
        backend.close()
        if not is_default:
            raise
        say(_instead(error))
        substitute = virtual_device(True, backend.settings.sample_rate)
        return substitute, _started(substitute, feed)


def _started(backend: Backend, feed: Feed) -> str:
    name = backend.open(feed.callback_address, feed.userdata_address).output_name
    backend.start()
    deadline = time.monotonic() + _START_TIMEOUT_S
    while feed.frame == 0:
        if time.monotonic() > deadline:
            raise DeviceError(f"{name} does not play")
        time.sleep(_START_POLL_S)
    return name


def _in_words_of_the_demo(error: DeviceError) -> DeviceError:
    """The devices speak of the options of ``remapd run``."""
    return DeviceError(str(error).replace("--backend virtual", f"--device {VIRTUAL}"))


def _instead(error: DeviceError) -> str:
    reason = str(error).partition(";")[0]
    return f"Nothing is played aloud: {reason} (remapd doctor says more). A virtual device takes its place."
