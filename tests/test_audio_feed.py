"""A recording reaches the engine whole and in order on any device, and the stream ends with it."""

from __future__ import annotations

import numpy as np
import pytest
from numba import carray, cfunc

from remapd.audio.backend import StreamSettings
from remapd.audio.feed import Feed
from remapd.audio.virtual import VirtualBackend
from remapd.engine.callback import SIGNATURE
from remapd.errors import FieldError


@cfunc(SIGNATURE, error_model="numpy")
def _copy_to_both_channels(source, sink, frames, time, flags, user):  # type: ignore[no-untyped-def]
    n = np.int64(frames)
    heard, played = carray(source, (n,), np.float32), carray(sink, (n * 2,), np.float32)
    count = carray(user, (1,), np.int64)
    for i in range(n):
        played[2 * i] = heard[i]
        played[2 * i + 1] = -heard[i]
    count[0] += 1
    return 0


def play(source: np.ndarray, block: int) -> tuple[Feed, VirtualBackend, int]:
    calls = np.zeros(1, np.int64)
    feed = Feed(_copy_to_both_channels.address, calls.ctypes.data, source, output_channels=2)
    backend = VirtualBackend(
        StreamSettings(backend="virtual", block_size=block, realtime=False), capture_frames=len(source) + 2 * block
    )
    backend.open(feed.callback_address, feed.userdata_address)
    backend.start()
    assert backend.wait(60.0)
    return feed, backend, int(calls[0])


@pytest.mark.parametrize(("frames", "block"), [(1000, 64), (1024, 64), (1, 16), (5000, 4096)])
def test_engine_hears_the_recording_and_the_device_plays_the_engine(frames: int, block: int) -> None:
    source = np.random.default_rng(1).standard_normal((frames, 1)).astype(np.float32)
    feed, backend, calls = play(source, block)
    assert feed.is_over
    assert feed.frame == frames
    assert calls == -(-frames // block)
    expected = np.concatenate([source, -source], axis=1)
    np.testing.assert_array_equal(feed.output, expected)
    np.testing.assert_array_equal(backend.output[:frames], expected)
    rest = np.abs(backend.output[frames : calls * block])
    assert np.all(np.diff(rest, axis=0) <= 0.0), "the recording fades out"
    assert np.all(rest <= np.abs(source[-1]))


def test_wrong_shape_is_refused() -> None:
    with pytest.raises(FieldError, match=r"feed\.source"):
        Feed(0, 0, np.zeros(10, np.float32), 2)
