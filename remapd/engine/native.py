"""What compiled code needs beyond arithmetic: atomics, a clock, and records at a raw address."""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing import signature
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from remapd.dsp.kernel import compiled

_WORD_BYTES = 8


def _word_pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = make_array(array_type)(context, builder, array)
    return cgutils.get_item_pointer(context, builder, array_type, data, [index], wraparound=False)


def _is_word_array(array: Any) -> bool:
    return isinstance(array, types.Array) and array.dtype == types.int64


@intrinsic
def load_acquire(typing_context: Any, array: Any, index: Any) -> Any:
    """``array[index]`` of an int64 array, such that nothing after it is read earlier."""
    if not _is_word_array(array):
        return None

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        pointer = _word_pointer(context, builder, sig.args[0], *arguments)
        return builder.load_atomic(pointer, "acquire", _WORD_BYTES)

    return signature(types.int64, array, types.intp), generate


@intrinsic
def store_release(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """``array[index] = value`` of an int64 array, such that nothing before it is written later."""
    if not _is_word_array(array):
        return None

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        array_value, index_value, word = arguments
        pointer = _word_pointer(context, builder, sig.args[0], array_value, index_value)
        builder.store_atomic(word, pointer, "release", _WORD_BYTES)
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, types.int64), generate


@intrinsic
def fence(typing_context: Any) -> Any:
    """Keep every read and write on its own side of this line."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return signature(types.void), generate


@intrinsic
def pointer_at(typing_context: Any, address: Any) -> Any:
    """A raw address as a pointer for `numba.carray`."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return signature(types.voidptr, types.uintp), generate


@intrinsic
def is_null(typing_context: Any, pointer: Any) -> Any:
    """Whether a pointer is null (PortAudio hands null for a direction that a stream lacks)."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        word = builder.ptrtoint(arguments[0], ir.IntType(64))
        return builder.icmp_unsigned("==", word, ir.Constant(word.type, 0))

    return signature(types.boolean, types.voidptr), generate


#: libc's, through the vDSO: no system call, no lock.
_CLOCK: Any = types.ExternalFunction("clock_gettime", types.intc(types.intc, types.voidptr))
_CLOCK_MONOTONIC = 6 if sys.platform == "darwin" else 1


@compiled
def clock_ns(spec: Any) -> int:
    """Monotonic time in ns; the same clock as `time.monotonic_ns`. `spec` is scratch: two int64."""
    _CLOCK(_CLOCK_MONOTONIC, spec.ctypes)
    return spec[0] * 1_000_000_000 + spec[1]
