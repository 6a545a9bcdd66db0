"""Whether there is enough to learn from, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from remapd.errors import TrainingDataError
from remapd.features.descriptors import FEATURES
from remapd.offline.no_hits import explain_no_hits
from remapd.offline.render_job import RenderSummary
from remapd.onsets.decision import NOT_SUSTAINED, REASONS, RESTLESS, TOO_WEAK
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.training.dataset import NEXT_TOO_SOON, HitSet
from remapd.training.long_term import SOUND_FRAMES, TRAINING_RATE_HZ

#: What training needs at least.
LEAST_HITS, LEAST_RANGE_DB = 16, 6.0

# In drums there are at most twice as many rises that were no hits as there are hits; in speech and music 25 times.
_MOST_NO_HITS = 6.0
_NO_HITS = tuple(REASONS[code] for code in (NOT_SUSTAINED, TOO_WEAK, RESTLESS))
_MOST_CLIPPED = 0.5


@dataclass(frozen=True, slots=True)
class HitReport:
    """What was found in recordings.

    Parameters
    ----------
    recordings, hits : int
        Counts.
    duration_s : float
        Length of all recordings.
    drums : dict of str to int
        Hits by drum.
    ranges : dict of str to (float, float)
        Least and greatest of each onset feature, by name, in its unit; empty if there are no hits.
    ringing_out : int
        Hits that are not cut short by the next one or by the end of the recording.
    clipped : int
        Hits whose wave stands still at full scale.
    rejected : dict of str to int
        What is not among the hits, by reason, most frequent first.
    non_finite : int
        Samples that were infinite or no numbers and became silence.
    skipped : dict of str to str
        Files that were passed over, by path, and why.
    warnings : list of str
        What a person should know before training.
    """

    recordings: int
    hits: int
    duration_s: float
    drums: dict[str, int]
    ranges: dict[str, tuple[float, float]]
    ringing_out: int
    clipped: int
    rejected: dict[str, int]
    non_finite: int
    skipped: dict[str, str]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return asdict(self)

    @property
    def text(self) -> str:
        """Give it as lines for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        files = _counted(self.recordings, "recording")
        yield f"{_counted(self.hits, 'hit')} in {files} of {self.duration_s:.1f} s, {self.ringing_out} ring out"
        if len(self.drums) > 1:
            yield "by drum: " + _listed(self.drums)
        for name, (low, high) in self.ranges.items():
            parameter = FEATURES[name]
            yield f"{name.rpartition('_')[0]} {low:.1f} to {high:.1f} {parameter.unit}, a range of {high - low:.1f}"
        if self.rejected:
            yield "not taken: " + _listed(self.rejected)
        if self.skipped:
            path, reason = next(iter(self.skipped.items()))
            yield f"passed over: {_counted(len(self.skipped), 'file')}, as {path} ({reason})"
        yield from (f"warning: {warning}" for warning in self.warnings)


def hit_report(hits: HitSet) -> HitReport:
    """Summarise what was found."""
    features = hits.onset_features
    drums = Counter({read.drum: 0 for read in hits.recordings})
    drums.update(origin.drum for origin in hits.origins)
    ranges = {name: (float(column.min()), float(column.max())) for name, column in _columns(hits)} if len(hits) else {}
    return HitReport(
        recordings=len(hits.recordings),
        hits=len(features),
        duration_s=sum(read.duration_s for read in hits.recordings),
        drums=dict(drums),
        ranges=ranges,
        ringing_out=int(np.count_nonzero(hits.horizon_s >= SOUND_FRAMES / TRAINING_RATE_HZ)),
        clipped=_clipped(hits),
        rejected=dict(Counter(one.reason for one in hits.rejected).most_common()),
        non_finite=sum(read.non_finite for read in hits.recordings),
        skipped={str(one.path): one.reason for one in hits.skipped},
        warnings=list(_warnings(hits)),
    )


def check_material(hits: HitSet) -> None:
    """Refuse what nothing can be learnt from.

    Raises
    ------
    TrainingDataError
        If there are fewer than `LEAST_HITS` hits, if they span less than `LEAST_RANGE_DB` of loudness, if many times
        more sounds rise but are no strokes, or if most hits are clipped. It says what was found and what to do.
    """
    problem = _unlike_drums(hits) or _too_few(hits) or _too_uniform(hits) or _too_loud(hits)
    if problem:
        raise TrainingDataError(f"{_where(hits)}: {problem}")


def _unlike_drums(hits: HitSet) -> str:
    reasons = Counter(one.reason for one in hits.rejected)
    others = {reason: reasons[reason] for reason in _NO_HITS if reasons[reason]}
    if not len(hits) or sum(others.values()) <= _MOST_NO_HITS * max(LEAST_HITS / 2, _heard(hits)):
        return ""
    return (
        f"does not sound like drums: {_counted(len(hits), 'hit')} among {sum(others.values())} other sounds "
        f"({_listed(others)}); name a recording of single strokes, or another channel"
    )


def _too_few(hits: HitSet) -> str:
    if len(hits) >= LEAST_HITS:
        return ""
    if not len(hits) and not _left_out(hits):
        return f"{_no_hits(hits)}; {LEAST_HITS} hits are needed"
    found = f"only {_counted(len(hits), 'hit')}, and {LEAST_HITS} are needed"
    if _left_out(hits) > len(hits):
        return f"{found}: {_left_out(hits)} more are left out as the next comes too soon; play slower"
    on = ONSET_PARAMETERS["on_threshold_db"]
    advice = f"play longer, half a minute or more, or lower onset.on_threshold_db ({on.default:g}) if hits are missed"
    rejected = f" ({len(hits.rejected)} rejected: {_listed(_reasons(hits))})" if hits.rejected else ""
    return f"{found}{rejected}; {advice}"


def _too_uniform(hits: HitSet) -> str:
    low, high = hits.loudness_db.min(), hits.loudness_db.max()
    if high - low >= LEAST_RANGE_DB:
        return ""
    return (
        f"the {len(hits)} hits span only {high - low:.1f} dB of loudness ({low:.1f} to {high:.1f} dB), and "
        f"{LEAST_RANGE_DB:g} dB are needed; play from as soft to as loud as you will on stage, with no compressor"
    )


def _too_loud(hits: HitSet) -> str:
    clipped = _clipped(hits)
    if clipped <= _MOST_CLIPPED * len(hits):
        return ""
    return f"{clipped} of {len(hits)} hits are clipped; turn the input down and record again"


def _no_hits(hits: HitSet) -> str:
    """Explain it as a render does, from the loudest recording."""
    loudest = max(hits.recordings, key=lambda read: max(read.channel_peaks, default=0.0))
    reasons = Counter(one.reason for one in hits.rejected)
    summary = RenderSummary(
        hits=0,
        rejected=len(hits.rejected),
        duration_s=loudest.duration_s,
        missing_s=0.0,
        elapsed_s=0.0,
        sample_rate=loudest.sample_rate,
        non_finite=0,
        dropped=0,
        channels=(loudest.channel,),
        channel_peaks=loudest.channel_peaks,
        reasons=reasons,
    )
    return explain_no_hits(summary)


def _warnings(hits: HitSet) -> Iterator[str]:
    if clipped := _clipped(hits):
        yield f"{clipped} of {len(hits)} hits are clipped; with less input gain the loudest would differ"
    needed_hz = 2.0 * hits.spec.bandwidth_hz
    for rate in sorted({read.sample_rate for read in hits.recordings if read.sample_rate < needed_hz}):
        yield f"at {rate} Hz there is nothing above {rate / 2000:g} kHz; live, the same drum sounds brighter"
    if non_finite := sum(read.non_finite for read in hits.recordings):
        yield f"{_counted(non_finite, 'sample')} infinite or no number, silenced"
    for read in hits.recordings:
        if read.missing_s > 0.0:
            yield f"{read.path} ends {read.missing_s:.2f} s earlier than its header says"
    if _left_out(hits) > len(hits):
        yield f"{_left_out(hits)} hits are left out, as the next comes too soon"


def _columns(hits: HitSet) -> Iterator[tuple[str, Any]]:
    return zip(FEATURES.names, hits.onset_features.T, strict=True)


def _clipped(hits: HitSet) -> int:
    return sum(origin.clipped for origin in hits.origins)


def _left_out(hits: HitSet) -> int:
    return sum(one.reason == NEXT_TOO_SOON for one in hits.rejected)


def _heard(hits: HitSet) -> int:
    return len(hits) + _left_out(hits)


def _reasons(hits: HitSet) -> dict[str, int]:
    return dict(Counter(one.reason for one in hits.rejected).most_common())


def _where(hits: HitSet) -> str:
    return str(hits.recordings[0].path) if len(hits.recordings) == 1 else f"{len(hits.recordings)} recordings"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
