"""When a frame of the stream was: the host's clock at a frame, freed of the jitter of the callbacks.

A device asks for blocks evenly, but the system wakes its thread now a little and now much later. A delay-locked loop of
second order (F. Adriaensen, "Using a DLL to filter time", 2005) follows the device's rate and lets one late block shift
the times by a few microseconds only. It begins anew after a gap.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled

#: ``blocks`` since the start, 0 for none yet; frame ``frame`` was at ``base_ns + offset_ns``, one takes ``frame_ns``.
STATE = np.dtype(
    [("blocks", "i8"), ("frame", "i8"), ("base_ns", "i8"), ("offset_ns", "f8"), ("frame_ns", "f8")],
    align=True,
)

#: Slow enough to smooth what the scheduler does, fast enough for the drift of a crystal that warms up.
BANDWIDTH_HZ = 0.1
#: A block that is further from its time than this, and two blocks, comes after a gap.
GAP_NS = 10e6
_FASTEST = 0.5


@compiled
def reset(clock: Any) -> None:
    """Know nothing of the time."""
    clock.blocks = 0


@compiled
def advance(clock: Any, now_ns: int, frame: int, frames: int, rate_hz: float, gap: bool) -> None:
    """Take note of a callback.

    Parameters
    ----------
    clock : STATE record
    now_ns : int
        The host's clock as it began, at which the last frame of the block had just been heard.
    frame, frames : int
        First frame of the block and their number.
    rate_hz : float
        Nominal rate of the stream.
    gap : bool
        Whether the device says that frames were lost.
    """
    end = frame + frames
    error_ns = (now_ns - clock.base_ns) - (clock.offset_ns + (end - clock.frame) * clock.frame_ns)
    far_ns = GAP_NS + 2e9 * frames / rate_hz
    if clock.blocks == 0 or gap or end <= clock.frame or abs(error_ns) > far_ns:
        clock.blocks, clock.frame, clock.base_ns = 1, end, now_ns
        clock.offset_ns, clock.frame_ns = 0.0, 1e9 / rate_hz
        return
    omega = min(_FASTEST, 2.0 * math.pi * BANDWIDTH_HZ * frames / rate_hz)
    clock.blocks += 1
    # The mean of the first blocks, until the loop is as slow as it is to be.
    share = min(1.0, max(math.sqrt(2.0) * omega, 1.0 / clock.blocks))
    clock.offset_ns += (end - clock.frame) * clock.frame_ns + share * error_ns
    clock.frame_ns += omega * omega * error_ns / frames
    clock.frame = end


@compiled
def time_ns(clock: Any, frame: int, rate_hz: float) -> int:
    """The host's clock at a frame near the last block; 0 where there is no clock."""
    if clock.blocks == 0:
        return 0
    return clock.base_ns + int(clock.offset_ns + (frame - clock.frame) * 1e9 / rate_hz)
