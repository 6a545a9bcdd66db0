"""An engine process for the live benchmark: the real one, with its callback timed and threads that burn CPU beside it.

``python -m tests.bench.timed_engine TIMES_FILE THREADS``, with standard input and output as those of
`remapd.engine_process`. Of each callback two durations are counted: by the wall clock, which includes what the machine
does in between, and of CPU time, which is the callback's own.
"""

from __future__ import annotations

import sys
import threading
import types as python_types

import numpy as np
from numba import carray, cfunc, types

from remapd.audio.clock import call_stream_callback
from remapd.dsp.kernel import compiled
from remapd.engine.engine import Engine
from remapd.engine.native import pointer_at
from remapd.engine_process import __main__ as engine_process

BINS = 20000
#: Histograms with bins of 1 us, and the longest of each in ns; page faults and involuntary switches within callbacks.
#: ``active`` is set while a measurement runs.
TIMES = np.dtype(
    [
        ("callback", "i8"),
        ("user", "i8"),
        ("active", "i8"),
        ("clock", "i8", (2,)),
        ("wall_us", "i8", (BINS,)),
        ("cpu_us", "i8", (BINS,)),
        ("longest_ns", "i8", (2,)),
        ("faults", "i8"),
        ("switches", "i8"),
        ("usage", "i8", (18,)),
    ],
    align=True,
)
_WALL, _CPU = 1, 3
_THREAD = 1
#: Places in ``struct rusage``, in words.
_MINOR, _MAJOR, _INVOLUNTARY = 8, 9, 17
#: The callback's, with the pointers as whole numbers, which calls alike.
_SIGNATURE = types.intc(*[types.int64] * 6)
_GETTIME = types.ExternalFunction("clock_gettime", types.intc(types.intc, types.voidptr))
_GETRUSAGE = types.ExternalFunction("getrusage", types.intc(types.intc, types.voidptr))


@compiled
def _now_ns(clock, spec):
    _GETTIME(clock, spec.ctypes)
    return spec[0] * 1_000_000_000 + spec[1]


@compiled
def _usage(times):
    """Page faults and involuntary switches of this thread so far."""
    usage = times.usage
    _GETRUSAGE(_THREAD, usage.ctypes)
    return usage[_MINOR] + usage[_MAJOR], usage[_INVOLUNTARY]


@compiled
def _note(times, wall_ns, cpu_ns):
    times.wall_us[min(BINS - 1, wall_ns // 1000)] += 1
    times.cpu_us[min(BINS - 1, cpu_ns // 1000)] += 1
    times.longest_ns[0] = max(times.longest_ns[0], wall_ns)
    times.longest_ns[1] = max(times.longest_ns[1], cpu_ns)


@cfunc(_SIGNATURE, error_model="numpy")
def timed(source, sink, frames, time, flags, user):
    """Call the engine, and count how long that took."""
    times = carray(pointer_at(np.uintp(user)), (1,), TIMES)[0]
    faults, switches = _usage(times)
    wall, cpu = _now_ns(_WALL, times.clock), _now_ns(_CPU, times.clock)
    result = call_stream_callback(times.callback, source, sink, frames, time, flags, times.user)
    if times.active:
        cpu_ns = _now_ns(_CPU, times.clock) - cpu
        _note(times, _now_ns(_WALL, times.clock) - wall, cpu_ns)
        faults_after, switches_after = _usage(times)
        times.faults += faults_after - faults
        times.switches += switches_after - switches
    return result


def burn() -> None:
    """Run Python for ever."""
    x = 0
    while True:
        x += 1


class TimedEngine(Engine):
    """The engine behind the callback that times it."""

    times: np.ndarray = np.zeros(1, TIMES)

    @property
    def callback_address(self) -> int:
        self.times["callback"] = super().callback_address
        self.times["user"] = super().userdata_address
        return int(timed.address)

    @property
    def userdata_address(self) -> int:
        return int(self.times.ctypes.data)


def main(path: str, threads: str) -> None:
    """Replace the engine by the timed one, start the threads, and be an engine process."""
    TimedEngine.times = np.memmap(path, TIMES, "r+", shape=(1,))
    module: python_types.ModuleType = sys.modules["remapd.engine.engine"]
    module.Engine = TimedEngine  # type: ignore[attr-defined]
    for _ in range(int(threads)):
        threading.Thread(target=burn, daemon=True).start()
    engine_process.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
