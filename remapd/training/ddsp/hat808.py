"""Twin of the 808 hi-hat, `remapd.synth.hat808`."""

from __future__ import annotations

import torch
from torch import Tensor

from remapd.dsp.noise import density_gain
from remapd.training.ddsp.biquad import band_pass, db_amplitude, high_pass
from remapd.training.ddsp.envelope import burst, decay_envelope
from remapd.training.ddsp.squares import squares


def render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """Twin, as `remapd.training.ddsp.twin.Twin` describes it, of values (hits, 10)."""
    ratio, metal_ms, noise_ms, centre_hz, centre_q, cutoff_hz, cutoff_q, metal_db, noise_db, drive_db = values.unbind(1)
    metal_level = db_amplitude(metal_db + drive_db)[:, None] * decay_envelope(metal_ms, frames, sample_rate)
    hiss = burst(noise, noise_ms, db_amplitude(noise_db + drive_db) * density_gain(sample_rate), sample_rate)
    source = metal_level * squares(ratio, frames, sample_rate) + hiss
    band = band_pass(source, centre_hz, centre_q, sample_rate)
    return torch.tanh(high_pass(band, cutoff_hz, cutoff_q, sample_rate))
