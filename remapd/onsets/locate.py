"""Where exactly, in samples, a detected hit began."""

from __future__ import annotations

from typing import Any

from remapd.dsp.kernel import compiled
from remapd.onsets.bands import RECENT_FRAMES

_MASK = RECENT_FRAMES - 1
#: A hit begins where it first exceeds its own peak less 30 dB, and what was there before by half.
_PART_OF_PEAK = 10.0 ** (-30.0 / 20.0)
_OVER_BACKGROUND = 1.5
_BACKGROUND_S, _BEFORE_S, _AFTER_S = 0.002, 0.0015, 0.001


@compiled
def locate(recent: Any, heard: int, frame: int, sample_rate: float) -> int:
    """Absolute frame at which the hit began whose rise was seen before absolute frame `frame`.

    `heard` is the first frame not heard yet; `recent` is the ring of the frames before it.
    """
    first = frame - int(_BEFORE_S * sample_rate)
    background = _peak(recent, first - int(_BACKGROUND_S * sample_rate), first)
    peak = _peak(recent, first, min(heard, frame + int(_AFTER_S * sample_rate)))
    threshold = max(peak * _PART_OF_PEAK, background * _OVER_BACKGROUND)
    for at in range(max(first, 0), frame):
        if abs(recent[at & _MASK]) > threshold:
            return at
    return frame


@compiled
def _peak(recent: Any, start: int, stop: int) -> float:
    peak = 0.0
    for at in range(max(start, 0), stop):
        peak = max(peak, abs(recent[at & _MASK]))
    return peak
