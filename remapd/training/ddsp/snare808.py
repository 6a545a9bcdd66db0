"""Twin of the 808 snare, `remapd.synth.snare808`."""

from __future__ import annotations

import torch
from torch import Tensor

from remapd.training.ddsp.biquad import db_amplitude, high_pass
from remapd.training.ddsp.envelope import burst
from remapd.training.ddsp.oscillator import swept_sine


def render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """Render hits from rest.

    Parameters
    ----------
    values : Tensor, shape (hits, 14)
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
    hz_1, sweep_1, hz_2, sweep_2, sweep_ms, ms_1, ms_2, noise_ms, cutoff_hz, q, *levels_db = values.unbind(dim=1)
    drive_db = levels_db.pop()
    amplitude_1, amplitude_2, noise_amplitude = (db_amplitude(level_db + drive_db) for level_db in levels_db)
    tone = swept_sine(hz_1, sweep_1, sweep_ms, ms_1, amplitude_1, frames, sample_rate)
    tone = tone + swept_sine(hz_2, sweep_2, sweep_ms, ms_2, amplitude_2, frames, sample_rate)
    hiss = burst(noise, noise_ms, noise_amplitude, sample_rate)
    return torch.tanh(tone + high_pass(hiss, cutoff_hz, q, sample_rate))
