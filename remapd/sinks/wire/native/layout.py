"""The sender's memory: what is to be sent where, what is left to send, and what became of it.

A plan is written by Python and read by the thread, which says that it has taken it; the other of two holds the one
before. Channels outlive plans: the counts of a destination, and what of a packet its stream has not taken yet.
"""

from __future__ import annotations

import enum

import numpy as np

from remapd.engine.layout import EVENT, MAX_TRACKS
from remapd.sinks.velocity import TABLE_SIZE
from remapd.sinks.wire.packet import MAX_PACKET_BYTES
from remapd.synth.registry import SYNTHS

MAX_DESTINATIONS = 64
#: A packet as it stands in a stream: each byte escaped, an end before and after it.
MAX_FRAME_BYTES = 2 * MAX_PACKET_BYTES + 2
#: Width of the histogram of delays, in bins of 1 us; the last takes all that is longer.
LATE_BINS = 4096

#: Places in ``words``: what Python asks for, and what the thread has done.
STOP, PLAN_WANTED, PLAN_TAKEN, INBOX_WANTED, INBOX_DONE = range(5)


class Framing(enum.IntEnum):
    """How packets stand on a socket; `RECORD` sends the event as the ring has it, and no packets."""

    DATAGRAM, LENGTH, SLIP, RECORD = range(4)


PATCH = np.dtype(
    [
        ("position", "i8"),
        ("field", "i8"),
        ("source", "i8"),
        ("index", "i8"),
        ("scale", "f8"),
        ("offset", "f8"),
        ("log_of", "f8"),
        ("modulo", "i8"),
    ],
    align=True,
)

PACKET = np.dtype([("first_byte", "i8"), ("size", "i8"), ("first_patch", "i8"), ("patches", "i8")], align=True)

#: ``routes`` has the first packet and their number for each track and synth; ``connection`` tells one socket of a
#: destination from the next; ``descriptor`` is below 0 while there is none.
DESTINATION = np.dtype(
    [
        ("channel", "i8"),
        ("connection", "i8"),
        ("descriptor", "i8"),
        ("framing", "i8"),
        ("tracks", "u1", (MAX_TRACKS,)),
        ("velocity", "f8", (TABLE_SIZE,)),
        ("routes", "i4", (MAX_TRACKS, len(SYNTHS), 2)),
    ],
    align=True,
)

#: Addresses and lengths.
PLAN = np.dtype(
    [
        ("destinations", "u8"),
        ("packets", "u8"),
        ("patches", "u8"),
        ("data", "u8"),
        ("count", "i8"),
        ("packet_count", "i8"),
        ("patch_count", "i8"),
        ("data_size", "i8"),
    ],
    align=True,
)

CHANNEL = np.dtype(
    [
        ("connection", "i8"),
        ("hits", "i8"),
        ("sent", "i8"),
        ("full", "i8"),
        ("refused", "i8"),
        ("failed", "i8"),
        ("unconnected", "i8"),
        ("errno", "i8"),
        ("broken", "i8"),
        ("late_us", "i8", (LATE_BINS,)),
        ("late_ns_max", "i8"),
        ("rest_start", "i8"),
        ("rest_end", "i8"),
        ("rest", "u1", (MAX_FRAME_BYTES,)),
    ],
    align=True,
)

#: Of ``poll``.
POLLED = np.dtype([("descriptor", "i4"), ("events", "i2"), ("found", "i2")], align=True)

#: ``inbox_*`` is one errand from Python: a made-up hit, or a packet of ``inbox_size`` bytes where that is not 0, for
#: one destination of the plan. ``*_address`` are those of the members without the ending.
WIRE = np.dtype(
    [
        ("words", "i8", (8,)),
        ("plans", PLAN, (2,)),
        ("wake_descriptor", "i8"),
        ("next", "i8"),
        ("lost", "i8"),
        ("stale", "i8"),
        ("realtime_offset_ns", "i8"),
        ("clock", "i8", (2,)),
        ("woken", "u1", (4096,)),
        ("polled", POLLED, (1 + MAX_DESTINATIONS,)),
        ("event", EVENT, (1,)),
        ("inbox", EVENT, (1,)),
        ("inbox_destination", "i8"),
        ("inbox_size", "i8"),
        ("inbox_packet", "u1", (MAX_PACKET_BYTES,)),
        ("packet", "u1", (MAX_PACKET_BYTES,)),
        ("frame", "u1", (MAX_FRAME_BYTES,)),
        ("polled_address", "u8"),
        ("event_address", "u8"),
        ("inbox_address", "u8"),
    ],
    align=True,
)
