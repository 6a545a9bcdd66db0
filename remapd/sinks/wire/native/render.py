"""A hit as a packet: the bytes that never change, and its numbers in their places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.features.descriptors import FEATURES
from remapd.sinks.velocity import TABLE_SIZE
from remapd.sinks.wire.packet import Field, Source

_FEATURE, _SCALED, _MODULATION, _VALUE = map(int, (Source.FEATURE, Source.SCALED, Source.MODULATION, Source.VALUE))
_VELOCITY, _TRACK, _HIT = map(int, (Source.VELOCITY, Source.TRACK, Source.HIT))
_ONSET_S, _TRIGGER_S, _ONSET_NTP_S = map(int, (Source.ONSET_S, Source.TRIGGER_S, Source.ONSET_NTP_S))
_LEVEL_DB, _FLOOR_DB, _STRENGTH_DB = map(int, (Source.LEVEL_DB, Source.FLOOR_DB, Source.STRENGTH_DB))
_INT32, _FLOAT32, _INT64, _FLOAT64, _TIME_TAG = map(int, Field)

_LOUDNESS = FEATURES.index("loudness_db")
_STEPS = TABLE_SIZE - 1
#: From 1900, where time tags begin, to 1970.
EPOCH_S = 2208988800.0
#: A time tag that means: now.
IMMEDIATELY = 1
_INT32_MAX, _INT64_MAX = 2147483647.0, 9223372036854775807.0


@compiled
def velocity_of(curve: Any, event: Any) -> float:
    """The loudness of a hit through a curve of `TABLE_SIZE` points."""
    loudness = event.scaled[_LOUDNESS]
    place = _STEPS * (min(1.0, loudness) if loudness > 0.0 else 0.0)
    i = min(_STEPS - 1, int(place))
    return curve[i] + (place - i) * (curve[i + 1] - curve[i])


@compiled
def render(
    out: Any, packet: Any, patches: Any, data: Any, event: Any, number: int, velocity: float, offset_ns: int
) -> None:
    """Write one packet into `out`.

    Parameters
    ----------
    out : array of bytes
    packet : PACKET record
    patches, data : arrays
        Of the whole plan.
    event : EVENT record
    number : int
        Of the hit on this sink, from 1.
    velocity : float
        0..1.
    offset_ns : int
        Wall clock less monotonic clock.
    """
    for i in range(packet.size):
        out[i] = data[packet.first_byte + i]
    for i in range(packet.patches):
        patch = patches[packet.first_patch + i]
        if patch.source == _ONSET_NTP_S and event.onset_ns == 0:
            _put(out, patch.position, 8, IMMEDIATELY)
        else:
            _write(out, patch, _value(patch, event, number, velocity, offset_ns))


@compiled
def _value(patch: Any, event: Any, number: int, velocity: float, offset_ns: int) -> float:
    x = _source(patch, event, number, velocity, offset_ns)
    if patch.modulo > 0:
        x = np.fmod(x, float(patch.modulo))
    if patch.log_of > 0.0:
        x = math.log(max(x, patch.log_of) / patch.log_of)
    return patch.offset + patch.scale * x


@compiled
def _source(patch: Any, event: Any, number: int, velocity: float, offset_ns: int) -> float:
    source = patch.source
    if source <= _VALUE:
        return _of_table(source, event, patch.index)
    if source == _VELOCITY:
        return velocity
    if source == _TRACK:
        return event.track + 1.0
    if source == _HIT:
        return float(number)
    if source == _ONSET_S:
        return event.onset_frame / event.sample_rate
    if source == _TRIGGER_S:
        return event.trigger_frame / event.sample_rate
    if source == _ONSET_NTP_S:
        return (event.onset_ns + offset_ns) * 1e-9 + EPOCH_S
    return _level(source, event)


@compiled
def _of_table(source: int, event: Any, index: int) -> float:
    if source == _FEATURE:
        return event.features[index]
    if source == _SCALED:
        return event.scaled[index]
    if source == _MODULATION:
        return event.modulation[index]
    return event.values[index]


@compiled
def _level(source: int, event: Any) -> float:
    if source == _LEVEL_DB:
        return event.level_db
    if source == _FLOOR_DB:
        return event.floor_db
    return event.strength_db


@compiled
def _write(out: Any, patch: Any, value: float) -> None:
    field, position = patch.field, patch.position
    if field == _FLOAT32:
        _put(out, position, 4, np.int64(np.float32(value).view(np.int32)))
    elif field == _INT32:
        _put(out, position, 4, _whole(value, -_INT32_MAX - 1.0, _INT32_MAX))
    elif field == _INT64:
        _put(out, position, 8, _whole(value, -_INT64_MAX, _INT64_MAX))
    elif field == _FLOAT64:
        _put(out, position, 8, np.float64(value).view(np.int64))
    else:
        whole = math.floor(value)
        _put(out, position, 4, int(whole))
        _put(out, position + 4, 4, int((value - whole) * 4294967296.0))


@compiled
def _whole(value: float, minimum: float, maximum: float) -> Any:
    """To the nearest whole number, half to even, within a range; 0 for what is no number."""
    if value >= maximum:
        return np.int64(2147483647) if maximum == _INT32_MAX else np.int64(9223372036854775807)
    if value <= minimum:
        return np.int64(-2147483648) if maximum == _INT32_MAX else np.int64(-9223372036854775808)
    return np.int64(np.rint(value)) if value == value else np.int64(0)


@compiled
def _put(out: Any, position: int, size: int, word: Any) -> None:
    """The last bytes of a word, highest first."""
    for i in range(size):
        out[position + i] = (word >> (8 * (size - 1 - i))) & 0xFF
