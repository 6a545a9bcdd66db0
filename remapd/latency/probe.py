"""The callback of a measurement: clicks out on one channel, the engine on another, and all that is heard is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, cfunc  # type: ignore[attr-defined]
from numpy.typing import NDArray

from remapd.audio.clock import call_stream_callback
from remapd.engine.callback import SIGNATURE
from remapd.engine.native import is_null, pointer_at

#: Channels of the stream that are used: clicks go out on the first and come in on the first, the engine's sound goes
#: out on the second and may come in on the second.
CLICK_CHANNEL, SOUND_CHANNEL = 0, 1
CHANNELS = 2

#: A measurement and its progress. ``callback`` and ``user`` are the engine's; the rest are addresses of memory:
#: ``clicks`` and ``heard`` (frames, CHANNELS) of ``frames`` frames, ``played`` of as many and a block more.
STATE = np.dtype(
    [
        ("callback", "i8"),
        ("user", "i8"),
        ("clicks", "i8"),
        ("engine_in", "i8"),
        ("played", "i8"),
        ("heard", "i8"),
        ("inputs", "i8"),
        ("frames", "i8"),
        ("frame", "i8"),
    ],
    align=True,
)

_CONTINUE, _COMPLETE = 0, 1
_SAMPLE_BYTES = 4

# The compiler hands these contexts of its own, which a type checker cannot know.
_call: Any = call_stream_callback
_is_null: Any = is_null
_pointer_at: Any = pointer_at


@cfunc(SIGNATURE, cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _probe_callback(source: Any, sink: Any, frames: Any, time: Any, flags: Any, user: Any) -> Any:
    """Play and hear one block; what is beyond the end is silence."""
    state = carray(user, (1,), STATE)[0]
    wanted = np.int64(frames)
    first = state.frame
    count = min(wanted, state.frames - first)
    clicks = carray(_pointer_at(np.uintp(state.clicks)), (state.frames,), np.float32)
    heard = carray(_pointer_at(np.uintp(state.heard)), (state.frames, CHANNELS), np.float32)
    ear = carray(_pointer_at(np.uintp(state.engine_in)), (state.frames,), np.float32)
    played = carray(_pointer_at(np.uintp(state.played)), (state.frames,), np.float32)
    if not _is_null(source):
        block = carray(source, (wanted, state.inputs), np.float32)
        for i in range(count):
            ear[first + i] = block[i, 0]
            for channel in range(min(CHANNELS, state.inputs)):
                heard[first + i, channel] = block[i, channel]
    place = first * _SAMPLE_BYTES
    _call(
        state.callback, state.engine_in + place, state.played + place, count, np.int64(0), np.int64(flags), state.user
    )
    if not _is_null(sink):
        out = carray(sink, (wanted, CHANNELS), np.float32)
        for i in range(wanted):
            out[i, CLICK_CHANNEL] = clicks[first + i] if i < count else np.float32(0.0)
            out[i, SOUND_CHANNEL] = played[first + i] if i < count else np.float32(0.0)
    state.frame += count
    return _COMPLETE if state.frame >= state.frames else _CONTINUE


class Probe:
    """Stands between a device of two outputs and an engine of one input and one output.

    Parameters
    ----------
    callback_address, userdata_address : int
        The engine's callback and its last argument; the engine must outlive the stream.
    clicks : ndarray of float32
        What is played on the first channel; the stream ends with it.
    inputs : int
        Channels that the device hands in.
    """

    def __init__(self, callback_address: int, userdata_address: int, clicks: NDArray[np.float32], inputs: int) -> None:
        frames = len(clicks)
        self._clicks = np.ascontiguousarray(clicks, np.float32)
        self._ear, self._played = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
        self._heard = np.zeros((frames, CHANNELS), np.float32)
        # All pages are in memory before the first block asks for them.
        for memory in (self._ear, self._played, self._heard):
            memory.fill(0.0)
        self._state = np.zeros(1, STATE)
        record = self._state[0]
        record["callback"], record["user"] = callback_address, userdata_address
        record["clicks"], record["engine_in"] = self._clicks.ctypes.data, self._ear.ctypes.data
        record["played"], record["heard"] = self._played.ctypes.data, self._heard.ctypes.data
        record["inputs"], record["frames"] = inputs, frames

    @property
    def callback_address(self) -> int:
        """Address of a function of PortAudio's callback shape."""
        return int(_probe_callback.address or 0)

    @property
    def userdata_address(self) -> int:
        """What the callback wants as its last argument; valid as long as this object lives."""
        return int(self._state.__array_interface__["data"][0])

    @property
    def is_over(self) -> bool:
        """Whether all clicks have been played and heard."""
        return bool(self._state["frame"][0] >= self._state["frames"][0])

    @property
    def heard(self) -> NDArray[np.float32]:
        """What came in on each channel, shape (frames, CHANNELS)."""
        return self._heard

    @property
    def played(self) -> NDArray[np.float32]:
        """What the engine played."""
        return self._played
