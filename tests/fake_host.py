"""A supervisor without a process: implements the whole of `EngineHost` and remembers what it was told."""

from remapd.audio.backend import StreamInfo, StreamSettings
from remapd.engine_process import Playing
from remapd.errors import DeviceError


class FakeHost:
    def __init__(self, stream=None):
        self.on_report = []
        self.stream = stream or StreamSettings(backend="virtual")
        self.playing = _playing(self.stream)
        self.engine_pid = 4711
        self.starts = 1
        self.orders = []
        self.refuses = False
        self.inputs = 64

    def reopen(self, stream):
        if not self.refuses:
            self.stream = stream
            self.playing = _playing(stream.changed(input_channels=min(stream.input_channels, self.inputs)))
        self.starts += 1
        self.report({"reopened": not self.refuses})

    def order(self, message):
        if self.playing is None:
            raise DeviceError("no engine plays")
        self.orders.append(message)

    def report(self, message):
        for reader in list(self.on_report):
            reader(message)


def _playing(stream):
    rate = stream.sample_rate or 48000.0
    info = StreamInfo("in", "out", rate, stream.block_size, stream.input_channels, stream.output_channels, 0.0, 0.0)
    return Playing(info, stream.block_size, False, False)
