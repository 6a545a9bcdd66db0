"""What a watcher is told, as plain values for JSON; tracks are counted from 1, as everywhere in the tree."""

from __future__ import annotations

from typing import Any

from remapd.control.watching.latency import stages_ms
from remapd.engine.events import Event, HitEvent
from remapd.engine.status import EngineStatus
from remapd.engine_process import Playing

#: What can be chosen, and what each brings.
TOPICS = {
    "hits": "each hit with features, modulation, values and latency",
    "rejected": "each candidate that was not taken for a hit, and why",
    "meters": "levels of tracks and output, load and late blocks, at the chosen rate",
    "signal": "the detection signal of each track, at the chosen rate",
    "changes": "values of the tree as they change, what comes and goes in it, and actions",
    "jobs": "progress of training",
    "recordings": "progress of recordings",
    "notices": "lines for people",
    "device": "the audio device that plays, or that none does",
    "xruns": "late blocks as they happen",
    "library": "models and presets that came, changed or went",
    "midi": "MIDI ports, and learning of MIDI controls",
    "sinks": "where hits are sent: what sinks there are, and how each fares, once a second",
}
#: Which topic a piece of news belongs to.
NEWS_TOPICS = {
    "action": "changes",
    "job": "jobs",
    "recording": "recordings",
    "notice": "notices",
    "device": "device",
    "xrun": "xruns",
    "library": "library",
    "midi": "midi",
    "midi_learn": "midi",
    "sink": "sinks",
    "sinks": "sinks",
}


def event_message(event: Event, playing: Playing | None, read_ns: int = 0) -> dict[str, Any]:
    """Describe a hit or a rejected candidate.

    Parameters
    ----------
    event : HitEvent or RejectedEvent
        What the engine told.
    playing : Playing, optional
        The device, which adds its share to the latency.
    read_ns : int
        When the event was read, in ns of the monotonic clock.
    """
    message: dict[str, Any] = {
        "type": "hit" if isinstance(event, HitEvent) else "rejected",
        **event.as_dict(),
        "level_db": event.level_db,
        "floor_db": event.floor_db,
        "strength_db": event.strength_db,
        "latency_ms": {stage: round(ms, 3) for stage, ms in stages_ms(event, playing, read_ns).items()},
    }
    message["track"] = event.track + 1
    if isinstance(event, HitEvent):
        message["synth"] = event.synth
    return message


def meters_message(status: EngineStatus) -> dict[str, Any]:
    """Levels in dBFS, the share of the time that the callback takes, and faults so far."""
    return {
        "type": "meters",
        "seconds": round(status.seconds, 3),
        "output_db": _rounded(status.peak_db),
        "limiter_db": round(status.limiter_db, 2),
        "track_db": _rounded(status.track_peak_db),
        "load": round(status.load, 5),
        "xruns": status.xruns,
        "hits": status.hits,
    }


def signal_message(status: EngineStatus) -> dict[str, Any]:
    """Tell the peak of the detection signal of each track in dB, to be held against the thresholds in the tree."""
    return {"type": "signal", "signal_db": _rounded(status.track_signal_peak_db)}


def _rounded(levels_db: tuple[float, ...] | list[float]) -> list[float]:
    return [round(level, 2) for level in levels_db]
