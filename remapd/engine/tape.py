"""The input on its way into a file: a ring that the audio callback fills and a thread of the same process empties.

The callback never waits: a block that finds no room is left out whole, and counted.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numba import carray
from numpy.typing import NDArray

from remapd.dsp.kernel import compiled
from remapd.engine.native import load_acquire, pointer_at, store_release

#: What the ring holds, so that a disk may stall for as long; less where there are very many channels.
RING_S = 4.0
_LARGEST_RING_BYTES = 32 * 1024 * 1024
_SAMPLE_BYTES = 4

#: Places in ``words``: whether input is wanted, and frames put in, taken out and left out.
WANTED, WRITTEN, READ, DROPPED = range(4)

#: ``samples`` is the address of the ring, float32 of shape (capacity, channels).
TAPE = np.dtype(
    [("words", "i8", (4,)), ("channels", "i8"), ("capacity", "i8"), ("samples", "u8")],
    align=True,
)


@compiled
def put(tape: Any, source: Any, n: int) -> None:
    """Append a block of the input, shape ``(n, channels)``, if it is wanted."""
    if load_acquire(tape.words, WANTED) == 0 or source.shape[1] != tape.channels:
        return
    written = tape.words[WRITTEN]
    if written + n - load_acquire(tape.words, READ) > tape.capacity:
        tape.words[DROPPED] += n
        return
    ring = carray(pointer_at(np.uintp(tape.samples)), (tape.capacity, tape.channels), np.float32)
    place = written % tape.capacity
    for i in range(n):
        for channel in range(tape.channels):
            ring[place, channel] = source[i, channel]
        place = place + 1 if place + 1 < tape.capacity else 0
    store_release(tape.words, WRITTEN, written + n)


@compiled
def take(tape: Any, out: Any) -> int:
    """Move the oldest frames into `out`, as many as there are and as it holds; returns how many."""
    read = tape.words[READ]
    n = min(len(out), load_acquire(tape.words, WRITTEN) - read)
    ring = carray(pointer_at(np.uintp(tape.samples)), (tape.capacity, tape.channels), np.float32)
    for i in range(n):
        for channel in range(tape.channels):
            out[i, channel] = ring[(read + i) % tape.capacity, channel]
    store_release(tape.words, READ, read + n)
    return n


@compiled
def want(tape: Any, wanted: int) -> None:
    """Have the callback begin or cease to put input in; what was in the ring before it begins is forgotten."""
    if wanted == 1:
        store_release(tape.words, READ, load_acquire(tape.words, WRITTEN))
        tape.words[DROPPED] = 0
    store_release(tape.words, WANTED, wanted)


class Tape:
    """The ring of one engine.

    Parameters
    ----------
    channels : int
        Channels of the input, all of which are kept.
    sample_rate : float
        In Hz.
    """

    def __init__(self, channels: int, sample_rate: float) -> None:
        frame_bytes = _SAMPLE_BYTES * max(1, channels)
        self.channels, self.sample_rate = channels, sample_rate
        self.capacity = min(round(RING_S * sample_rate), _LARGEST_RING_BYTES // frame_bytes)
        # Mapped rather than allocated: it takes memory only once it is used.
        self._ring = np.frombuffer(mmap.mmap(-1, self.capacity * frame_bytes), np.uint8)
        tape = self._tape = np.zeros(1, TAPE)
        tape["channels"], tape["capacity"], tape["samples"] = channels, self.capacity, self._ring.ctypes.data

    @property
    def address(self) -> int:
        """Address of the record for the callback; valid as long as this object lives."""
        return int(self._tape.__array_interface__["data"][0])

    @property
    def dropped(self) -> int:
        """Frames that found no room since `start`."""
        return int(self._tape[0]["words"][DROPPED])

    def start(self) -> None:
        """Keep the input from the next block on."""
        self._ring[:: mmap.PAGESIZE] |= 0  # The callback must not be the first to touch a page.
        want(self._tape[0], 1)

    def stop(self) -> None:
        """Keep no more; what is in the ring can still be taken."""
        want(self._tape[0], 0)

    def take(self, out: NDArray[np.float32]) -> int:
        """Move the oldest frames into `out`, float32 of shape (any, channels), C order; returns how many there were."""
        return int(take(self._tape[0], out))
