"""The virtual device, driven by a small compiled callback in place of the engine."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import carray, cfunc, types

from remapd.audio import virtual
from remapd.audio.backend import StreamSettings
from remapd.audio.factory import make_backend
from remapd.audio.virtual import VirtualBackend
from remapd.errors import FieldError, RemapdError

RECORD = np.dtype([("calls", "i8"), ("channels", "i8"), ("flags", "i8"), ("end_after", "i8")])


@cfunc(
    types.intc(
        types.CPointer(types.float32),
        types.CPointer(types.float32),
        types.uint64,
        types.voidptr,
        types.uint64,
        types.CPointer(types.int64),
    )
)
def doubling(source, target, frames, times, flags, user):
    """Doubles channel 0 onto each output channel; counts its calls."""
    record = carray(user, (4,))
    inputs = carray(source, (np.int64(frames), 1))
    outputs = carray(target, (np.int64(frames), record[1]))
    for i in range(np.int64(frames)):
        for channel in range(record[1]):
            outputs[i, channel] = 2.0 * inputs[i, 0]
    record[0] += 1
    record[2] |= np.int64(flags)
    return 1 if record[0] == record[3] else 0


def opened(source=None, frames=None, capture=0, end_after=0, **changes):
    """A virtual device on the doubling callback, open but not started, and the callback's record."""
    record = np.zeros(4, dtype=np.int64)
    record[1], record[3] = changes.get("output_channels", 2), end_after
    wanted = StreamSettings(backend="virtual", **{"realtime": False, **changes})
    device = VirtualBackend(wanted, source=source, frames=frames, capture_frames=capture)
    device.negotiate()
    device.open(doubling.address, record.ctypes.data)
    return device, record


def ramp(frames):
    return (np.arange(frames, dtype=np.float32) / 1000.0)[:, None]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 700), st.integers(0, 900), st.integers(16, 300), st.booleans())
def test_plays_what_it_hears_at_any_length_and_block_size(heard, frames, block, loop):
    device, record = opened(ramp(heard), frames, capture=frames, block_size=block, loop=loop)
    device.start()
    assert device.wait(60)
    index = np.arange(frames)
    known = index % heard if loop and heard else np.minimum(index, max(heard - 1, 0))
    expected = np.where(loop | (index < heard), 2.0 * ramp(max(heard, 1))[known, 0], 0.0) if heard else np.zeros(frames)
    np.testing.assert_array_equal(device.output, np.stack([expected] * 2, axis=1).astype(np.float32))
    assert device.finished
    assert device.failure() is None
    assert record[0] == -(-frames // block)


def test_keeps_no_more_than_it_was_given_room_for():
    device, _ = opened(ramp(500), 500, capture=100)
    device.start()
    assert device.wait(60)
    assert device.output.shape == (100, 2)
    assert device.frames == 500


def test_a_source_is_followed_by_its_tail():
    device, _ = opened(ramp(1000), tail_s=0.5, sample_rate=8000.0)
    device.start()
    assert device.wait(60)
    assert device.frames == 1000 + 4000


def test_runs_until_stopped_without_a_source():
    device, record = opened(block_size=64)
    device.start()
    while device.frames < 6400:
        assert device.failure() is None
    device.stop()
    assert device.frames == 64 * record[0]
    assert not device.finished
    assert device.failure() == "the virtual device stopped"


def test_the_callback_can_end_the_stream():
    device, record = opened(ramp(6400), end_after=3)
    device.start()
    assert device.wait(60)
    assert record[0] == 3
    assert device.failure() == "the engine ended the stream"


def test_never_runs_ahead_of_the_clock():
    device, record = opened(frames=4800, realtime=True, block_size=480)
    import time

    begin = time.monotonic()
    device.start()
    assert device.wait(60)
    # The last of ten blocks of 10 ms is due 90 ms after the first.
    assert time.monotonic() - begin >= 0.0899
    assert bool(record[2]) == (device.late_blocks > 0)


def test_the_python_loop_does_the_same(monkeypatch):
    monkeypatch.setattr(virtual, "HAS_NATIVE_CLOCK", False)
    device, record = opened(ramp(700), 1000, capture=1000, realtime=True, block_size=128)
    device.start()
    assert device.wait(60)
    np.testing.assert_array_equal(device.output[:700, 1], 2.0 * ramp(700)[:, 0])
    assert not device.output[700:].any()
    assert record[0] == 8


def test_other_threads_run_while_the_loop_does():
    device, _ = opened(block_size=16)
    device.start()
    turns = []
    worker = threading.Thread(target=lambda: turns.extend(range(1000)))
    worker.start()
    worker.join(60)
    device.stop()
    assert len(turns) == 1000


def test_reads_a_file_at_its_own_rate(tmp_path):
    import soundfile

    path = tmp_path / "in.wav"
    soundfile.write(path, np.repeat(ramp(441) / 2.0, 2, axis=1), 44100, subtype="FLOAT")
    wanted = StreamSettings(backend="virtual", input_file=str(path), realtime=False, tail_s=0.0, input_channels=1)
    device = make_backend(wanted)
    assert device.negotiate().sample_rate == 44100.0
    record = np.array([0, 2, 0, 0])
    info = device.open(doubling.address, record.ctypes.data)
    device.start()
    assert device.wait(60)
    assert (info.sample_rate, device.frames) == (44100.0, 441)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"backend": "jack"}, "stream.backend: expected one of portaudio, virtual"),
        ({"block_size": 8}, "stream.block_size: expected a whole number from 16 to 4096 frames"),
        ({"sample_rate": 0.0}, "stream.sample_rate"),
        ({"input_channels": 0}, "stream.input_channels"),
        ({"input_file": "x.wav"}, "stream.input_file"),
    ],
)
def test_settings_are_checked_by_name(changes, text):
    with pytest.raises(FieldError, match=text):
        StreamSettings(**changes)


def test_settings_survive_the_way_to_another_process():
    wanted = StreamSettings(backend="virtual", loop=True, sample_rate=44100.0)
    assert StreamSettings.from_dict(wanted.as_dict()) == wanted
    with pytest.raises(FieldError, match=r"stream: expected one of .* got 'volume'"):
        StreamSettings.from_dict({"volume": 1})


@pytest.mark.parametrize("content", [None, b"", b"no sound at all"])
def test_a_file_that_is_none_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "in.wav"
    if content is not None:
        path.write_bytes(content)
    device = make_backend(StreamSettings(backend="virtual", input_file=str(path)))
    with pytest.raises(RemapdError) as caught:
        device.negotiate()
    assert "in.wav" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_rate_of_a_file_cannot_be_overridden(tmp_path):
    import soundfile

    path = tmp_path / "in.wav"
    soundfile.write(path, ramp(10), 44100)
    device = make_backend(StreamSettings(backend="virtual", input_file=str(path), sample_rate=48000.0))
    with pytest.raises(FieldError, match="44100 Hz, the rate of the input file"):
        device.negotiate()
