"""Why a render found no hits, in a line."""

from __future__ import annotations

from remapd.audio.file import MIX
from remapd.offline.render_job import RenderSummary
from remapd.onsets.decision import REASONS, SETTLING
from remapd.units import gain_to_db

_SETTLING_ADVICE = " (a file that begins on a hit needs --set onset.settle_ms=0)"
#: A channel that stays below is told as silent.
_SILENT_DB = -90.0
#: Another channel is worth a hint if it is louder by this.
_MUCH_LOUDER_DB = 6.0


def explain_no_hits(summary: RenderSummary) -> str:
    """Name what was heard and the likeliest reason: another channel is louder, or why candidates were turned down."""
    peaks_db = [gain_to_db(peak) for peak in summary.channel_peaks]
    if MIX in summary.channels:
        heard, heard_db = "the loudest channel of the mix", max(peaks_db)
    else:
        channel = max(summary.channels, key=lambda channel: peaks_db[channel])
        heard, heard_db = f"channel {channel + 1}", peaks_db[channel]
    state = "is silent" if heard_db < _SILENT_DB else f"peaks at {heard_db:.0f} dBFS"
    return f"no hits: {heard} {state}{_reason(summary, peaks_db, heard_db)}"


def _reason(summary: RenderSummary, peaks_db: list[float], heard_db: float) -> str:
    loudest = max(range(len(peaks_db)), key=peaks_db.__getitem__)
    if peaks_db[loudest] > max(heard_db, _SILENT_DB) + _MUCH_LOUDER_DB:
        return f"; channel {loudest + 1} peaks at {peaks_db[loudest]:.0f} dBFS: --channel {loudest + 1}"
    if summary.reasons:
        reason, count = max(summary.reasons.items(), key=lambda item: item[1])
        advice = _SETTLING_ADVICE if reason == REASONS[SETTLING] else ""
        return f"; candidates rejected: {count} of {summary.rejected} as {reason}{advice}"
    return "; nothing in it rises fast enough to be a stroke" if heard_db >= _SILENT_DB else ""
