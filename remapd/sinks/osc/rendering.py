"""What a packet is for a hit: the slow way, byte for byte what the native sender sends."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import numpy as np

from remapd.engine.events import HitEvent
from remapd.osc.timetag import IMMEDIATELY
from remapd.sinks.wire.packet import Field, Packet, Patch, Source

#: From 1900, where time tags begin, to 1970.
_NTP_EPOCH_S = 2_208_988_800.0


def render(packet: Packet, hit: HitEvent, number: int, velocity: float, clock: int = 0) -> bytes:
    """Give the bytes of a packet for a hit.

    Parameters
    ----------
    packet : Packet
        Made for the hit's track and synthesiser.
    hit : HitEvent
        The hit. If its onset has no time on the clock, a time tag asks for no delay.
    number : int
        Which one it is on this sink, from 1.
    velocity : float
        Its velocity, 0..1.
    clock : int
        How far the clock of time tags, ns since 1970, is ahead of the host's monotonic one.
    """
    data = bytearray(packet.data)
    for patch in packet.patches:
        if patch.source == Source.ONSET_NTP_S and hit.onset_ns == 0:
            content = IMMEDIATELY.to_bytes(8)
        else:
            content = _FIELDS[patch.field](_scaled(patch, _source(patch, hit, number, velocity, clock)))
        data[patch.position : patch.position + len(content)] = content
    return bytes(data)


def _source(patch: Patch, hit: HitEvent, number: int, velocity: float, clock: int) -> float:
    tables = {
        Source.FEATURE: hit.features.values(),
        Source.SCALED: hit.scaled,
        Source.MODULATION: hit.modulation.values(),
        Source.VALUE: hit.values.values(),
    }
    if patch.source in tables:
        return list(tables[patch.source])[patch.index]
    single = {
        Source.VELOCITY: velocity,
        Source.TRACK: hit.track + 1,
        Source.HIT: number,
        Source.ONSET_S: hit.onset_s,
        Source.TRIGGER_S: hit.trigger_s,
        Source.LEVEL_DB: hit.level_db,
        Source.FLOOR_DB: hit.floor_db,
        Source.STRENGTH_DB: hit.strength_db,
        Source.ONSET_NTP_S: (hit.onset_ns + clock) * 1e-9 + _NTP_EPOCH_S,
    }
    return float(single[patch.source])


def _scaled(patch: Patch, x: float) -> float:
    if patch.modulo > 0:
        x = math.fmod(x, patch.modulo)
    if patch.log_of > 0.0:
        x = math.log(max(x, patch.log_of) / patch.log_of)
    return patch.offset + patch.scale * x


def _whole(form: str, bits: int) -> Callable[[float], bytes]:
    """Round to the nearest whole number, to the even one of two, and clip; what is no number is 0."""
    pack, end = struct.Struct(form).pack, 1 << (bits - 1)

    def write(x: float) -> bytes:
        if math.isnan(x):
            return pack(0)
        clipped = min(max(x, -float(end)), float(end))
        return pack(min(round(clipped), end - 1))

    return write


def _float32(x: float) -> bytes:
    with np.errstate(over="ignore"):
        return np.array(x).astype(">f4").tobytes()


def _time_tag(ntp_s: float) -> bytes:
    return (int(ntp_s * 2.0**32) % 2**64).to_bytes(8)


_FIELDS: dict[Field, Callable[[float], bytes]] = {
    Field.INT32: _whole(">i", 32),
    Field.FLOAT32: _float32,
    Field.INT64: _whole(">q", 64),
    Field.FLOAT64: struct.Struct(">d").pack,
    Field.TIME_TAG: _time_tag,
}
