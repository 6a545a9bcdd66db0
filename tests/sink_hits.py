"""Made-up hits for the tests of sinks."""

from __future__ import annotations

from typing import Any

from remapd.engine.events import HitEvent
from remapd.features.descriptors import FEATURES
from remapd.synth.registry import SYNTHS


def medium_hit(synth: str = "snare808", track: int = 0, place: float = 0.5, **changes: Any) -> HitEvent:
    """A hit whose features and values lie at a place, 0..1, of their ranges."""
    table = SYNTHS[synth].table
    fields: dict[str, Any] = {
        "track": track,
        "onset_s": 12.25,
        "decided_s": 12.254,
        "trigger_s": 12.256,
        "features": {f.name: f.from_position(place) for f in FEATURES},
        "scaled": [place] * len(FEATURES),
        "modulation": dict.fromkeys(table.names, 2.0 * place - 1.0),
        "values": {p.name: p.from_position(place) for p in table},
        "level_db": -20.0,
        "floor_db": -70.0,
        "strength_db": 30.0,
        "synth": synth,
        **changes,
    }
    return HitEvent(block_ns=0, published_ns=0, **fields)
