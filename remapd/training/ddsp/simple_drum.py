"""Twin of the simple drum, `remapd.synth.simple_drum`."""

from __future__ import annotations

import torch
from torch import Tensor

from remapd.dsp.noise import density_gain
from remapd.training.ddsp.biquad import db_amplitude
from remapd.training.ddsp.envelope import decay_envelope
from remapd.training.ddsp.oscillator import swept_sine


def render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """Twin, as `remapd.training.ddsp.twin.Twin` describes it, of values (hits, 8)."""
    hz, sweep, sweep_ms, tone_ms, noise_ms, noise_db, drive_db, gain_db = values.unbind(dim=1)
    tone = swept_sine(hz, sweep, sweep_ms, tone_ms, db_amplitude(drive_db), frames, sample_rate)
    hiss = (
        (density_gain(sample_rate) * db_amplitude(noise_db + drive_db))[:, None]
        * decay_envelope(noise_ms, frames, sample_rate)
        * noise
    )
    return db_amplitude(gain_db)[:, None] * torch.tanh(tone + hiss)
