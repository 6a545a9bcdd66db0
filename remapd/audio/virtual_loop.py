"""The loop of the virtual device: compiled, and in Python for systems whose clock compiled code cannot reach."""

from __future__ import annotations

import ctypes
import time
from typing import Any

import numpy as np

from remapd.audio.clock import call_stream_callback, sleep_until_ns
from remapd.dsp.kernel import compiled
from remapd.engine.native import clock_ns

#: A run and its progress, shared between the loop and Python.
#:
#: ``total`` frames are to be played at ``sample_rate``; ``input``, ``output`` and ``times`` are addresses of the
#: memory that ``callback`` gets, with ``user`` as its last argument. ``stop`` asks the loop to end; ``result`` is the
#: callback's last answer (not 0: it wants no more calls).
STATE = np.dtype(
    [
        ("callback", "i8"),
        ("input", "i8"),
        ("output", "i8"),
        ("times", "i8"),
        ("user", "i8"),
        ("total", "i8"),
        ("loops", "i8"),
        ("realtime", "i8"),
        ("sample_rate", "f8"),
        ("timespec", "i8", (2,)),
        ("stop", "i8"),
        ("result", "i8"),
        ("frames", "i8"),
        ("late_blocks", "i8"),
        ("worst_late_ns", "i8"),
    ],
    align=True,
)
ENDLESS = int(np.iinfo(np.int64).max)

_NS = 1_000_000_000
#: PortAudio's flag for a block that came too late.
_OUTPUT_UNDERFLOW = 4
#: A loop that is further behind than this goes on from now instead of hurrying.
_CATCH_UP_NS = 100_000_000


@compiled
def run(state: Any, source: Any, capture: Any, block_in: Any, block_out: Any) -> None:
    """Call the callback until told to stop, until it wants no more, or until all frames have been played.

    Parameters
    ----------
    state : STATE record
    source : array of float32, shape (frames, input channels)
        What is heard; silence after its end unless it loops.
    capture : array of float32, shape (frames, output channels)
        Takes what is played, as far as it reaches.
    block_in, block_out : arrays of float32, shape (block size, channels)
        The memory at ``state.input`` and ``state.output``.
    """
    block, start_ns = block_in.shape[0], clock_ns(state.timespec)
    while state.stop == 0 and state.result == 0 and state.frames < state.total:
        frame, late_before = state.frames, state.late_blocks
        count = min(block, state.total - frame)
        hear(source, state.loops != 0, frame, block_in, count)
        if state.realtime:
            start_ns += _wait_for_block(state, start_ns, block)
        flags = _OUTPUT_UNDERFLOW if state.late_blocks > late_before else 0
        state.result = _call(state, count, flags)
        keep(capture, frame, block_out, count)
        state.frames = frame + count


@compiled
def hear(source: Any, loops: bool, frame: int, block: Any, count: int) -> None:
    """Copy the sound at absolute frame `frame` on into `block`; silence where there is none."""
    length, channels = source.shape
    for i in range(count):
        place = frame + i
        if loops and length > 0:
            place %= length
        for channel in range(channels):
            block[i, channel] = source[place, channel] if place < length else 0.0


@compiled
def keep(capture: Any, frame: int, block: Any, count: int) -> None:
    """Copy a played block into the capture array, as far as that reaches."""
    length, channels = capture.shape
    for i in range(min(count, length - frame)):
        for channel in range(channels):
            capture[frame + i, channel] = block[i, channel]


@compiled
def _call(state: Any, count: int, flags: int) -> int:
    call: Any = call_stream_callback
    return call(  # type: ignore[no-any-return]
        state.callback, state.input, state.output, count, state.times, flags, state.user
    )


@compiled
def _wait_for_block(state: Any, start_ns: int, block: int) -> int:
    """Sleep until the next block is due; return by how much the clock must be set back if it came far too late."""
    frame_ns = _NS / state.sample_rate
    due_ns = start_ns + int(state.frames * frame_ns)
    now = clock_ns(state.timespec)
    while now < due_ns and state.stop == 0:
        sleep_until_ns(state.timespec, due_ns)
        now = clock_ns(state.timespec)
    late_ns = now - due_ns
    state.worst_late_ns = max(state.worst_late_ns, late_ns)
    if late_ns > block * frame_ns:
        state.late_blocks += 1
    return late_ns if late_ns > _CATCH_UP_NS else 0


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
)


def run_in_python(state: Any, source: Any, capture: Any, block_in: Any, block_out: Any) -> None:
    """Do what `run` does, at a pace as good as Python's sleep."""
    callback, start = _CALLBACK(int(state["callback"])), time.perf_counter()
    source_address, sink_address, times, user = (int(state[name]) for name in ("input", "output", "times", "user"))
    while state["stop"] == 0 and state["result"] == 0 and state["frames"] < state["total"]:
        frame = int(state["frames"])
        count = min(len(block_in), int(state["total"]) - frame)
        hear(source, bool(state["loops"]), frame, block_in, count)
        late = bool(state["realtime"]) and _sleep_until(start + frame / state["sample_rate"], len(block_in), state)
        state["result"] = callback(source_address, sink_address, count, times, _OUTPUT_UNDERFLOW * late, user)
        keep(capture, frame, block_out, count)
        state["frames"] = frame + count


def _sleep_until(due: float, block: int, state: Any) -> bool:
    """Sleep until a time in seconds; whether that was missed by more than a block."""
    wait_s = due - time.perf_counter()
    time.sleep(max(0.0, wait_s))
    late = bool(-wait_s > block / state["sample_rate"])
    state["late_blocks"] += late
    return late
