"""Hits from their bytes, several times as fast as by way of NumPy: what is read here is just about to be played."""

from __future__ import annotations

import struct
from typing import Any

from remapd.engine.events import HitEvent
from remapd.engine.layout import EVENT, HIT
from remapd.features.descriptors import FEATURES
from remapd.synth.registry import SYNTHS

_CODES = {"i": "q", "u": "Q", "f": "d"}


def _places() -> tuple[struct.Struct, dict[str, int], dict[str, slice]]:
    """How a record is unpacked, and where its numbers and arrays then are."""
    text, count, singles, arrays = "=", 0, {}, {}
    fields: Any = EVENT.fields
    for name in EVENT.names or ():
        dtype = fields[name][0]
        length = dtype.shape[0] if dtype.shape else 1
        singles[name], arrays[name] = count, slice(count, count + length)
        text += f"{length}{_CODES[dtype.base.kind]}"
        count += length
    return struct.Struct(text), singles, arrays


_RECORD, _AT, _SPAN = _places()
assert _RECORD.size == EVENT.itemsize  # Eight bytes each, and nothing in between.
_SYNTHS = [(synth.name, synth.table.names) for synth in SYNTHS.values()]


def hit_of(data: bytes) -> HitEvent | None:
    """The hit that is in a record, as `decode` gives it; None if it is no hit, or nothing that we know."""
    if len(data) != _RECORD.size:
        return None
    found = _RECORD.unpack(data)
    synth = found[_AT["synth"]]
    if found[_AT["kind"]] != HIT or not 0 <= synth < len(_SYNTHS):
        return None
    name, names = _SYNTHS[synth]
    sample_rate = found[_AT["sample_rate"]]
    return HitEvent(
        track=found[_AT["track"]],
        onset_s=found[_AT["onset_frame"]] / sample_rate,
        decided_s=found[_AT["decided_frame"]] / sample_rate,
        trigger_s=found[_AT["trigger_frame"]] / sample_rate,
        features=dict(zip(FEATURES.names, found[_SPAN["features"]], strict=True)),
        scaled=list(found[_SPAN["scaled"]]),
        modulation=dict(zip(names, found[_SPAN["modulation"]], strict=False)),
        values=dict(zip(names, found[_SPAN["values"]], strict=False)),
        level_db=found[_AT["level_db"]],
        floor_db=found[_AT["floor_db"]],
        strength_db=found[_AT["strength_db"]],
        synth=name,
        block_ns=found[_AT["block_ns"]],
        published_ns=found[_AT["published_ns"]],
        sequence=found[_AT["sequence"]],
        onset_ns=found[_AT["onset_ns"]],
    )
