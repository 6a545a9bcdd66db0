"""A hit that nobody played, for people who want to hear whether a sink is wired right."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from remapd.engine.layout import EVENT, HIT
from remapd.synth.registry import SYNTHS

_MIDDLE = 0.5


def medium_hit(shared: Any, track: int) -> Any:
    """An EVENT record of middling loudness that plays a track's preset as it is.

    Parameters
    ----------
    shared : SHARED record
        Of the engine.
    track : int
        From 0.
    """
    event = np.zeros(1, EVENT)[0]
    wanted = shared["mailbox"]["track"][track]
    program = shared["programs"][track, max(0, min(1, int(wanted["program"])))]
    outputs = int(program["outputs"])
    now_ns = time.monotonic_ns()
    event["kind"], event["track"] = HIT, track
    event["synth"] = min(max(0, int(program["synth"])), len(SYNTHS) - 1)
    event["block_ns"] = event["published_ns"] = event["onset_ns"] = now_ns
    event["sample_rate"] = float(shared["status"]["sample_rate"]) or 1.0
    for frame in ("onset_frame", "decided_frame", "trigger_frame"):
        event[frame] = int(shared["status"]["frames"])
    event["scaled"] = _MIDDLE
    event["features"] = _MIDDLE * (program["scaler"]["minimum"] + program["scaler"]["maximum"])
    event["values"] = _values(wanted, program, outputs)
    event["level_db"], event["floor_db"], event["strength_db"] = -20.0, -80.0, 20.0
    return event


def _values(wanted: Any, program: Any, outputs: int) -> Any:
    values = program["minimum"] + wanted["base"] * (program["maximum"] - program["minimum"])
    values[outputs:] = 0.0
    return values
