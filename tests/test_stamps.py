"""Later times of an event: who writes them, who reads them, and that none lands on another event."""

import ctypes
import os

import numpy as np

from remapd.engine.layout import EVENT_SLOTS
from remapd.engine.shared import SharedBlock
from remapd.engine.stamps import Stamps, stamp_midi, stamp_rendered, stamp_sent, stamps_of
from remapd.engine.wake import Wake
from tests.engines import hits, hits_of, make_engine, play
from tests.test_rings import write_events

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_ulong, ctypes.c_void_p] * 2)


def call(engine, source, block=64):
    """Hand a sound to the callback, block by block."""
    callback, user = _CALLBACK(engine.callback_address), engine.userdata_address
    sink = np.zeros((block, 2), np.float32)
    for start in range(0, len(source) - block + 1, block):
        assert callback(source[start:].ctypes.data, sink.ctypes.data, block, None, 0, user) == 0


def test_an_event_that_was_heard_in_a_file_has_no_times():
    engine = make_engine()
    play(engine, hits([0.05], 0.2), 64)
    (event,) = hits_of(engine)
    assert (event.block_ns, event.published_ns, event.onset_ns) == (0, 0, 0)
    assert stamps_of(engine.shared.record, event.sequence) == Stamps()


def test_the_callback_stamps_what_it_has_rendered():
    engine = make_engine()
    call(engine, hits([0.05, 0.15], 0.3))
    for event in hits_of(engine):
        assert event.onset_ns > 0
        assert event.block_ns <= event.published_ns <= event.rendered_ns
        assert (event.sent_ns, event.midi_ns) == (0, 0)


def test_every_station_writes_its_own_time():
    engine = make_engine()
    call(engine, hits([0.05], 0.2))
    (event,) = hits_of(engine)
    record = engine.shared.record
    stamp_sent(record, event.sequence, 11)
    stamp_midi(record, event.sequence, 12)
    assert stamps_of(record, event.sequence) == Stamps(event.rendered_ns, 11, 12)


def test_an_event_that_was_overwritten_gets_no_time_and_has_none():
    record = SharedBlock.private().record
    write_events(record, EVENT_SLOTS + 1)
    stamp_rendered(record, 0, 10)
    stamp_sent(record, 1, 11)
    stamp_midi(record, 1, 12)
    assert stamps_of(record, 1) == Stamps()
    assert stamps_of(record, EVENT_SLOTS + 1) == Stamps(rendered_ns=10)
    assert stamps_of(record, 0) == Stamps()


def test_an_event_is_left_until_its_stamps_can_be_there():
    engine = make_engine()
    call(engine, hits([0.05], 0.2))
    assert engine.events.read(settle_ns=10**12) == []
    assert len(engine.events.read(settle_ns=1)) == 1
    assert engine.events.read() == []


def woken(wake):
    try:
        return int.from_bytes(os.read(wake.read_descriptor, 8), "little")
    except BlockingIOError:
        return 0


def test_the_callback_wakes_only_for_events():
    engine, wake = make_engine(), Wake()
    engine.wake_descriptor = wake.write_descriptor
    call(engine, np.zeros((4800, 1), np.float32))
    assert woken(wake) == 0
    call(engine, hits([0.05], 0.2))
    assert woken(wake) == len(engine.events.read()) > 0
    wake.close()


def test_a_wake_that_nobody_heeds_never_blocks():
    wake = Wake()
    os.write(wake.write_descriptor, (2**64 - 2).to_bytes(8, "little"))
    wake.signal()
    assert woken(wake) == 2**64 - 2
    wake.signal()
    assert woken(wake) == 1
    wake.close()
