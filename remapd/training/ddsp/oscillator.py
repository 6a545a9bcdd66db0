"""The swept sine of `remapd.dsp.oscillator`, differentiable."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.dsp.oscillator import HIGHEST_FREQUENCY
from remapd.training.ddsp.compiled import has_kernel, run_rows
from remapd.training.ddsp.envelope import attack_frames, decay_nepers, reference_decay_envelope
from remapd.training.kernels import oscillator as kernel


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
    if not has_kernel(frequency_hz, sweep, sweep_decay_ms, decay_ms, amplitude):
        return reference_swept_sine(frequency_hz, sweep, sweep_decay_ms, decay_ms, amplitude, frames, sample_rate)
    scalars = swept_sine_scalars(frequency_hz, sweep, sweep_decay_ms, decay_ms, amplitude, sample_rate)
    return _SweptSine.apply(attack_frames(sample_rate), frames, *scalars)  # type: ignore[no-any-return,no-untyped-call]


def swept_sine_scalars(
    frequency_hz: Tensor, sweep: Tensor, sweep_decay_ms: Tensor, decay_ms: Tensor, amplitude: Tensor, sample_rate: float
) -> tuple[Tensor, ...]:
    """What the kernel takes: the frequency in turns a frame, the sweep, the nepers of both decays and the amplitude."""
    held_hz, held_sweep = tuned(frequency_hz, sweep, sample_rate)
    nepers = decay_nepers(sweep_decay_ms, sample_rate), decay_nepers(decay_ms, sample_rate)
    return held_hz / sample_rate, held_sweep, *nepers, amplitude


def reference_swept_sine(
    frequency_hz: Tensor,
    sweep: Tensor,
    sweep_decay_ms: Tensor,
    decay_ms: Tensor,
    amplitude: Tensor,
    frames: int,
    sample_rate: float,
) -> Tensor:
    """What `swept_sine` is, in plain PyTorch."""
    held_hz, held_sweep = tuned(frequency_hz, sweep, sample_rate)
    above = held_sweep[:, None] * reference_decay_envelope(sweep_decay_ms, frames, sample_rate)
    level = amplitude[:, None] * reference_decay_envelope(decay_ms, frames, sample_rate)
    return level * sin_turns(phase_turns(held_hz[:, None] * (1.0 + above), sample_rate))


class _SweptSine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, attack: int, frames: int, *scalars: Tensor) -> Tensor:
        ctx.save_for_backward(*scalars)
        ctx.attack = attack
        out = scalars[0].new_empty(len(scalars[0]), frames)
        run_rows(kernel.forward, len(out), *scalars, attack, out)
        return out

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        scalars = ctx.saved_tensors
        derivatives = gradient.new_empty(len(scalars), len(gradient))
        run_rows(kernel.backward, len(gradient), gradient, *scalars, ctx.attack, derivatives)
        return None, None, *derivatives
