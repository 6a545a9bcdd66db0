"""Events and meters for tests of what shows them."""

from __future__ import annotations

from typing import Any

from remapd.engine.events import HitEvent, RejectedEvent
from remapd.engine.status import EngineStatus
from remapd.synth.registry import SYNTHS


def hit(onset_s: float, modulation: dict[str, float] | None = None, **changes: Any) -> HitEvent:
    table = SYNTHS["snare808"].table
    values: dict[str, Any] = {
        "track": 0,
        "onset_s": onset_s,
        "decided_s": onset_s + 0.003,
        "trigger_s": onset_s + 0.005,
        "features": {"loudness_db": -20.5, "centroid_st": 85.0, "flatness_db": -70.0},
        "scaled": [0.5, 0.5, 0.5],
        "modulation": dict.fromkeys(table.names, 0.0) | (modulation or {}),
        "values": table.mapping(table.default),
        "level_db": -20.0,
        "floor_db": -70.0,
        "strength_db": 20.0,
        "synth": "snare808",
        "block_ns": 0,
        "published_ns": 0,
    }
    return HitEvent(**(values | changes))


def rejected(time_s: float) -> RejectedEvent:
    return RejectedEvent(0, time_s, time_s + 0.003, "masked", -40.0, -70.0, 1.0)


def status(**changes: Any) -> EngineStatus:
    values: dict[str, Any] = {
        "sample_rate": 48000.0,
        "seconds": 3.21,
        "block_frames": 64,
        "callbacks": 1000,
        "xruns": 0,
        "non_finite": 0,
        "hits": [7],
        "hits_dropped": 0,
        "rejected": {"below floor": 3, "masked": 0},
        "callback_us_p50": 9.0,
        "callback_us_p99": 14.0,
        "callback_us_max": 60.0,
        "load": 0.0068,
        "last_callback_ns": 0,
        "peak_db": (-8.0, -9.0),
        "limiter_db": 0.0,
        "track_peak_db": [-20.0],
        "track_signal_db": [-40.0],
        "track_signal_peak_db": [0.0],
        "track_rejected": [{"below floor": 3, "masked": 0}],
    }
    return EngineStatus(**(values | changes))
