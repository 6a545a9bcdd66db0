"""Twin of the 808 hi-hat, `remapd.synth.hat808`."""

from __future__ import annotations

import torch
from torch import Tensor

from remapd.dsp.noise import density_gain
from remapd.dsp.squares import EDGE_HZ, FREQUENCIES_HZ, HIGHEST_EDGE, START_TURNS
from remapd.training.ddsp.biquad import band_pass, db_amplitude, high_pass
from remapd.training.ddsp.envelope import decay_envelope
from remapd.training.ddsp.oscillator import sin_turns


def squares(ratio: Tensor, frames: int, sample_rate: float) -> Tensor:
    """Sum of the six square waves of `remapd.dsp.squares`, from their start.

    Parameters
    ----------
    ratio : Tensor, shape (hits,)
        Factor on their frequencies.
    frames : int
        Length.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor, shape (hits, frames)
    """
    index = torch.arange(frames, dtype=ratio.dtype, device=ratio.device)
    edge_hz = min(EDGE_HZ, HIGHEST_EDGE * sample_rate)
    total = torch.zeros(len(ratio), frames, dtype=ratio.dtype, device=ratio.device)
    for base_hz, start_turns in zip(FREQUENCIES_HZ, START_TURNS, strict=True):
        frequency_hz = ratio[:, None] * base_hz
        sine = sin_turns(start_turns + frequency_hz / sample_rate * index)
        total = total + torch.erf(0.5 * edge_hz / frequency_hz * sine)
    return total


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
    ratio, metal_ms, noise_ms, centre_hz, centre_q, cutoff_hz, cutoff_q, metal_db, noise_db, drive_db = values.unbind(1)
    metal_level = db_amplitude(metal_db + drive_db)[:, None] * decay_envelope(metal_ms, frames, sample_rate)
    noise_level = db_amplitude(noise_db + drive_db)[:, None] * decay_envelope(noise_ms, frames, sample_rate)
    hiss = density_gain(sample_rate) * noise_level * noise
    source = metal_level * squares(ratio, frames, sample_rate) + hiss
    band = band_pass(source, centre_hz, centre_q, sample_rate)
    return torch.tanh(high_pass(band, cutoff_hz, cutoff_q, sample_rate))
