"""Sound hardware and JACK servers, through PortAudio; the callback is compiled, so no Python runs on its thread."""

from __future__ import annotations

from typing import Any

from remapd.audio import portaudio_library
from remapd.audio.backend import STREAM_PARAMETERS, Backend, StreamInfo, StreamSettings
from remapd.audio.devices import JACK, Device, choose_device, list_host_apis
from remapd.errors import DeviceError

#: Lets PortAudio hand on a server's blocks as they come, without a buffer between.
_BLOCK_OF_SERVER = 0

#: What is asked of the device; it takes more where it must. Devices' own idea of low is several times as much.
_LATENCY_BLOCKS = 2


class PortAudioBackend(Backend):
    """A duplex stream on the devices that the settings name.

    Parameters
    ----------
    settings : StreamSettings
        Devices, rate, block size and channels.
    """

    def __init__(self, settings: StreamSettings) -> None:
        super().__init__(settings)
        self._stream: Any = None
        self._devices: tuple[Device, Device] | None = None
        self._is_stopping = False

    def negotiate(self) -> StreamSettings:
        """Find both devices and a rate that they have."""
        settings = self.settings
        host_apis = list_host_apis()
        source = choose_device(host_apis, "input", settings.input_device, settings.host_api)
        # The two halves of a stream must belong to one host API.
        sink = choose_device(host_apis, "output", settings.output_device, settings.host_api or source.host_api)
        _check_outputs(sink, settings.output_channels)
        # Tracks that listen to channels it does not have are silent, and the others play.
        self.settings = settings.changed(input_channels=min(settings.input_channels, source.inputs))
        self._devices = source, sink
        self.settings = self.settings.changed(sample_rate=self._rate(source, sink))
        return self.settings

    def _rate(self, source: Device, sink: Device) -> float:
        wanted = self.settings.sample_rate
        if JACK in source.host_api:
            if wanted not in (None, source.default_sample_rate):
                raise DeviceError(f"the JACK server runs at {source.default_sample_rate:g} Hz, not at {wanted:g} Hz")
            return source.default_sample_rate
        usual = STREAM_PARAMETERS["sample_rate"].default
        for rate in (wanted,) if wanted else (usual, sink.default_sample_rate, source.default_sample_rate):
            if self._supports(source, sink, rate):
                return rate
        raise DeviceError(f"{source.label()} and {sink.label()} do not work together at {wanted or usual:g} Hz")

    def _supports(self, source: Device, sink: Device, rate: float) -> bool:
        sounddevice = portaudio_library.load()
        try:
            with portaudio_library.silenced_stderr():
                sounddevice.check_input_settings(source.index, self.settings.input_channels, "float32", None, rate)
                sounddevice.check_output_settings(sink.index, self.settings.output_channels, "float32", None, rate)
        except (sounddevice.PortAudioError, ValueError):
            return False
        return True

    def open(self, callback_address: int, userdata_address: int) -> StreamInfo:
        """Open a duplex stream on the devices found."""
        if self._devices is None:
            self.negotiate()
        assert self._devices is not None
        source, sink = self._devices
        sounddevice = portaudio_library.load()
        try:
            self._stream = self._new_stream(sounddevice, source, sink, callback_address, userdata_address)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceError(self._refusal(source, sink, error)) from None
        if "ALSA" in source.host_api:
            address = int(sounddevice._ffi.cast("uintptr_t", self._stream._ptr))
            portaudio_library.enable_realtime_alsa(sounddevice, address)
        latency = self._stream.latency
        channels = self.settings.input_channels, self.settings.output_channels
        return StreamInfo(
            source.name, sink.name, self._stream.samplerate, self._block_size(source), *channels, *latency
        )

    def _new_stream(self, sounddevice: Any, source: Device, sink: Device, callback: int, userdata: int) -> Any:
        ffi = sounddevice._ffi
        with portaudio_library.silenced_stderr():
            return sounddevice._StreamBase(
                kind="duplex",
                samplerate=self.settings.sample_rate,
                blocksize=self._block_size(source),
                device=(source.index, sink.index),
                channels=(self.settings.input_channels, self.settings.output_channels),
                dtype="float32",
                latency=_LATENCY_BLOCKS * self.settings.block_size / (self.settings.sample_rate or 1.0),
                callback=ffi.cast("PaStreamCallback*", callback),
                userdata=ffi.cast("void*", userdata),
                clip_off=True,
                dither_off=True,
            )

    def _block_size(self, device: Device) -> int:
        return _BLOCK_OF_SERVER if JACK in device.host_api else self.settings.block_size

    def _refusal(self, source: Device, sink: Device, error: Exception) -> str:
        settings = self.settings
        wanted = f"{settings.sample_rate:g} Hz, {settings.block_size} frames"
        reason = portaudio_library.one_line(error)
        return f"cannot open {source.label()} and {sink.label()} with {wanted}: {reason}"

    def start(self) -> None:
        """Start the stream."""
        sounddevice = portaudio_library.load()
        self._is_stopping = False
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise DeviceError(f"the stream does not start: {portaudio_library.one_line(error)}") from None

    def stop(self) -> None:
        """Play what is under way and stop."""
        self._is_stopping = True
        if self._stream is not None and not self._stream.closed:
            self._stream.stop()

    def close(self) -> None:
        """Stop and close the stream."""
        self.stop()
        if self._stream is not None and not self._stream.closed:
            self._stream.close()

    def failure(self) -> str | None:
        """Whether the device or its server has gone."""
        if self._is_stopping or self._stream is None:
            return None
        sounddevice = portaudio_library.load()
        try:
            return None if self._stream.active else "the device went away"
        except sounddevice.PortAudioError as error:
            return f"the device failed: {portaudio_library.one_line(error)}"


def _check_outputs(device: Device, wanted: int) -> None:
    if wanted > device.outputs:
        raise DeviceError(
            f"{device.label()} has {device.outputs} output channel{'s' * (device.outputs != 1)}, not {wanted}"
        )
