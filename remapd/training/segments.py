"""The sound of a single hit, cut out of a recording for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remapd.features.descriptors import FeatureSpec
from remapd.training.long_term import FRAME, HOP, SOUND_FRAMES, TRAINING_RATE_HZ, TRANSIENT_FRAMES
from remapd.training.recording import Recording
from remapd.training.resample import resampled_piece

Samples = NDArray[np.float32]

#: Length of the fade-out before the next hit, in frames of the training rate; less where little sound is left.
FADE_FRAMES = 1024
_SHORTEST_FADE_FRAMES = 64
#: Fewest frames that have to be whole: those of the transient features and of one frame of the sustain.
LEAST_FRAMES = FRAME + TRANSIENT_FRAMES * HOP

# A clipped wave stands still at full scale; a loud low tone that just reaches it does so for less long.
_FULL_SCALE = 0.99
_CLIPPED_S, _CLIPPED_FRAMES = 9e-5, 4


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """Sound of one hit.

    Parameters
    ----------
    sound : ndarray of float32, shape (SOUND_FRAMES,)
        At `TRAINING_RATE_HZ`, from the spec's pre-roll before the onset.
    whole_frames : int
        How many of its frames are the recording's own: up to the fade-out or the end of the recording.
    clipped : bool
        Whether the wave stands still at full scale in it.
    """

    sound: Samples
    whole_frames: int
    clipped: bool


def cut_segment(recording: Recording, onset: int, following: int | None, spec: FeatureSpec) -> Segment:
    """Cut out the hit that begins at frame `onset`; the next one begins at frame `following`.

    The sound is faded out before the next hit begins. Where `Segment.whole_frames` is less than `LEAST_FRAMES`, too
    little is left to learn from.
    """
    rate = recording.sample_rate
    first = onset - spec.pre_roll_frames(rate)
    sound = resampled_piece(recording.samples, rate, first, SOUND_FRAMES)
    whole = min(SOUND_FRAMES, _training_frames(len(recording.samples) - first, rate))
    if following is not None:
        whole = min(whole, _faded(sound, _training_frames(following - onset, rate)))
    end = len(recording.samples) if following is None else following
    return Segment(sound, whole, is_clipped(recording.samples[onset:end], rate))


def is_clipped(samples: Samples, sample_rate: int) -> bool:
    """Whether a wave stands still at full scale for as long as only a clipped one does."""
    run = max(_CLIPPED_FRAMES, round(_CLIPPED_S * sample_rate))
    still = (samples[1:] == samples[:-1]) & (np.abs(samples[1:]) >= _FULL_SCALE)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    return bool(len(edges) and np.max(edges[1::2] - edges[::2]) >= run - 1)


def _training_frames(frames: int, sample_rate: int) -> int:
    return frames * TRAINING_RATE_HZ // sample_rate


def _faded(sound: Samples, end: int) -> int:
    """Fade a sound out before frame `end`, in place; returns the frame at which the fade begins."""
    if end >= len(sound):
        return len(sound)
    start = max(0, min(end - _SHORTEST_FADE_FRAMES, max(end - FADE_FRAMES, LEAST_FRAMES)))
    shape = 0.5 + 0.5 * np.cos(np.pi * np.arange(end - start) / (end - start))
    sound[start:end] *= shape.astype(np.float32)
    sound[end:] = 0.0
    return start
