"""Twin of the 808 hand clap, `remapd.synth.clap808`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from remapd.dsp.bursts import ATTACK_MS, DECAY_OCTAVES, MOST_BURSTS
from remapd.dsp.noise import density_gain
from remapd.training.ddsp.biquad import band_pass, db_amplitude
from remapd.training.ddsp.envelope import burst

#: In so many decay times (of 60 dB) a burst has fallen by 360 dB, below what a sum in double precision can hold.
_DECAYS_TO_NOTHING = 6.0


def burst_envelope(
    count: Tensor, spacing_ms: Tensor, spread: Tensor, decay_ms: Tensor, frames: int, sample_rate: float
) -> Tensor:
    """Envelope of `remapd.dsp.bursts` from rest, differentiable in the number and the times of the bursts too.

    Parameters
    ----------
    count, spacing_ms, spread, decay_ms : Tensor, shape (hits,)
        Number of bursts, first gap in ms, growth of the gaps as a part of the first, decay to -60 dB in ms.
    frames : int
        Length.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    starts_ms = [spacing_ms * (k + spread * (0.5 * k * (k - 1))) for k in range(MOST_BURSTS)]
    over_ms = float((starts_ms[-1] + ATTACK_MS + _DECAYS_TO_NOTHING * decay_ms).max().detach())
    sounding = min(frames, math.ceil(over_ms * sample_rate / 1000.0))
    time_ms = torch.arange(sounding, dtype=count.dtype, device=count.device) * (1000.0 / sample_rate)
    total = torch.zeros(len(count), sounding, dtype=count.dtype, device=count.device)
    for k, start_ms in enumerate(starts_ms):
        total = total + (count - k).clamp(0.0, 1.0)[:, None] * _burst(time_ms - start_ms[:, None], decay_ms)
    return torch.nn.functional.pad(total, (0, frames - sounding))


def _burst(since_ms: Tensor, decay_ms: Tensor) -> Tensor:
    inside = (since_ms / ATTACK_MS).clamp(0.0, 1.0)
    nepers = math.log(2.0) * DECAY_OCTAVES * (since_ms - ATTACK_MS).clamp(min=0.0) / decay_ms[:, None]
    return inside * inside * (3.0 - 2.0 * inside) * torch.exp(-nepers)


def render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """Twin, as `remapd.training.ddsp.twin.Twin` describes it, of values (hits, 10)."""
    count, spacing_ms, spread, burst_ms, tail_ms, centre_hz, q, bursts_db, tail_db, drive_db = values.unbind(1)
    drive = density_gain(sample_rate) * db_amplitude(drive_db)
    level = burst_envelope(count, spacing_ms, spread, burst_ms, frames, sample_rate)
    hands = (drive * db_amplitude(bursts_db))[:, None] * level * noise
    room = burst(noise, tail_ms, drive * db_amplitude(tail_db), sample_rate)
    return torch.tanh(band_pass(hands + room, centre_hz, q, sample_rate))
