"""What a packet is for a hit: the slow way, byte for byte what the native sender sends."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import numpy as np

from remapd.engine.events import HitEvent
from remapd.osc.timetag import IMMEDIATELY
from remapd.sinks.wire.packet import Field, Packet, Patch, Source


def render(packet: Packet, hit: HitEvent, number: int, velocity: float, onset_ntp_s: float = 0.0) -> bytes:
    """Give the bytes of a packet for a hit.

    Parameters
    ----------
    packet : Packet
        Made for the hit's track and synthesiser.
    hit : HitEvent
        The hit.
    number : int
        Which one it is on this sink, from 1.
    velocity : float
        Its velocity, 0..1.
    onset_ntp_s : float
        When its onset was, in s since 1900; 0 if that is not known, and then a time tag asks for no delay.
    """
    data = bytearray(packet.data)
    for patch in packet.patches:
        x = _source(patch, hit, number, velocity, onset_ntp_s)
        content = _FIELDS[patch.field](_scaled(patch, x))
        if patch.source == Source.ONSET_NTP_S and x <= 0.0:
            content = IMMEDIATELY.to_bytes(8)
        data[patch.position : patch.position + len(content)] = content
    return bytes(data)


def _source(patch: Patch, hit: HitEvent, number: int, velocity: float, onset_ntp_s: float) -> float:
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
        Source.ONSET_NTP_S: onset_ntp_s,
    }
    return float(single[patch.source])


def _scaled(patch: Patch, x: float) -> float:
    if patch.modulo > 0:
        x = math.fmod(x, patch.modulo)
    if patch.log_of > 0.0:
        x = math.log(max(x, patch.log_of) / patch.log_of)
    return patch.offset + patch.scale * x


def _whole(form: str, bits: int) -> Callable[[float], bytes]:
    """Round to the nearest whole number, to the even one of two, and clip; no number is 0."""
    largest = 2 ** (bits - 1) - 1

    def write(x: float) -> bytes:
        if math.isnan(x):
            return struct.pack(form, 0)
        return struct.pack(form, round(min(max(x, -largest - 1.0), float(largest))) if abs(x) < largest else _end(x))

    def _end(x: float) -> int:
        return largest if x > 0.0 else -largest - 1

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
