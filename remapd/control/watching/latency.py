"""Where the time of a hit goes, stage by stage, from the stick to the loudspeaker and to whoever watches."""

from __future__ import annotations

from collections.abc import Mapping

from remapd.engine.events import Event, HitEvent
from remapd.engine_process import Playing

#: What each stage is, in the order of the signal; each is in ms.
STAGES: Mapping[str, str] = {
    "input": "what the device says it needs to hand over the input",
    "detection": "from the onset to the decision that it is a hit",
    "window": "from the decision to the end of the window that is measured",
    "output": "what the device says it needs to play the output",
    "sound": "from the stick to the sound: the stages above together",
    "processing": "from the start of the block to the strike, within the audio callback",
    "rendered": "from the strike to the end of the audio callback that plays it",
    "wire": "from the strike until its first OSC packet was handed to the network",
    "midi": "from the strike until its first note was handed to the MIDI driver",
    "watching": "from the strike to the control process, which watches",
}


def stages_ms(event: Event, playing: Playing | None, read_ns: int = 0) -> dict[str, float]:
    """Time in ms that a hit spent in each stage; of a rejected candidate there is only the detection.

    Parameters
    ----------
    event : HitEvent or RejectedEvent
        What the engine told.
    playing : Playing, optional
        The device; without it what it adds is not known, and neither is the whole.
    read_ns : int
        When the event was read, in ns of the monotonic clock; 0 if that does not matter.
    """
    if not isinstance(event, HitEvent):
        return {"detection": 1e3 * (event.decided_s - event.time_s)}
    stages = {
        "detection": 1e3 * (event.decided_s - event.onset_s),
        "window": 1e3 * (event.trigger_s - event.decided_s),
    }
    if playing is not None:
        stages |= _with_device(1e3 * (event.trigger_s - event.onset_s), playing)
    if event.published_ns:
        stages["processing"] = 1e-6 * (event.published_ns - event.block_ns)
        stages |= _since_strike(event, read_ns)
    return {stage: stages[stage] for stage in STAGES if stage in stages}


def _since_strike(event: HitEvent, read_ns: int) -> dict[str, float]:
    """Stages that the hit has been through."""
    reached = {"rendered": event.rendered_ns, "wire": event.sent_ns, "midi": event.midi_ns, "watching": read_ns}
    return {stage: 1e-6 * max(0, when - event.published_ns) for stage, when in reached.items() if when}


def _with_device(decided_ms: float, playing: Playing) -> dict[str, float]:
    before, after = 1e3 * playing.stream.input_latency_s, 1e3 * playing.stream.output_latency_s
    return {"input": before, "output": after, "sound": before + decided_ms + after}
