"""Twin of the FM drum, `remapd.synth.fm_drum`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from remapd.dsp.noise import density_gain
from remapd.dsp.oscillator import HIGHEST_FREQUENCY
from remapd.synth.fm_drum import NOISE_Q
from remapd.training.ddsp.biquad import db_amplitude, high_pass
from remapd.training.ddsp.envelope import decay_envelope
from remapd.training.ddsp.oscillator import phase_turns, sin_turns, swept_sine, tuned


def render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """Twin, as `remapd.training.ddsp.twin.Twin` describes it, of values (hits, 14)."""
    hz, sweep, ratio, modulator_sweep, index, *rest = values.unbind(dim=1)
    sweep_ms, modulator_sweep_ms, carrier_ms, modulator_ms, noise_ms, *rest = rest
    cutoff_hz, noise_db, drive_db, gain_db = rest
    depth = _held_index(index, _top(hz, sweep), _top(hz * ratio, modulator_sweep), sample_rate) / (2.0 * math.pi)
    modulation = swept_sine(hz * ratio, modulator_sweep, modulator_sweep_ms, modulator_ms, depth, frames, sample_rate)
    carrier = _modulated_sine(hz, sweep, sweep_ms, modulation, sample_rate)
    carrier = db_amplitude(drive_db)[:, None] * decay_envelope(carrier_ms, frames, sample_rate) * carrier
    burst = (
        (density_gain(sample_rate) * db_amplitude(noise_db + drive_db))[:, None]
        * decay_envelope(noise_ms, frames, sample_rate)
        * noise
    )
    hiss = high_pass(burst, cutoff_hz, torch.full_like(cutoff_hz, NOISE_Q), sample_rate)
    return db_amplitude(gain_db)[:, None] * torch.tanh(carrier + hiss)


def _top(frequency_hz: Tensor, sweep: Tensor) -> Tensor:
    return frequency_hz * (1.0 + sweep.clamp(min=0.0))


def _held_index(index: Tensor, carrier_hz: Tensor, modulator_hz: Tensor, sample_rate: float) -> Tensor:
    sidebands = (HIGHEST_FREQUENCY * sample_rate - carrier_hz) / modulator_hz
    return torch.minimum(index, sidebands - 1.0).clamp(min=0.0)


def _modulated_sine(
    frequency_hz: Tensor, sweep: Tensor, sweep_decay_ms: Tensor, modulation: Tensor, sample_rate: float
) -> Tensor:
    """Swept sine with `modulation`, in turns and of shape (hits, frames), added to its phase."""
    held_hz, held_sweep = tuned(frequency_hz, sweep, sample_rate)
    swept = 1.0 + held_sweep[:, None] * decay_envelope(sweep_decay_ms, modulation.shape[1], sample_rate)
    return sin_turns(phase_turns(held_hz[:, None] * swept, sample_rate) + modulation)
