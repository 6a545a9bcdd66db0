"""Destinations of hits, and their form for the sender's thread."""

from __future__ import annotations

import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.engine.layout import MAX_TRACKS
from remapd.errors import FieldError
from remapd.features.descriptors import FEATURES
from remapd.sinks.wire.native.layout import (
    CURVE_SIZE,
    DESTINATION,
    MAX_DESTINATIONS,
    MAX_PACKET_BYTES,
    PACKET,
    PATCH,
    Framing,
)
from remapd.sinks.wire.packet import Field, Packet, Patch, Source
from remapd.synth.base import MAX_SYNTH_PARAMETERS
from remapd.synth.registry import synth_id

_WIDTHS = {Field.INT32: 4, Field.FLOAT32: 4, Field.INT64: 8, Field.FLOAT64: 8, Field.TIME_TAG: 8}
_TABLE_LENGTHS = {
    Source.FEATURE: len(FEATURES),
    Source.SCALED: len(FEATURES),
    Source.MODULATION: MAX_SYNTH_PARAMETERS,
    Source.VALUE: MAX_SYNTH_PARAMETERS,
}
_STRAIGHT = np.linspace(0.0, 1.0, CURVE_SIZE)
#: Bytes of all packets of a plan together.
MAX_DATA_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """Where hits go, and as what.

    Parameters
    ----------
    id : str
        Name among the destinations.
    socket : socket.socket or None
        Connected; None while there is none, and then hits are counted as dropped.
    framing : Framing
        How packets stand on it.
    tracks : tuple of int
        Tracks whose hits go there, from 0.
    packets : mapping of (int, str) to sequence of Packet
        For each track, from 0, and name of a synth; nothing where `framing` is `RECORD`.
    velocity : array of float
        Velocity at `CURVE_SIZE` loudnesses from 0 to 1.
    """

    id: str
    socket: socket.socket | None
    framing: Framing = Framing.DATAGRAM
    tracks: tuple[int, ...] = tuple(range(MAX_TRACKS))
    packets: Mapping[tuple[int, str], Sequence[Packet]] = field(default_factory=dict)
    velocity: NDArray[np.float64] = field(default_factory=lambda: _STRAIGHT)


class Plan:
    """Destinations as arrays, which live as long as this object does.

    Parameters
    ----------
    destinations : sequence of Destination
        At most `MAX_DESTINATIONS`.
    channels : sequence of (int, int)
        Channel of each, and the number of its connection.

    Raises
    ------
    FieldError
        If there are too many, or a packet does not fit or has a number outside of it.
    """

    def __init__(self, destinations: Sequence[Destination], channels: Sequence[tuple[int, int]]) -> None:
        if len(destinations) > MAX_DESTINATIONS:
            raise FieldError("sinks", f"at most {MAX_DESTINATIONS}", len(destinations))
        self.sources = tuple(destinations)
        store = _Store()
        self.destinations = np.zeros(len(destinations), DESTINATION)
        for record, destination, (channel, connection) in zip(self.destinations, destinations, channels, strict=True):
            record["channel"], record["connection"] = channel, connection
            _describe(record, destination, store)
        self.packets = np.array(store.packets, PACKET)
        self.patches = np.array(store.patches, PATCH)
        self.data = np.frombuffer(bytes(store.data), np.uint8).copy()

    def place(self, identifier: str) -> int | None:
        """Place of a destination in the plan."""
        return next((i for i, destination in enumerate(self.sources) if destination.id == identifier), None)

    def write(self, record: Any) -> None:
        """Fill in a PLAN record."""
        for name in ("destinations", "packets", "patches", "data"):
            record[name] = getattr(self, name).ctypes.data
        record["count"], record["data_size"] = len(self.destinations), len(self.data)
        record["packet_count"], record["patch_count"] = len(self.packets), len(self.patches)


class _Store:
    """Packets of all destinations, one after the other."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, ...]] = []
        self.patches: list[tuple[float, ...]] = []
        self.data = bytearray()

    def add(self, packet: Packet) -> None:
        if len(packet.data) > MAX_PACKET_BYTES:
            raise FieldError("packet", f"at most {MAX_PACKET_BYTES} bytes", len(packet.data))
        if len(self.data) + len(packet.data) > MAX_DATA_BYTES:
            raise FieldError("sinks", f"packets of at most {MAX_DATA_BYTES} bytes together", len(self.data))
        self.packets.append((len(self.data), len(packet.data), len(self.patches), len(packet.patches)))
        self.patches += [_patch(patch, len(packet.data)) for patch in packet.patches]
        self.data += packet.data


def _patch(patch: Patch, size: int) -> tuple[float, ...]:
    if not 0 <= patch.position <= size - _WIDTHS[patch.field]:
        raise FieldError("packet", "numbers within its bytes", patch.position)
    limit = _TABLE_LENGTHS.get(patch.source, 1)
    if not 0 <= patch.index < limit:
        raise FieldError("packet", f"an index below {limit} for {patch.source.name}", patch.index)
    if not math.isfinite(patch.scale) or not math.isfinite(patch.offset):
        raise FieldError("packet", "a finite scale and offset", (patch.scale, patch.offset))
    values = (patch.position, patch.field, patch.source, patch.index)
    return (*values, patch.scale, patch.offset, patch.log_of, patch.modulo)


def _describe(record: Any, destination: Destination, store: _Store) -> None:
    """Fill in all of a destination but its channel."""
    record["descriptor"] = -1 if destination.socket is None else destination.socket.fileno()
    record["framing"] = destination.framing
    record["tracks"][list(destination.tracks)] = 1
    record["velocity"] = destination.velocity
    for (track, synth), packets in destination.packets.items():
        record["routes"][track, synth_id(synth)] = len(store.packets), len(packets)
        for packet in packets:
            store.add(packet)
