"""What the compiled callback may and may not do, read from its machine-independent code, and counted as it runs."""

import ctypes
import re
import warnings

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

from remapd.engine.callback import SIGNATURE, audio_callback
from tests.engines import hits, hits_of, make_engine

#: Arithmetic of the C library, a clock that is read without a system call, and the one system call: the write to a
#: descriptor that never blocks, once for a block in which something was found (see `test_only_waking_writes`).
ALLOWED = {
    "clock_gettime",
    "write",
    "sqrt",
    "tan",
    "sin",
    "cos",
    "exp",
    "exp2",
    "log",
    "log2",
    "log10",
    "pow",
    "memset",
    "memcpy",
}
#: Counting references to the memory of an array; ours lies outside the compiler's run time, so there is none to count.
REFERENCE_COUNTING = {"NRT_incref", "NRT_decref"}


@pytest.fixture(scope="module")
def functions() -> dict[str, str]:
    """Name and body of every function in the callback, compiled anew because cached code cannot be looked into."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh = numba.cfunc(SIGNATURE, error_model="numpy")(audio_callback._pyfunc)
        code = fresh._library.get_llvm_str()
    found = re.finditer(r'^define [^\n]*?@"?([^\s("]+)"?\([^\n]*\{\n(.*?)^\}', code, re.M | re.S)
    return {match[1]: match[2] for match in found}


def of_ours(functions):
    """All but the shell that hands an exception to Python, which is entered with one in hand only."""
    return {name: body for name, body in functions.items() if "remapd" in name and not name.startswith("cfunc.")}


def calls(body):
    return set(re.findall(r'call [^\n]*?@"?([^\s("]+)"?\(', body))


def test_the_whole_chain_is_in_it(functions):
    names = " ".join(functions)
    for part in ("onsets8detector6detect", "descriptors7measure", "mapper7forward", "snare8086render", "limiter5limit"):
        assert part in names, part


def test_it_calls_nothing_but_itself_and_arithmetic(functions):
    for name, body in of_ours(functions).items():
        outside = {c for c in calls(body) if c not in functions and not c.startswith("llvm.")}
        assert outside <= ALLOWED | REFERENCE_COUNTING, f"{name} calls {outside - ALLOWED}"


def test_only_waking_writes(functions):
    writers = [name for name, body in of_ours(functions).items() if "write" in calls(body)]
    assert writers
    assert all("wake" in name or "tell_events" in name or "audio_callback" in name for name in writers), writers


def test_there_is_no_call_through_a_pointer(functions):
    for name, body in of_ours(functions).items():
        assert not re.search(r"call [^@\n]*%[\w.]+\(", body), name


def test_no_function_raises(functions):
    # A raise stores a pickled exception for the caller; nothing does, so every status handed on is a success.
    for name, body in of_ours(functions).items():
        assert "picklebuf" not in body, name
        assert not re.search(r"ret i32 (?!0$|%)", body, re.M), name


def test_the_shell_enters_python_only_with_an_exception(functions):
    shell = next(body for name, body in functions.items() if name.startswith("cfunc."))
    before_check = shell[: shell.index("numba_gil_ensure")]
    assert "Py" not in before_check
    assert re.search(r"br i1", before_check)


def test_nothing_is_allocated_while_it_runs():
    engine = make_engine()
    engine.warm_up()
    source = hits([0.05, 0.2, 0.26, 0.5], 1.0)
    sink = np.zeros((64, 2), np.float32)
    shape = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_ulong, ctypes.c_void_p] * 2)
    callback, user = shape(engine.callback_address), engine.userdata_address
    _nrt_python.memsys_enable_stats()
    before = rtsys.get_allocation_stats()
    for start in range(0, len(source) - 64, 64):
        assert callback(source[start:].ctypes.data, sink.ctypes.data, 64, None, 0, user) == 0
    assert rtsys.get_allocation_stats() == before
    _nrt_python.memsys_disable_stats()
    assert len(hits_of(engine)) == 4
    assert engine.status().callbacks == (len(source) - 64) // 64 + ((len(source) - 64) % 64 > 0)


def test_a_missing_direction_is_not_touched():
    engine = make_engine()
    shape = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_ulong, ctypes.c_void_p] * 2)
    callback, user = shape(engine.callback_address), engine.userdata_address
    assert callback(None, None, 64, None, 0, user) == 0
    assert engine.status().seconds == pytest.approx(64 / 48000)


def test_xruns_are_counted():
    engine = make_engine()
    shape = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_ulong, ctypes.c_void_p] * 2)
    for flags in (0, 0x4, 0x2, 0x10):
        shape(engine.callback_address)(None, None, 64, None, flags, engine.userdata_address)
    assert engine.status().xruns == 2


def test_durations_of_callbacks_are_forgotten_when_asked():
    engine = make_engine()
    shape = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_ulong, ctypes.c_void_p] * 2)
    call = (None, None, 64, None, 0, engine.userdata_address)
    for _ in range(10):
        shape(engine.callback_address)(*call)
    engine.reset_meters()
    shape(engine.callback_address)(*call)
    assert engine.shared.record["status"]["callback_us"].sum() == 1
    assert engine.status().callbacks == 11


@pytest.mark.parametrize("minutes", [2])
def test_denormals_do_not_slow_silence_down(minutes):
    """After a hit every decay runs on towards 0; what is left of it must be 0 or far from the denormal range."""
    engine = make_engine(dry_wet=0.5)
    engine.process(hits([0.05], 0.3), np.zeros((14400, 2), np.float32))
    silence, sink = np.zeros((48000, 1), np.float32), np.zeros((48000, 2), np.float32)
    for _ in range(minutes * 60):
        engine.process(silence, sink)
    for name, values in numbers(engine._state["track"][0]):
        tiny = (values != 0) & (np.abs(values) < np.finfo(np.float64).tiny)
        assert not tiny.any(), name


def numbers(record, path=""):
    """Every float of a record, by name."""
    for name in record.dtype.names:
        value = record[name]
        if value.dtype.names and value.ndim:
            for i, item in enumerate(value):
                yield from numbers(item, f"{path}{name}[{i}].")
        elif value.dtype.names:
            yield from numbers(value, f"{path}{name}.")
        elif value.dtype.kind == "f":
            yield path + name, np.atleast_1d(value)
