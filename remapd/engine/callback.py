"""The function that an audio device calls: PortAudio's shape, no Python inside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, cfunc, types

from remapd.dsp.kernel import compiled
from remapd.engine import stream_clock
from remapd.engine.layout import DURATION_BINS, EVENTS_WRITTEN, SHARED, STATE
from remapd.engine.native import clock_ns, is_null, pointer_at
from remapd.engine.process import process_block
from remapd.engine.stamps import stamp_rendered
from remapd.engine.tape import TAPE, put
from remapd.engine.wake import wake

#: ``int callback(const void *in, void *out, unsigned long frames, const void *time, unsigned long flags, void *user)``
SIGNATURE = types.intc(types.voidptr, types.voidptr, types.ulong, types.voidptr, types.ulong, types.voidptr)
#: What ``user`` points at: the addresses of the shared block, of the engine's own state and of its tape, and the
#: descriptor at which somebody waits for events, or `NOBODY`.
USER_WORDS = 4
_CONTINUE = 0
_XRUN_FLAGS = 0x1 | 0x2 | 0x4 | 0x8


@compiled
def _note_duration(shared: Any, begun: int, ended: int, flags: int) -> None:
    status = shared.status
    duration = ended - begun
    status.last_callback_ns = ended
    status.callback_us[min(DURATION_BINS - 1, duration // 1000)] += 1
    status.callback_ns_max = max(status.callback_ns_max, duration)
    status.callbacks += 1
    if np.int64(flags) & _XRUN_FLAGS:
        status.xruns += 1


@compiled
def _tell_events(shared: Any, state: Any, first: int, descriptor: int) -> None:
    """Stamp the events from number `first` on as rendered, and wake whoever waits for them."""
    if stamp_rendered(shared, first, clock_ns(state.clock)) > 0:
        wake(descriptor, state.wake)


@cfunc(SIGNATURE, cache=True, error_model="numpy")
def audio_callback(source: Any, sink: Any, frames: Any, time: Any, flags: Any, user: Any) -> Any:
    """Process one block of interleaved float32 and note how long it took."""
    addresses = carray(user, (USER_WORDS,), np.uintp)
    shared = carray(pointer_at(addresses[0]), (1,), SHARED)[0]
    state = carray(pointer_at(addresses[1]), (1,), STATE)[0]
    tape = carray(pointer_at(addresses[2]), (1,), TAPE)[0]
    n: Any = np.int64(frames)
    begun = clock_ns(state.clock)
    state.block_ns = begun
    gap = np.int64(flags) & _XRUN_FLAGS != 0
    stream_clock.advance(state.stream_clock, begun, state.frame, n, state.sample_rate, gap)
    shared.status.block_frames = n
    # A direction that the stream lacks has no channels, so its memory is never touched.
    inputs = 0 if is_null(source) else shared.status.input_channels
    outputs = 0 if is_null(sink) else shared.status.output_channels
    heard = carray(source, (n, inputs), np.float32)
    put(tape, heard, n)
    descriptor: Any = np.int64(addresses[3])
    first_event = shared.words[EVENTS_WRITTEN]
    process_block(shared, state, heard, carray(sink, (n, outputs), np.float32), n)
    _tell_events(shared, state, first_event, descriptor)
    _note_duration(shared, begun, clock_ns(state.clock), flags)
    return _CONTINUE
