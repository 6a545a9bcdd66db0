"""A packet as it is before a hit: all bytes that never change, and where the numbers of a hit go.

Addresses, type tags, sizes and time tags of OSC have fixed places, so that sending a hit is to copy the bytes, write a
few numbers into them, and hand them over.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

#: Most bytes for a hit. A packet of more than 1472 bytes is cut in pieces on an Ethernet, and lost if one of them is.
MAX_PACKET_BYTES = 8192


class Source(enum.IntEnum):
    """Where a number comes from; those marked with an index count from 0 in the order of their table."""

    #: With an index.
    FEATURE, SCALED, MODULATION, VALUE = range(4)
    #: Velocity 0..1: the loudness through the sink's curve.
    VELOCITY = 4
    #: Number of the track, from 1.
    TRACK = 5
    #: Number of the hit on this sink, from 1.
    HIT = 6
    #: Times of the stream in seconds.
    ONSET_S, TRIGGER_S = 7, 8
    LEVEL_DB, FLOOR_DB, STRENGTH_DB = 9, 10, 11
    #: Time of the onset on the wall clock, in seconds since 1900; for time tags.
    ONSET_NTP_S = 12


class Field(enum.IntEnum):
    """How a number stands in the packet, big-endian; whole numbers are rounded and clipped to their range."""

    INT32, FLOAT32, INT64, FLOAT64, TIME_TAG = range(5)


@dataclass(frozen=True, slots=True)
class Patch:
    """One number of a packet: ``offset + scale * x``, where ``x`` is the source, or its logarithm.

    Parameters
    ----------
    position : int
        Of its first byte in the packet.
    field : Field
        How it is written.
    source : Source
        What is written.
    index : int
        Place in the source's table, where it has one.
    scale, offset : float
        Applied to the number.
    log_of : float
        Where it is above 0, ``x`` is ``log(max(source, log_of) / log_of)``: a position on a log curve from there.
    modulo : int
        Where it is above 0, the source is taken modulo this first; for numbers of nodes.
    """

    position: int
    field: Field
    source: Source
    index: int = 0
    scale: float = 1.0
    offset: float = 0.0
    log_of: float = 0.0
    modulo: int = 0


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of a sink for one track and one synthesiser.

    Parameters
    ----------
    data : bytes
        The packet, with zeros where patches go.
    patches : tuple of Patch
        The numbers of a hit.
    """

    data: bytes
    patches: tuple[Patch, ...]
