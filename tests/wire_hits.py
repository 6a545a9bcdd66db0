"""Hits for the sender without an engine: written into an event ring as the audio callback does."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.engine import rings
from remapd.engine.layout import EVENT, HIT
from remapd.engine.wake import Wake
from remapd.synth.registry import SYNTHS


def random_event(seed: int = 0, track: int = 0, synth: str = "snare808", **changes: Any) -> Any:
    """An EVENT record with numbers of the size that they have, not yet published."""
    rng = np.random.default_rng(seed)
    event = np.zeros(1, EVENT)[0]
    event["kind"], event["track"], event["synth"] = HIT, track, list(SYNTHS).index(synth)
    event["sample_rate"] = 48000.0
    event["onset_frame"] = rng.integers(0, 10**9)
    event["trigger_frame"] = event["onset_frame"] + 256
    event["level_db"], event["floor_db"], event["strength_db"] = rng.uniform(-60, 0, 3)
    event["features"] = rng.uniform(-60, 60, event["features"].shape)
    event["scaled"] = rng.uniform(0, 1, event["scaled"].shape)
    event["modulation"] = rng.uniform(-1, 1, event["modulation"].shape)
    table = SYNTHS[synth].table
    event["values"][: len(table)] = [rng.uniform(p.minimum, p.maximum) for p in table]
    event["onset_ns"] = time.monotonic_ns() - 6_000_000
    for name, value in changes.items():
        event[name] = value
    return event


@compiled
def _publish(shared, events):
    for i in range(len(events)):
        slot = rings.open_event(shared)
        shared.events[slot] = events[i]
        shared.events[slot].sequence[0] = -1
        rings.publish_event(shared, slot)


def publish(shared: Any, wake: Wake, *events: Any) -> None:
    """Publish events, now if they do not say when, and wake whoever waits for them."""
    records = np.array(list(events), EVENT)
    records["published_ns"][records["published_ns"] == 0] = time.monotonic_ns()
    _publish(shared, records)
    wake.signal()
