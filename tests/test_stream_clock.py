"""The clock of the stream: from callbacks that come unevenly to times that run evenly."""

import numpy as np
import pytest

from remapd.dsp.kernel import compiled
from remapd.engine import stream_clock

RATE = 48000.0


@compiled
def run(clock, calls_ns, frames, rate, gap_at, times_ns):
    """Take every callback, and read the time of the frame 10 ms before its end."""
    for i in range(len(calls_ns)):
        stream_clock.advance(clock, calls_ns[i], i * frames, frames, rate, i == gap_at)
        times_ns[i] = stream_clock.time_ns(clock, (i + 1) * frames - round(0.01 * rate), rate)


def times_of(calls_ns, frames, gap_at=-1, clock=None, rate=RATE):
    clock = np.zeros(1, stream_clock.STATE)[0] if clock is None else clock
    times_ns = np.zeros(len(calls_ns), np.int64)
    run(clock, np.asarray(calls_ns, np.int64), frames, rate, gap_at, times_ns)
    return times_ns


def device(count, frames, drift=0.0, rate=RATE, start_ns=10**15):
    """When blocks were whole, on a device whose rate is off by `drift`."""
    return start_ns + np.round((np.arange(count) + 1) * frames / rate * (1.0 + drift) * 1e9).astype(np.int64)


def errors_us(times_ns, even_ns):
    """Distance from what an even clock says; the mean delay of the callbacks is part of neither."""
    distance = 1e-3 * (times_ns - (even_ns - 10_000_000))
    return distance - distance.mean()


def test_there_is_no_time_before_the_first_callback():
    clock = np.zeros(1, stream_clock.STATE)[0]
    assert stream_clock.time_ns(clock, 0, RATE) == 0


@pytest.mark.parametrize("frames", [16, 64, 1024])
def test_an_even_device_is_followed_to_the_microsecond(frames):
    even_ns = device(3000, frames)
    assert np.abs(errors_us(times_of(even_ns, frames), even_ns)).max() < 1.0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("frames", "jitter_us"), [(64, 1000.0), (64, 200.0), (256, 1000.0), (1024, 2000.0)])
def test_jitter_becomes_a_small_part_of_itself(frames, jitter_us, seed):
    rng = np.random.default_rng(seed)
    drift = rng.uniform(-2e-4, 2e-4)
    count = round(30 * RATE / frames)
    even_ns = device(count, frames, drift)
    late_ns = even_ns + (1e3 * rng.uniform(0, jitter_us, count)).astype(np.int64)
    settled = slice(round(10 * RATE / frames), None)
    errors = errors_us(times_of(late_ns, frames)[settled], even_ns[settled])
    assert errors.std() < 0.15 * jitter_us / np.sqrt(12)
    assert np.abs(errors).max() < 0.2 * jitter_us


def test_one_very_late_block_hardly_moves_it():
    even_ns = device(20000, 64)
    late_ns = even_ns.copy()
    late_ns[15000] += 5_000_000
    moved = times_of(late_ns, 64)[14000:] - times_of(even_ns, 64)[14000:]
    assert np.abs(moved).max() < 10_000


@pytest.mark.parametrize("told", [True, False])
def test_it_begins_anew_after_a_gap(told):
    even_ns = device(4000, 64)
    gap_ns = 3_000_000 if told else 200_000_000
    even_ns[2000:] += gap_ns
    errors = 1e-3 * (times_of(even_ns, 64, gap_at=2000 if told else -1) - even_ns + 10_000_000)
    assert np.abs(errors).max() < 1.0


def test_a_stream_that_begins_anew_is_a_new_one():
    clock = np.zeros(1, stream_clock.STATE)[0]
    times_of(device(2000, 64), 64, clock=clock)
    even_ns = device(2000, 64, start_ns=2 * 10**15)
    assert np.abs(errors_us(times_of(even_ns, 64, clock=clock), even_ns)).max() < 1.0


def test_blocks_may_differ_in_length():
    rng = np.random.default_rng(1)
    clock = np.zeros(1, stream_clock.STATE)[0]
    frame, errors = 0, []
    for frames in rng.integers(16, 512, 2000).tolist():
        end_ns = 10**15 + round((frame + frames) / RATE * 1e9)
        stream_clock.advance(clock, end_ns, frame, frames, RATE, False)
        frame += frames
        errors.append(abs(stream_clock.time_ns(clock, frame, RATE) - end_ns))
    assert max(errors) < 1000
