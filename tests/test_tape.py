"""The ring that takes the input of a running engine."""

import ctypes
import threading

import numpy as np
import pytest

from remapd.engine.engine import Engine
from remapd.engine.tape import TAPE, Tape, put
from tests.engines import hits, hits_of, make_engine

RATE = 48000.0
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_ulong, ctypes.c_void_p] * 2)


def play_through_callback(engine, source, block, sink=None):
    """Let the engine's callback hear `source` in blocks."""
    sink = np.zeros((block, 2), np.float32) if sink is None else sink
    callback, user = _CALLBACK(engine.callback_address), engine.userdata_address
    for start in range(0, len(source), block):
        part = np.ascontiguousarray(source[start : start + block])
        callback(part.ctypes.data, sink.ctypes.data, len(part), None, 0, user)


def taken(tape, frames=1 << 20):
    """All that is in the ring, up to so many frames."""
    out = np.full((frames, tape.channels), np.nan, np.float32)
    return out[: tape.take(out)]


def noise(frames, channels=1, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (frames, channels)).astype(np.float32)


def record_of(tape):
    return np.ctypeslib.as_array((ctypes.c_uint8 * TAPE.itemsize).from_address(tape.address)).view(TAPE)[0]


@pytest.mark.parametrize("block", [1, 17, 64, 4096])
def test_it_holds_what_the_callback_heard_sample_by_sample(block):
    engine, source = make_engine(), noise(10_000)
    engine.tape.start()
    play_through_callback(engine, source, block)
    np.testing.assert_array_equal(taken(engine.tape), source)
    assert engine.tape.dropped == 0


def test_it_keeps_every_channel_and_what_is_no_number():
    engine = Engine(RATE, 3, 2, shared=make_engine().shared)
    source = noise(1000, 3)
    source[10, 1] = np.nan
    engine.tape.start()
    play_through_callback(engine, source, 64)
    np.testing.assert_array_equal(taken(engine.tape), source)


def test_it_holds_nothing_before_the_start_and_after_the_stop():
    engine, source = make_engine(), noise(640)
    play_through_callback(engine, source, 64)
    assert len(taken(engine.tape)) == 0
    engine.tape.start()
    play_through_callback(engine, source, 64)
    engine.tape.stop()
    play_through_callback(engine, source, 64)
    assert len(taken(engine.tape)) == 640
    engine.tape.start()
    assert len(taken(engine.tape)) == 0


def test_a_full_ring_leaves_whole_blocks_out_and_counts_them():
    engine, seconds = make_engine(), 5
    source = noise(seconds * 48000)
    tape = engine.tape
    tape.start()
    play_through_callback(engine, source, 64)
    assert tape.dropped == len(source) - tape.capacity
    np.testing.assert_array_equal(taken(tape), source[: tape.capacity])
    play_through_callback(engine, source, 64)
    np.testing.assert_array_equal(taken(tape), source[: tape.capacity])
    tape.start()
    assert tape.dropped == 0


def test_a_missing_input_is_not_touched():
    engine = make_engine()
    engine.tape.start()
    _CALLBACK(engine.callback_address)(None, None, 64, None, 0, engine.userdata_address)
    assert len(taken(engine.tape)) == 0


def test_recording_changes_nothing_of_what_is_played():
    source = hits([0.05, 0.2], 0.5)
    engines = make_engine(), make_engine()
    engines[1].tape.start()
    sinks = [np.zeros((len(source), 2), np.float32) for _ in engines]
    for engine, sink in zip(engines, sinks, strict=True):
        play_through_callback(engine, source, len(source), sink)
    np.testing.assert_array_equal(*sinks)
    strip = lambda event: (event.onset_s, event.values)  # noqa: E731  (the clock differs)
    assert [strip(e) for e in hits_of(engines[0])] == [strip(e) for e in hits_of(engines[1])]


def test_the_ring_between_two_threads_that_run_at_once():
    tape, total = Tape(2, RATE), 2_000_000
    tape.start()
    record, source = record_of(tape), np.zeros((50, 2), np.float32)
    put(record, source[:0], 0)
    taken(tape, 1)

    def write():
        for start in range(0, total, 50):
            source[:] = np.arange(start, start + 50, dtype=np.float32)[:, None]
            while record["words"][1] + 50 - record["words"][2] > tape.capacity:
                pass
            put(record, source, 50)

    writer = threading.Thread(target=write)
    writer.start()
    place, out = 0, np.zeros((777, 2), np.float32)
    while place < total:
        n = tape.take(out)
        np.testing.assert_array_equal(out[:n], np.arange(place, place + n, dtype=np.float32)[:, None] * np.ones(2))
        place += n
    writer.join()
    assert tape.dropped == 0


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000.0), (2, 48000.0), (64, 192000.0), (0, 48000.0)])
def test_its_size_is_bounded(channels, rate):
    tape = Tape(channels, rate)
    assert tape.capacity * channels * 4 <= 32 << 20
    assert tape.capacity >= 0.5 * rate
    tape.start()
