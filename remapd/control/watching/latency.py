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
    if event.published_ns and read_ns:
        stages["watching"] = 1e-6 * max(0, read_ns - event.published_ns)
    return {stage: stages[stage] for stage in STAGES if stage in stages}


def _with_device(decided_ms: float, playing: Playing) -> dict[str, float]:
    before, after = 1e3 * playing.stream.input_latency_s, 1e3 * playing.stream.output_latency_s
    return {"input": before, "output": after, "sound": before + decided_ms + after}
