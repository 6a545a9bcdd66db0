"""What a device without hardware needs in compiled code: to sleep until a time, and to call through an address."""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from remapd.dsp.kernel import compiled
from remapd.engine.native import clock_ns

#: Whether compiled code can tell the time and sleep here: only POSIX systems have these calls.
HAS_NATIVE_CLOCK = sys.platform in ("linux", "darwin")

_IS_LINUX = sys.platform == "linux"
_MONOTONIC = 1
_ABSOLUTE = 1
_NS = 1_000_000_000

_CLOCK_NANOSLEEP: Any = types.ExternalFunction(
    "clock_nanosleep", types.intc(types.intc, types.intc, types.voidptr, types.voidptr)
)
_NANOSLEEP: Any = types.ExternalFunction("nanosleep", types.intc(types.voidptr, types.voidptr))


@compiled
def sleep_until_ns(timespec: Any, due_ns: int) -> None:
    """Sleep until the monotonic clock shows `due_ns`; a signal may end the sleep early.

    Linux takes an absolute time, so being preempted between a look at the clock and the sleep does no harm.
    """
    if _IS_LINUX:
        timespec[0] = due_ns // _NS
        timespec[1] = due_ns % _NS
        _CLOCK_NANOSLEEP(_MONOTONIC, _ABSOLUTE, timespec.ctypes, timespec.ctypes)
    else:
        left_ns = max(0, due_ns - clock_ns(timespec))
        timespec[0] = left_ns // _NS
        timespec[1] = left_ns % _NS
        _NANOSLEEP(timespec.ctypes, timespec.ctypes)


@intrinsic  # type: ignore[untyped-decorator]
def call_stream_callback(
    typing_context: Any, callback: Any, source: Any, target: Any, frames: Any, times: Any, flags: Any, user: Any
) -> Any:
    """Call a function of PortAudio's callback shape; all arguments are int64, addresses included."""
    arguments = (callback, source, target, frames, times, flags, user)
    if any(not isinstance(argument, types.Integer) for argument in arguments):
        return None

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer, word = ir.IntType(8).as_pointer(), ir.IntType(64)
        shape = ir.FunctionType(ir.IntType(32), [pointer, pointer, word, pointer, word, pointer])
        function = builder.inttoptr(values[0], shape.as_pointer())
        is_address = (True, True, False, True, False, True)
        converted = [builder.inttoptr(v, pointer) if a else v for v, a in zip(values[1:], is_address, strict=True)]
        return builder.call(function, converted)

    return types.int32(*([types.int64] * len(arguments))), generate
