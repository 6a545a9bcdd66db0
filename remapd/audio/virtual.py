"""A clocked device without hardware: for tests, for servers without a sound card, and for the demo.

It hears silence or a sound given beforehand, keeps what is played if asked to, and calls the engine block by block at
the pace of the monotonic clock, or as fast as it can, from a compiled loop on a thread of its own.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remapd.audio import virtual_loop
from remapd.audio.backend import STREAM_PARAMETERS, Backend, StreamInfo, StreamSettings
from remapd.audio.clock import HAS_NATIVE_CLOCK
from remapd.audio.ending import FADE_S, fade_from
from remapd.audio.file import AudioReader
from remapd.audio.priority import request_realtime_priority
from remapd.errors import AudioFileError, FieldError

Samples = NDArray[np.float32]

#: Longest input that is held in memory, in samples of all channels together (about 25 minutes of stereo).
_SAMPLES_LIMIT = 150_000_000
_READ_FRAMES = 65536


class VirtualBackend(Backend):
    """A device whose input is an array or a file and whose output goes into an array or nowhere.

    Parameters
    ----------
    settings : StreamSettings
        Rate, block size, channels; `input_file`, `loop`, `realtime` and `tail_s` are for this backend.
    source : array of float32, shape (frames, channels), optional
        The sound to hear in place of the file.
    frames : int, optional
        Length of the run; by default the source and the tail after it, or endless without one.
    capture_frames : int
        How many frames of output to keep.
    """

    def __init__(
        self,
        settings: StreamSettings,
        source: Samples | None = None,
        frames: int | None = None,
        capture_frames: int = 0,
    ) -> None:
        super().__init__(settings)
        self._source, self._frames, self._capture_frames = source, frames, capture_frames
        self._state = np.zeros(1, dtype=virtual_loop.STATE)[0]
        self._thread: threading.Thread | None = None
        self._loop = virtual_loop.run if HAS_NATIVE_CLOCK else virtual_loop.run_in_python

    def negotiate(self) -> StreamSettings:
        """Read the input file, whose rate is the stream's."""
        rate = self.settings.sample_rate
        if self._source is None and self.settings.input_file is not None:
            self._source, file_rate = _read(self.settings.input_file, self.settings.input_channels)
            if rate is not None and rate != file_rate:
                raise FieldError("stream.sample_rate", f"{file_rate:g} Hz, the rate of the input file", rate)
            rate = file_rate
        self.settings = self.settings.changed(sample_rate=rate or STREAM_PARAMETERS["sample_rate"].default)
        return self.settings

    def open(self, callback_address: int, userdata_address: int) -> StreamInfo:
        """Allocate everything that the loop needs."""
        settings = self.negotiate()
        source = self._checked_source()
        rate, size = float(settings.sample_rate or 0.0), settings.block_size
        self._capture = np.zeros((self._capture_frames, settings.output_channels), dtype=np.float32)
        self._blocks = [np.zeros((size, n), np.float32) for n in (settings.input_channels, settings.output_channels)]
        self._times = np.zeros(3)
        state = self._state
        state["callback"], state["user"] = callback_address, userdata_address
        state["input"], state["output"] = (block.ctypes.data for block in self._blocks)
        state["times"] = self._times.ctypes.data
        state["sample_rate"], state["loops"], state["realtime"] = rate, settings.loop, settings.realtime
        fades = settings.input_file is not None and not settings.loop
        heard = _faded_out(source, rate) if fades else source
        self._arguments = (state, heard, self._capture, *self._blocks)
        self._loop(*self._arguments)  # No frames yet: compiled now, not when the first block is due.
        state["total"] = self._length(len(source), rate)
        channels = settings.input_channels, settings.output_channels
        return StreamInfo("virtual", "virtual", rate, size, *channels, 0.0, size / rate)

    def _checked_source(self) -> Samples:
        channels = self.settings.input_channels
        silence = np.zeros((0, channels), dtype=np.float32)
        source = np.ascontiguousarray(silence if self._source is None else self._source, dtype=np.float32)
        if source.ndim != 2 or source.shape[1] != channels:
            raise FieldError("stream.source", f"an array of shape (frames, {channels})", source.shape)
        return source

    def _length(self, source_frames: int, rate: float) -> int:
        if self._frames is not None:
            return self._frames
        if source_frames == 0 or self.settings.loop:
            return virtual_loop.ENDLESS
        return source_frames + round(self.settings.tail_s * rate)

    def start(self) -> None:
        """Start the loop on its own thread."""
        self._state["stop"] = 0
        self._thread = threading.Thread(target=self._run, name="virtual device", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        if self.settings.realtime:
            request_realtime_priority()
        self._loop(*self._arguments)

    def stop(self) -> None:
        """End the loop after the block it is in."""
        self._state["stop"] = 1
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Do what `stop` does: there is no hardware to give back."""
        self.stop()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the run has come to its end; False if the time was too short."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def failure(self) -> str | None:
        """Why the loop ended before its time."""
        if self._state["result"] != 0:
            return "the engine ended the stream"
        is_over = self._thread is None or not self._thread.is_alive()
        return "the virtual device stopped" if is_over and not self.finished else None

    @property
    def finished(self) -> bool:
        """Whether all frames of the run have been played."""
        return bool(self._state["frames"] >= self._state["total"])

    @property
    def frames(self) -> int:
        """Frames played so far."""
        return int(self._state["frames"])

    @property
    def late_blocks(self) -> int:
        """Blocks that began more than a block's length after their time."""
        return int(self._state["late_blocks"])

    @property
    def worst_late_s(self) -> float:
        """Longest delay of a block behind its time, in seconds."""
        return int(self._state["worst_late_ns"]) / 1e9

    @property
    def output(self) -> Samples:
        """What has been played and kept, shape (frames, channels)."""
        return self._capture[: min(self.frames, len(self._capture))]


def _faded_out(source: Samples, rate: float) -> Samples:
    if len(source) == 0:
        return source
    return np.concatenate([source, fade_from(source[-1], round(FADE_S * rate))])


def _read(path: str, channels: int) -> tuple[Samples, float]:
    """Read the first channels of a file, and its rate in Hz."""
    with AudioReader(Path(path), range(channels)) as reader:
        if reader.frames * reader.file_channels > _SAMPLES_LIMIT:
            raise AudioFileError(f"{path}: too long to be held in memory; cut it, or use remapd render")
        return np.concatenate(list(reader.blocks(_READ_FRAMES))), float(reader.sample_rate)
