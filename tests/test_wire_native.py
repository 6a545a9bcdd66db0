"""What the sender's compiled loop may and may not do: read from its code, and seen as it runs."""

import ctypes
import re
import threading
import time
import warnings

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

from remapd.audio.clock import sleep_until_ns
from remapd.dsp.kernel import compiled
from remapd.engine import rings
from remapd.engine.layout import EVENTS_WRITTEN
from remapd.engine.native import clock_ns
from remapd.engine.shared import SharedBlock
from remapd.engine.stamps import stamps_of
from remapd.engine.wake import wake
from remapd.sinks.wire.native import loop
from remapd.sinks.wire.native.layout import CHANNEL, WIRE
from tests.test_audio_path import REFERENCE_COUNTING, calls
from tests.test_wire_sender import PATIENCE_S, Rig, destination
from tests.wire_hits import random_event

#: Calls of the system that never block, but for `poll`, at which it sleeps; a clock; arithmetic.
ALLOWED = {"send", "read", "poll", "clock_gettime", "__errno_location", "__error"}
ALLOWED |= {"log", "memcpy", "memset", "fmod", "floor", "rint"}


@pytest.fixture(scope="module")
def functions():
    """Name and body of every function in the loop, compiled anew because cached code cannot be looked into.

    All but the shell that Python enters it by.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fresh = numba.njit(error_model="numpy", nogil=True)(loop.run.py_func)
        fresh.compile(
            tuple(map(numba.typeof, (SharedBlock.private().record, np.zeros(1, WIRE)[0], np.zeros(64, CHANNEL))))
        )
    (result,) = fresh.overloads.values()
    code = result.library.get_llvm_str()
    found = re.finditer(r'^define [^\n]*?@"?([^\s("]+)"?\([^\n]*\{\n(.*?)^\}', code, re.M | re.S)
    ours = {match[1]: match[2] for match in found}
    return {name: body for name, body in ours.items() if "7cpython" not in name}


def of_ours(functions):
    return {name: body for name, body in functions.items() if "remapd" in name and not name.startswith("cfunc.")}


def test_the_whole_way_is_in_it(functions):
    called = set().union(*map(calls, of_ours(functions).values()))
    assert {"send", "poll", "clock_gettime"} <= called


def test_it_calls_nothing_but_itself_and_the_system(functions):
    for name, body in of_ours(functions).items():
        outside = {c for c in calls(body) if c not in functions and not c.startswith("llvm.")}
        assert outside <= ALLOWED | REFERENCE_COUNTING, f"{name} calls {outside - ALLOWED}"


def test_no_function_raises(functions):
    for name, body in of_ours(functions).items():
        assert "picklebuf" not in body, name
        assert not re.search(r"ret i32 (?!0$|%)", body, re.M), name


@compiled
def _play(shared, event, descriptor, word, clock, stop, period_ns):
    due_ns = clock_ns(clock)
    while stop[0] == 0:
        slot = rings.open_event(shared)
        shared.events[slot] = event
        shared.events[slot].published_ns = clock_ns(clock)
        rings.publish_event(shared, slot)
        wake(descriptor, word)
        due_ns += period_ns
        sleep_until_ns(clock, due_ns)


class Player:
    """Hits every few milliseconds from a thread without Python, as the audio callback makes them."""

    def __init__(self, rig, period_ns=5_000_000):
        self.record, self.stop = rig.shared, np.zeros(1, np.int64)
        arguments = (np.ones(1, np.int64), np.zeros(2, np.int64))
        event = random_event()
        stopped = np.ones(1, np.int64)
        _play(rig.shared, event, -1, *arguments, stopped, period_ns)
        self.thread = threading.Thread(
            target=_play, args=(rig.shared, event, rig.wake.write_descriptor, *arguments, self.stop, period_ns)
        )

    def __enter__(self):
        self.thread.start()
        self.await_hits(1)
        return self

    def __exit__(self, *exception):
        self.stop[0] = 1
        self.thread.join()

    @property
    def hits(self):
        return int(self.record["words"][EVENTS_WRITTEN])

    def await_hits(self, count):
        """Wait for so many more; calls nothing compiled."""
        wanted, deadline = self.hits + count, time.monotonic() + PATIENCE_S
        while self.hits < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.005)


@pytest.fixture
def rig():
    rig = Rig()
    _, sender = rig.udp()
    rig.sender.apply([destination(sender)])
    yield rig
    rig.close()


def test_nothing_is_allocated_while_it_runs(rig):
    with Player(rig) as player:
        _nrt_python.memsys_enable_stats()
        before = rtsys.get_allocation_stats()
        player.await_hits(30)
        after = rtsys.get_allocation_stats()
        _nrt_python.memsys_disable_stats()
    assert after == before
    assert rig.counts(hits=player.hits).dropped == 0


def test_it_sends_while_another_thread_holds_the_interpreter(rig):
    """A C function that does not let go of the interpreter's lock sleeps; hits go out all the same."""
    with Player(rig) as player:
        first = player.hits
        ctypes.PyDLL(None).usleep(200_000)
        ended_ns = time.monotonic_ns()
        last = player.hits
    assert last - first > 5
    sent = [stamps_of(rig.shared, sequence).sent_ns for sequence in range(first + 1, last)]
    # On a busy machine the sender may be behind; without the lock it would send none of them.
    assert sum(0 < time_ns < ended_ns for time_ns in sent) > (last - first) // 2
