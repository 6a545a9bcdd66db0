"""The swept sine of `remapd.dsp.oscillator`, differentiable."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from remapd.dsp.oscillator import HIGHEST_FREQUENCY
from remapd.training.ddsp.envelope import decay_envelope


def phase_turns(frequency_hz: Tensor, sample_rate: float) -> Tensor:
    """Phase at each sample, in turns: the sum of the frequencies of all samples before it, which starts at 0.

    Parameters
    ----------
    frequency_hz : Tensor, shape (hits, frames)
        In Hz.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    advanced = torch.cumsum(frequency_hz / sample_rate, dim=1)
    return torch.nn.functional.pad(advanced[:, :-1], (1, 0))


def sin_turns(phase: Tensor) -> Tensor:
    """Sine of an angle in turns."""
    return torch.sin(2.0 * math.pi * phase)


def tuned(frequency_hz: Tensor, sweep: Tensor, sample_rate: float) -> tuple[Tensor, Tensor]:
    """Hold the frequency at rest and that at the top of the sweep at `HIGHEST_FREQUENCY` of the rate."""
    highest_hz = HIGHEST_FREQUENCY * sample_rate
    held_hz = frequency_hz.clamp(max=highest_hz)
    return held_hz, torch.minimum(sweep, highest_hz / held_hz - 1.0)


def swept_sine(
    frequency_hz: Tensor,
    sweep: Tensor,
    sweep_decay_ms: Tensor,
    decay_ms: Tensor,
    amplitude: Tensor,
    frames: int,
    sample_rate: float,
) -> Tensor:
    """Decaying sine from rest with the frequency ``frequency_hz (1 + sweep e)``; `e` is an envelope as well.

    Parameters
    ----------
    frequency_hz : Tensor, shape (hits,)
        Frequency at rest, in Hz.
    sweep : Tensor, shape (hits,)
        Ratio by which the frequency is higher at the top of its envelope.
    sweep_decay_ms, decay_ms : Tensor, shape (hits,)
        Decay to -60 dB of the frequency's and of the level's envelope, in ms.
    amplitude : Tensor, shape (hits,)
        Peak amplitude.
    frames : int
        Length.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    held_hz, held_sweep = tuned(frequency_hz, sweep, sample_rate)
    swept_hz = held_hz[:, None] * (1.0 + held_sweep[:, None] * decay_envelope(sweep_decay_ms, frames, sample_rate))
    level = amplitude[:, None] * decay_envelope(decay_ms, frames, sample_rate)
    return level * sin_turns(phase_turns(swept_hz, sample_rate))
