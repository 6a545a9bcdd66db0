"""Where the time of a hit goes: one row for each stage, from all clicks that were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from remapd.engine.events import HitEvent
from remapd.latency.arrivals import LONGEST_S, arrival
from remapd.latency.clicks import Clicks
from remapd.latency.probe import CLICK_CHANNEL, SOUND_CHANNEL, Probe

#: What each stage is, in the order of the signal; times in ms.
STAGES: Mapping[str, str] = {
    "device": "input and output buffers and converters: a click out, through the loop, and in again",
    "window": "from the click's arrival until the sound that answers it begins",
    "sound": "device and window together: from the stick to the loudspeaker, as a player feels it",
    "loop": "the same, measured: the synthesiser's sound through the second cable, after the click",
    "onset error": "reported onset against the click's true arrival; not a delay, but how far OSC time tags are off",
    "compute": "from the start of the block to the strike; it happens within the output buffer and adds nothing",
    "wire": "from the strike until an OSC packet is at another socket of this machine",
}

#: A hit this far from its click is another's.
_NEAR_S = 0.05


@dataclass(frozen=True)
class Row:
    """One stage over all clicks, in ms.

    Parameters
    ----------
    stage : str
        One of `STAGES`.
    count : int
        Clicks that it was measured on.
    p50, p99, maximum : float
        Of the times.
    jitter : float
        Between the 1st and the 99th percentile.
    """

    stage: str
    count: int
    p50: float
    p99: float
    maximum: float
    jitter: float


def row(stage: str, times_ms: Sequence[float]) -> Row:
    """Sum up the times of one stage."""
    low, middle, high = np.percentile(times_ms, (1.0, 50.0, 99.0))
    return Row(stage, len(times_ms), float(middle), float(high), float(np.max(times_ms)), float(high - low))


def click_arrivals(clicks: Clicks, probe: Probe) -> dict[int, int]:
    """Frame at which each click came in, by its number; those that did not are left out."""
    heard = probe.heard[:, CLICK_CHANNEL]
    found = {}
    for number, frame in enumerate(clicks.frames):
        near = heard[frame : frame + len(clicks.click) + round(LONGEST_S * clicks.sample_rate)]
        place = arrival(clicks.click, near)
        if place is not None:
            found[number] = int(frame) + place
    return found


def stages_ms(
    clicks: Clicks, probe: Probe, arrivals: Mapping[int, int], hits: Sequence[HitEvent], received_ns: Mapping[int, int]
) -> dict[str, list[float]]:
    """Times of all stages in ms.

    Parameters
    ----------
    clicks, probe
        What was played and heard.
    arrivals : mapping
        As `click_arrivals` gives it.
    hits : sequence of HitEvent
        All that the engine heard, in their order.
    received_ns : mapping
        When the packet of a hit came in, on the monotonic clock, by the hit's number from 1.
    """
    rate, times = clicks.sample_rate, {stage: [] for stage in STAGES}  # type: tuple[float, dict[str, list[float]]]
    around = second_cable(clicks, probe)
    for click, frame in arrivals.items():
        device_ms = 1e3 * (frame - int(clicks.frames[click])) / rate
        times["device"].append(device_ms)
        number = _nearest(hits, frame / rate)
        if number is None:
            continue
        hit = hits[number]
        window_ms = 1e3 * (hit.trigger_s - frame / rate)
        times["window"].append(window_ms)
        times["sound"].append(device_ms + window_ms)
        times["onset error"].append(1e3 * (hit.onset_s - frame / rate))
        times["compute"].append(1e-6 * (hit.published_ns - hit.block_ns))
        if around is not None:
            times["loop"].append(window_ms + 1e3 * around / rate)
        if number + 1 in received_ns:
            times["wire"].append(1e-6 * (received_ns[number + 1] - hit.published_ns))
    return {stage: values for stage, values in times.items() if values}


def second_cable(clicks: Clicks, probe: Probe) -> int | None:
    """Frames from the engine's output through the second cable and in again; None if there is no such cable."""
    length = round(LONGEST_S * clicks.sample_rate)
    played, heard = probe.played, probe.heard[:, SOUND_CHANNEL]
    return arrival(played[:-length], heard) if len(played) > length else None


def _nearest(hits: Sequence[HitEvent], time_s: float) -> int | None:
    """Place of the hit that is nearest to a time, if one is near."""
    near = min(range(len(hits)), key=lambda place: abs(hits[place].onset_s - time_s), default=None)
    return near if near is not None and abs(hits[near].onset_s - time_s) < _NEAR_S else None
