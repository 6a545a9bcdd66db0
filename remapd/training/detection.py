"""Hits of a recording, found and measured as the engine does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from remapd.audio.ending import FADE_S, fade_from
from remapd.features.descriptors import N_FEATURES, FeatureSpec, measure_array
from remapd.onsets.decision import REASONS, SETTLING
from remapd.onsets.detector import step_frames
from remapd.onsets.trace import Candidate, analyse
from remapd.training.recording import Recording

Samples = NDArray[np.float32]

#: Silence put before a recording that begins on a hit; more than the detector takes to settle by default.
_LEAD_S = 0.2
#: A hit that begins later is not the one that a sample begins on.
_START_S = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class Detection:
    """What was found in a recording.

    Parameters
    ----------
    onset_frames : ndarray of int64, shape (hits,)
        Frames of the recording at which hits begin, ascending.
    onset_features : ndarray, shape (hits, 7)
        In the order and units of `remapd.features.descriptors.FEATURES`.
    rejected : tuple of Candidate
        What was no hit, in the order of time.
    """

    onset_frames: NDArray[np.int64]
    onset_features: NDArray[np.float64]
    rejected: tuple[Candidate, ...]


def find_hits(recording: Recording, spec: FeatureSpec, values: Mapping[str, float] | None = None) -> Detection:
    """Hits exactly as the engine finds them; or the one of a sample that begins on its onset.

    As in a render, the recording ends in a short fade. At the start of a stream the detector needs more strength than a
    sample of a single hit has; so what has no hit there, and no more than one later, is heard once more, with silence
    before it.

    Parameters
    ----------
    recording : Recording
        One channel.
    spec : FeatureSpec
        Window of the onset features.
    values : mapping of str to float, optional
        Parameters of the detector that differ from their defaults.

    Raises
    ------
    FieldError
        If a parameter does not fit.
    """
    rate, sound = recording.sample_rate, _with_ending(recording)
    candidates = _heard(sound, rate, values)
    if _is_sample(candidates):
        candidates = _heard_after_silence(sound, rate, values)
    candidates = [one for one in candidates if one.onset_s < recording.duration_s]
    frames = np.array([round(one.onset_s * rate) for one in candidates if one.accepted], np.int64)
    return Detection(frames, _features(sound, rate, frames, spec), tuple(one for one in candidates if not one.accepted))


def _with_ending(recording: Recording) -> Samples:
    fade = fade_from(recording.samples[-1:], round(FADE_S * recording.sample_rate))
    return np.concatenate([recording.samples, fade[:, 0]])


def _heard(sound: Samples, rate: int, values: Mapping[str, float] | None) -> list[Candidate]:
    return list(analyse(sound, rate, values).candidates)


def _is_sample(candidates: list[Candidate]) -> bool:
    """Whether there may be a hit at the start that was turned down, and little else."""
    accepted = [one.onset_s for one in candidates if one.accepted]
    settling = any(one.reason == REASONS[SETTLING] for one in candidates)
    return settling and len(accepted) <= 1 and min(accepted, default=np.inf) > _START_S


def _heard_after_silence(sound: Samples, rate: int, values: Mapping[str, float] | None) -> list[Candidate]:
    step = step_frames(rate)
    lead = step * round(_LEAD_S * rate / step)  # Whole steps, so that these lie as they did.
    late_s = lead / rate
    heard = _heard(np.concatenate([np.zeros(lead, np.float32), sound]), rate, values)
    return [replace(one, onset_s=max(0.0, one.onset_s - late_s), decided_s=one.decided_s - late_s) for one in heard]


def _features(sound: Samples, rate: int, onsets: NDArray[np.int64], spec: FeatureSpec) -> NDArray[np.float64]:
    features = np.empty((len(onsets), N_FEATURES))
    lead, length = spec.pre_roll_frames(rate), spec.window_frames(rate)
    for row, onset in zip(features, onsets, strict=True):
        first = onset - lead
        window = sound[max(0, first) : first + length]
        row[:] = measure_array(np.concatenate([np.zeros(max(0, -first)), window]), rate, spec)
    return features
