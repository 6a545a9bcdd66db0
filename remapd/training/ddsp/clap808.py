"""Twin of the 808 hand clap, `remapd.synth.clap808`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from remapd.dsp.bursts import ATTACK_MS, DECAY_OCTAVES, MOST_BURSTS
from remapd.dsp.noise import density_gain
from remapd.training.ddsp.biquad import band_pass, db_amplitude
from remapd.training.ddsp.envelope import decay_envelope


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
    time_ms = torch.arange(frames, dtype=count.dtype, device=count.device) * (1000.0 / sample_rate)
    total = torch.zeros(len(count), frames, dtype=count.dtype, device=count.device)
    for k in range(MOST_BURSTS):
        start_ms = spacing_ms * (k + spread * (0.5 * k * (k - 1)))
        total = total + (count - k).clamp(0.0, 1.0)[:, None] * _burst(time_ms - start_ms[:, None], decay_ms)
    return total


def _burst(since_ms: Tensor, decay_ms: Tensor) -> Tensor:
    inside = (since_ms / ATTACK_MS).clamp(0.0, 1.0)
    nepers = math.log(2.0) * DECAY_OCTAVES * (since_ms - ATTACK_MS).clamp(min=0.0) / decay_ms[:, None]
    return inside * inside * (3.0 - 2.0 * inside) * torch.exp(-nepers)


def render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """Render hits from rest.

    Parameters
    ----------
    values : Tensor, shape (hits, 10)
        Parameters in the synth table's order and units.
    frames : int
        Length of each hit.
    sample_rate : float
        In Hz.
    noise : Tensor, shape (frames,)
        Noise in -1..1, the same for all hits.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    count, spacing_ms, spread, burst_ms, tail_ms, centre_hz, q, bursts_db, tail_db, drive_db = values.unbind(1)
    drive = density_gain(sample_rate) * db_amplitude(drive_db)
    burst = burst_envelope(count, spacing_ms, spread, burst_ms, frames, sample_rate)
    tail = decay_envelope(tail_ms, frames, sample_rate)
    level = drive[:, None] * (db_amplitude(bursts_db)[:, None] * burst + db_amplitude(tail_db)[:, None] * tail)
    return torch.tanh(band_pass(level * noise, centre_hz, q, sample_rate))
