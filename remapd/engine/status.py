"""Meters and counts of a running engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from remapd.onsets.detector import REASONS
from remapd.units import gain_to_db


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A snapshot; durations in microseconds, levels in dB, times in seconds.

    Durations come from a histogram with bins of 1 us: a percentile is the upper edge of its bin.
    """

    sample_rate: float
    seconds: float
    block_frames: int
    callbacks: int
    xruns: int
    non_finite: int
    hits: list[int]
    hits_dropped: int
    rejected: dict[str, int]
    callback_us_p50: float
    callback_us_p99: float
    callback_us_max: float
    load: float
    last_callback_ns: int
    peak_db: tuple[float, float]
    limiter_db: float
    track_peak_db: list[float]
    track_signal_db: list[float]
    track_signal_peak_db: list[float]
    track_rejected: list[dict[str, int]]


def read_status(shared: Any) -> EngineStatus:
    """Take a snapshot from the shared block."""
    status, tracks = shared["status"], int(shared["mailbox"]["tracks"])
    rate = float(status["sample_rate"])
    histogram = np.array(status["callback_us"])
    block = int(status["block_frames"])
    p50 = _percentile(histogram, 0.5)
    return EngineStatus(
        sample_rate=rate,
        seconds=int(status["frames"]) / rate if rate else 0.0,
        block_frames=block,
        callbacks=int(status["callbacks"]),
        xruns=int(status["xruns"]),
        non_finite=int(status["non_finite"]),
        hits=[int(x) for x in status["hits"][:tracks]],
        hits_dropped=int(status["hits_dropped"]),
        rejected=_by_reason(status["rejected"][:tracks].sum(axis=0)),
        callback_us_p50=p50,
        callback_us_p99=_percentile(histogram, 0.99),
        callback_us_max=int(status["callback_ns_max"]) / 1000.0,
        load=p50 * rate / (1e6 * block) if block else 0.0,
        last_callback_ns=int(status["last_callback_ns"]),
        peak_db=(gain_to_db(status["peak"][0]), gain_to_db(status["peak"][1])),
        limiter_db=gain_to_db(status["limiter_gain"]),
        track_peak_db=[gain_to_db(x) for x in status["track_peak"][:tracks]],
        track_signal_db=[float(x) for x in status["track_signal_db"][:tracks]],
        track_signal_peak_db=[float(x) for x in status["track_signal_peak_db"][:tracks]],
        track_rejected=[_by_reason(counts) for counts in status["rejected"][:tracks]],
    )


def _by_reason(counts: Any) -> dict[str, int]:
    return {reason: int(n) for reason, n in zip(REASONS[1:], counts[1:], strict=False)}


def _percentile(histogram: Any, fraction: float) -> float:
    total = int(histogram.sum())
    if total == 0:
        return 0.0
    return float(np.searchsorted(np.cumsum(histogram), fraction * total) + 1)
