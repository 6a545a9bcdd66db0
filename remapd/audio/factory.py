"""From the settings of a stream to the backend that plays it."""

from __future__ import annotations

from remapd.audio.backend import Backend, StreamSettings


def make_backend(settings: StreamSettings) -> Backend:
    """The backend that the settings name; its library is loaded only now."""
    if settings.backend == "virtual":
        from remapd.audio.virtual import VirtualBackend

        return VirtualBackend(settings)
    from remapd.audio.portaudio import PortAudioBackend

    return PortAudioBackend(settings)
