"""The clicks that are played: short drum strokes, at times that no echo and no rhythm can be mistaken for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Silence before the first click, in which the detector learns what silence is, and after the last.
LEAD_S, TAIL_S = 0.5, 0.5
#: Between clicks: the mean, and how much less or more it may be.
_INTERVAL_S, _JITTER_S = 0.3, 0.06
_CLICK_S = 0.06
_DECAY_S = 0.012
_PITCH_HZ = 220.0
_PEAK = 0.5


@dataclass(frozen=True)
class Clicks:
    """Sound to be played, and where its clicks begin.

    Parameters
    ----------
    samples : ndarray of float32
        Mono.
    click : ndarray of float32
        One click.
    frames : ndarray of int
        First frame of each click in `samples`.
    sample_rate : float
        In Hz.
    """

    samples: NDArray[np.float32]
    click: NDArray[np.float32]
    frames: NDArray[np.int64]
    sample_rate: float


def make_clicks(count: int, sample_rate: float, seed: int = 0) -> Clicks:
    """Make `count` clicks; the same for the same seed."""
    random = np.random.default_rng(seed)
    gaps_s = _INTERVAL_S + random.uniform(-_JITTER_S, _JITTER_S, count)
    frames = np.round((LEAD_S + np.cumsum(gaps_s) - gaps_s[0]) * sample_rate).astype(np.int64)
    click = _click(sample_rate, random)
    samples = np.zeros(frames[-1] + round(TAIL_S * sample_rate), np.float32)
    for frame in frames:
        samples[frame : frame + len(click)] = click
    return Clicks(samples, click, frames, sample_rate)


def _click(sample_rate: float, random: np.random.Generator) -> NDArray[np.float32]:
    """A stroke with a sharp beginning: noise and a pitch that die away together."""
    time_s = np.arange(round(_CLICK_S * sample_rate)) / sample_rate
    sound = random.uniform(-1.0, 1.0, len(time_s)) + np.cos(2.0 * np.pi * _PITCH_HZ * time_s)
    sound *= np.exp(-time_s / _DECAY_S)
    return (_PEAK * sound / np.abs(sound).max()).astype(np.float32)
