"""Limits of the sample rate, and conversions between the units used in interfaces and those used inside blocks."""

from __future__ import annotations

import math

#: Rates between which a drum can still be told from its neighbours and memory stays bounded.
MIN_SAMPLE_RATE_HZ = 8000
MAX_SAMPLE_RATE_HZ = 384000


def db_to_gain(level_db: float) -> float:
    """Amplitude ratio of a level in dB."""
    return float(10.0 ** (level_db / 20.0))


def gain_to_db(gain: float, floor_db: float = -120.0) -> float:
    """Level in dB of an amplitude ratio, not below `floor_db`."""
    return max(floor_db, 20.0 * math.log10(gain)) if gain > 0.0 else floor_db


def ms_to_frames(time_ms: float, sample_rate: float) -> int:
    """Whole frames nearest to a time in ms."""
    return round(time_ms * sample_rate / 1000.0)
