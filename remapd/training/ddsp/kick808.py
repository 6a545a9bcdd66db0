"""Twin of the 808 kick, `remapd.synth.kick808`."""

from __future__ import annotations

import torch
from torch import Tensor

from remapd.dsp.noise import density_gain
from remapd.synth.kick808 import CLICK_Q
from remapd.training.ddsp.biquad import db_amplitude, low_pass
from remapd.training.ddsp.envelope import decay_envelope
from remapd.training.ddsp.oscillator import phase_turns, sin_turns


def render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """Twin, as `remapd.training.ddsp.twin.Twin` describes it, of values (hits, 10)."""
    hz, punch, drop, punch_ms, body_ms, click_ms, cutoff_hz, click_db, drive_db, gain_db = values.unbind(dim=1)
    fade = decay_envelope(body_ms, frames, sample_rate)
    sweep = punch[:, None] * decay_envelope(punch_ms, frames, sample_rate) + drop[:, None] * fade
    body = db_amplitude(drive_db)[:, None] * fade * sin_turns(phase_turns(hz[:, None] * (1.0 + sweep), sample_rate))
    burst = (
        (density_gain(sample_rate) * db_amplitude(click_db + drive_db))[:, None]
        * decay_envelope(click_ms, frames, sample_rate)
        * noise
    )
    click = low_pass(burst, cutoff_hz, torch.full_like(cutoff_hz, CLICK_Q), sample_rate)
    return db_amplitude(gain_db)[:, None] * torch.tanh(body + click)
