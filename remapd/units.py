"""Conversions between the units used in interfaces and those used inside blocks."""

from __future__ import annotations

import math

REFERENCE_PITCH_HZ = 440.0
REFERENCE_PITCH_ST = 69.0


def db_to_gain(level_db: float) -> float:
    """Amplitude ratio of a level in dB."""
    return float(10.0 ** (level_db / 20.0))


def gain_to_db(gain: float, floor_db: float = -120.0) -> float:
    """Level in dB of an amplitude ratio, not below `floor_db`."""
    return max(floor_db, 20.0 * math.log10(gain)) if gain > 0.0 else floor_db


def ms_to_frames(time_ms: float, sample_rate: float) -> int:
    """Whole frames nearest to a time in ms."""
    return round(time_ms * sample_rate / 1000.0)


def frames_to_seconds(frames: float, sample_rate: float) -> float:
    """Time in seconds of a count of frames."""
    return frames / sample_rate


def hz_to_semitones(frequency_hz: float) -> float:
    """Pitch in semitones on the MIDI scale (69 is 440 Hz)."""
    return 12.0 * math.log2((frequency_hz + 1e-8) / REFERENCE_PITCH_HZ) + REFERENCE_PITCH_ST
