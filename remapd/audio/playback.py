"""An output device alone, for sound that needs no input device."""

from __future__ import annotations

from remapd.audio import portaudio_library
from remapd.audio.backend import STREAM_PARAMETERS, StreamInfo, StreamSettings
from remapd.audio.devices import JACK, Device, choose_device, list_host_apis
from remapd.audio.portaudio import PortAudioBackend
from remapd.errors import DeviceError


class PlaybackBackend(PortAudioBackend):
    """A stream to the output device that the settings name; the callback gets no input.

    Parameters
    ----------
    settings : StreamSettings
        Device, rate, block size and output channels; what it says about the input does not matter.
    """

    _sink: Device | None = None

    def negotiate(self) -> StreamSettings:
        """Find the device and a rate that it has."""
        sink = choose_device(list_host_apis(), "output", self.settings.output_device, self.settings.host_api)
        if sink.outputs < self.settings.output_channels:
            raise DeviceError(f"{sink.label()} has {sink.outputs} output channels, not {self.settings.output_channels}")
        self._sink = sink
        self.settings = self.settings.changed(sample_rate=self._playback_rate(sink))
        return self.settings

    def _playback_rate(self, sink: Device) -> float:
        if JACK in sink.host_api:
            return sink.default_sample_rate
        usual = STREAM_PARAMETERS["sample_rate"].default
        sounddevice = portaudio_library.load()
        for rate in (self.settings.sample_rate or usual, sink.default_sample_rate):
            try:
                with portaudio_library.silenced_stderr():
                    sounddevice.check_output_settings(sink.index, self.settings.output_channels, "float32", None, rate)
            except (sounddevice.PortAudioError, ValueError) as error:
                reason = portaudio_library.one_line(error)
            else:
                return rate
        raise DeviceError(f"{sink.label()} does not work: {reason}")

    def open(self, callback_address: int, userdata_address: int) -> StreamInfo:
        """Open the stream on the device found, with a buffer that is safe rather than short."""
        settings = self.settings if self._sink else self.negotiate()
        assert self._sink is not None
        sounddevice = portaudio_library.load()
        try:
            with portaudio_library.silenced_stderr():
                self._stream = sounddevice._StreamBase(
                    kind="output",
                    samplerate=settings.sample_rate,
                    blocksize=self._block_size(self._sink),
                    device=self._sink.index,
                    channels=settings.output_channels,
                    dtype="float32",
                    latency="high",
                    callback=sounddevice._ffi.cast("PaStreamCallback*", callback_address),
                    userdata=sounddevice._ffi.cast("void*", userdata_address),
                    clip_off=True,
                    dither_off=True,
                )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceError(f"cannot open {self._sink.label()}: {portaudio_library.one_line(error)}") from None
        rate, latency = float(self._stream.samplerate), float(self._stream.latency)
        block = self._block_size(self._sink)
        return StreamInfo("none", self._sink.name, rate, block, 0, settings.output_channels, 0.0, latency)
