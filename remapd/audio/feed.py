"""A recording in place of an input device: a compiled callback that stands between any device and an engine.

It hands the engine the next piece of the recording, keeps what the engine plays, passes that on to the device, and
ends the stream when the recording is over.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, cfunc  # type: ignore[attr-defined]
from numpy.typing import NDArray

from remapd.audio.clock import call_stream_callback
from remapd.audio.ending import fade_from
from remapd.dsp.kernel import compiled
from remapd.engine.callback import SIGNATURE
from remapd.engine.native import is_null, pointer_at
from remapd.errors import FieldError

Samples = NDArray[np.float32]

#: A recording and its progress. ``callback`` and ``user`` are the address of the engine's callback and its last
#: argument, ``source`` and ``kept`` those of the sound that is heard and of the memory for what is played. Both have
#: room for ``capacity`` frames, of which ``frames`` are the recording.
STATE = np.dtype(
    [
        ("callback", "i8"),
        ("user", "i8"),
        ("source", "i8"),
        ("kept", "i8"),
        ("inputs", "i8"),
        ("outputs", "i8"),
        ("frames", "i8"),
        ("capacity", "i8"),
        ("frame", "i8"),
    ],
    align=True,
)

_CONTINUE, _COMPLETE = 0, 1
_SAMPLE_BYTES = 4
#: The recording fades out over this, so that the last block is as long as the others; no server has longer ones.
_MARGIN_FRAMES = 8192

# The compiler hands these two contexts of its own, which a type checker cannot know.
_call: Any = call_stream_callback
_is_null: Any = is_null
_pointer_at: Any = pointer_at


@compiled
def _pass_on(kept: Any, sink: Any) -> None:
    """Copy what was played, and silence where the recording and its margin ended within the block."""
    for i in range(len(sink)):
        sink[i] = kept[i] if i < len(kept) else np.float32(0.0)


@cfunc(SIGNATURE, cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _feed_callback(source: Any, sink: Any, frames: Any, time: Any, flags: Any, user: Any) -> Any:
    """Let the engine process one block of the recording; what the device hears is not used."""
    state = carray(user, (1,), STATE)[0]
    wanted = np.int64(frames)
    count = min(wanted, state.capacity - state.frame)
    heard = state.source + state.frame * state.inputs * _SAMPLE_BYTES
    played = state.kept + state.frame * state.outputs * _SAMPLE_BYTES
    _call(state.callback, heard, played, count, np.int64(0), np.int64(flags), state.user)
    if not _is_null(sink):
        kept = carray(_pointer_at(np.uintp(played)), (count * state.outputs,), np.float32)
        _pass_on(kept, carray(sink, (wanted * state.outputs,), np.float32))
    state.frame += count
    return _COMPLETE if state.frame >= state.frames else _CONTINUE


class Feed:
    """A recording for an engine to hear on a device of any kind.

    Parameters
    ----------
    callback_address, userdata_address : int
        The engine's callback and its last argument; the engine must outlive the stream.
    source : ndarray of float32, shape (frames, input channels)
        What the engine hears; the stream ends with it.
    output_channels : int
        Channels that the engine plays.

    Raises
    ------
    FieldError
        If the source has another shape.
    """

    def __init__(self, callback_address: int, userdata_address: int, source: Samples, output_channels: int) -> None:
        if source.ndim != 2:
            raise FieldError("feed.source", "an array of shape (frames, channels)", source.shape)
        self._frames, inputs = source.shape
        capacity = self._frames + _MARGIN_FRAMES
        self._source = np.zeros((capacity, inputs), dtype=np.float32)
        self._source[: self._frames] = source
        if self._frames:
            self._source[self._frames :] = fade_from(source[-1], _MARGIN_FRAMES)
        self._kept = np.zeros((capacity, output_channels), dtype=np.float32)
        self._state = np.zeros(1, dtype=STATE)
        record = self._state[0]
        record["callback"], record["user"] = callback_address, userdata_address
        record["source"], record["kept"] = self._source.ctypes.data, self._kept.ctypes.data
        record["inputs"], record["outputs"] = inputs, output_channels
        record["frames"], record["capacity"] = self._frames, capacity

    @property
    def callback_address(self) -> int:
        """Address of a function of PortAudio's callback shape."""
        return int(_feed_callback.address or 0)

    @property
    def userdata_address(self) -> int:
        """What the callback wants as its last argument; valid as long as this object lives."""
        return int(self._state.__array_interface__["data"][0])

    @property
    def frame(self) -> int:
        """Frames of the recording heard so far."""
        return min(self._frames, int(self._state["frame"][0]))

    @property
    def is_over(self) -> bool:
        """Whether all of the recording has been heard."""
        return self.frame >= self._frames

    @property
    def output(self) -> Samples:
        """What has been played so far, shape (frames, channels)."""
        return self._kept[: self.frame]
