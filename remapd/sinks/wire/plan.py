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
from remapd.sinks.velocity import TABLE_SIZE
from remapd.sinks.wire.native.layout import (
    DESTINATION,
    MAX_DESTINATIONS,
    PACKET,
    PATCH,
    Framing,
)
from remapd.sinks.wire.packet import MAX_PACKET_BYTES, Field, Packet, Patch, Source
from remapd.synth.base import MAX_SYNTH_PARAMETERS
from remapd.synth.registry import SYNTHS, synth_id

_WIDTHS = {Field.INT32: 4, Field.FLOAT32: 4, Field.INT64: 8, Field.FLOAT64: 8, Field.TIME_TAG: 8}
_TABLE_LENGTHS = {
    Source.FEATURE: len(FEATURES),
    Source.SCALED: len(FEATURES),
    Source.MODULATION: MAX_SYNTH_PARAMETERS,
    Source.VALUE: MAX_SYNTH_PARAMETERS,
}
_STRAIGHT = np.linspace(0.0, 1.0, TABLE_SIZE)
#: Memory of all packets of a plan together.
MAX_PLAN_BYTES = 256 * 1024 * 1024


class Routes:
    """Packets of one destination as arrays, made once; plans put them one behind the other.

    Parameters
    ----------
    packets : mapping of (int, str) to sequence of Packet
        For each track, from 0, and name of a synth.

    Raises
    ------
    FieldError
        If a packet is too long or has a number outside of it.
    """

    def __init__(self, packets: Mapping[tuple[int, str], Sequence[Packet]]) -> None:
        self.table = np.zeros((MAX_TRACKS, len(SYNTHS), 2), np.int32)
        rows: list[tuple[int, ...]] = []
        patches: list[tuple[float, ...]] = []
        data = bytearray()
        for (track, synth), made in packets.items():
            self.table[track, synth_id(synth)] = len(rows), len(made)
            for packet in made:
                if len(packet.data) > MAX_PACKET_BYTES:
                    raise FieldError("packet", f"at most {MAX_PACKET_BYTES} bytes", len(packet.data))
                rows.append((len(data), len(packet.data), len(patches), len(packet.patches)))
                patches += [_patch(patch, len(packet.data)) for patch in packet.patches]
                data += packet.data
        self.packets, self.patches = np.array(rows, PACKET), np.array(patches, PATCH)
        self.data = np.frombuffer(bytes(data), np.uint8)


_NO_ROUTES = Routes({})


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
    routes : Routes
        Packets by track and synth; none where `framing` is `RECORD`.
    velocity : array of float
        Velocity at `TABLE_SIZE` loudnesses from 0 to 1.
    """

    id: str
    socket: socket.socket | None
    framing: Framing = Framing.DATAGRAM
    tracks: tuple[int, ...] = tuple(range(MAX_TRACKS))
    routes: Routes = _NO_ROUTES
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
        If there are too many, or their packets take too much memory.
    """

    def __init__(self, destinations: Sequence[Destination], channels: Sequence[tuple[int, int]]) -> None:
        if len(destinations) > MAX_DESTINATIONS:
            raise FieldError("sinks", f"at most {MAX_DESTINATIONS}", len(destinations))
        self.sources = tuple(destinations)
        routes = [destination.routes for destination in destinations]
        self.data = _joined([one.data for one in routes], np.dtype(np.uint8))
        self.patches = _joined([one.patches for one in routes], PATCH)
        self.packets = _joined([one.packets for one in routes], PACKET)
        if self.data.nbytes + self.patches.nbytes > MAX_PLAN_BYTES:
            raise FieldError("sinks", f"packets that take {MAX_PLAN_BYTES} bytes at most together", self.data.nbytes)
        self.destinations = np.zeros(len(destinations), DESTINATION)
        packet = patch = byte = 0
        for record, destination, (channel, connection) in zip(self.destinations, destinations, channels, strict=True):
            record["channel"], record["connection"] = channel, connection
            _describe(record, destination)
            one = destination.routes
            record["routes"] = one.table
            record["routes"][..., 0] += packet
            self.packets["first_byte"][packet : packet + len(one.packets)] += byte
            self.packets["first_patch"][packet : packet + len(one.packets)] += patch
            packet, patch, byte = packet + len(one.packets), patch + len(one.patches), byte + len(one.data)

    def place(self, identifier: str) -> int | None:
        """Place of a destination in the plan."""
        return next((i for i, destination in enumerate(self.sources) if destination.id == identifier), None)

    def write(self, record: Any) -> None:
        """Fill in a PLAN record."""
        for name in ("destinations", "packets", "patches", "data"):
            record[name] = getattr(self, name).ctypes.data
        record["count"], record["data_size"] = len(self.destinations), len(self.data)
        record["packet_count"], record["patch_count"] = len(self.packets), len(self.patches)


def _joined(arrays: Sequence[NDArray[Any]], kind: np.dtype[Any]) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, kind), *arrays])


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


def _describe(record: Any, destination: Destination) -> None:
    """Fill in where a destination is and what it listens to."""
    record["descriptor"] = -1 if destination.socket is None else destination.socket.fileno()
    record["framing"] = destination.framing
    record["tracks"][list(destination.tracks)] = 1
    record["velocity"] = destination.velocity
