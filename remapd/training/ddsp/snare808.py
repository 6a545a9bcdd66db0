"""Twin of the 808 snare, `remapd.synth.snare808`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remapd.training.ddsp.biquad import db_amplitude, high_pass, high_pass_coefficients
from remapd.training.ddsp.compiled import has_kernel, run_rows
from remapd.training.ddsp.envelope import attack_frames, burst, decay_nepers
from remapd.training.ddsp.oscillator import swept_sine, swept_sine_scalars
from remapd.training.kernels import snare808 as kernel
from remapd.training.kernels.memory import empty

_Pair = tuple[Tensor, Tensor]
_Tone = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """Twin, as `remapd.training.ddsp.twin.Twin` describes it, of values (hits, 14)."""
    if not has_kernel(values, noise):
        return reference_render(values, frames, sample_rate, noise)
    tone_1, tone_2, (noise_ms, noise_amplitude), (cutoff_hz, q) = _paths(values)
    tones = (scalar for tone in (tone_1, tone_2) for scalar in swept_sine_scalars(*tone, sample_rate))
    scalars = torch.stack([*tones, decay_nepers(noise_ms, sample_rate), noise_amplitude], dim=1)
    coefficients = high_pass_coefficients(cutoff_hz, q, sample_rate)
    source = noise[:frames].detach()
    return _Rendered.apply(source, scalars, *coefficients, attack_frames(sample_rate))  # type: ignore[no-any-return,no-untyped-call]


def reference_render(values: Tensor, frames: int, sample_rate: float, noise: Tensor) -> Tensor:
    """What `render` is, block by block."""
    tone_1, tone_2, hiss, filter_ = _paths(values)
    source = burst(noise[:frames], *hiss, sample_rate)
    first, second = (swept_sine(*tone, frames, sample_rate) for tone in (tone_1, tone_2))
    return torch.tanh(first + second + high_pass(source, *filter_, sample_rate))


def _paths(values: Tensor) -> tuple[_Tone, _Tone, _Pair, _Pair]:
    """Parameters of both oscillators, of the noise's envelope and of its filter; amplitudes contain the drive."""
    hz_1, sweep_1, hz_2, sweep_2, sweep_ms, ms_1, ms_2, noise_ms, cutoff_hz, q, *_ = values.unbind(dim=1)
    amplitude_1, amplitude_2, noise_amplitude = db_amplitude(values[:, 10:13] + values[:, 13:]).unbind(dim=1)
    tone_1, tone_2 = (hz_1, sweep_1, sweep_ms, ms_1, amplitude_1), (hz_2, sweep_2, sweep_ms, ms_2, amplitude_2)
    return tone_1, tone_2, (noise_ms, noise_amplitude), (cutoff_hz, q)


class _Rendered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, noise: Tensor, scalars: Tensor, b: Tensor, a: Tensor, attack: int) -> Tensor:
        out = torch.from_numpy(empty(len(scalars), len(noise)))
        run_rows(kernel.forward, len(out), noise, scalars, b, a, attack, out)
        ctx.save_for_backward(out, noise, scalars, b, a)
        ctx.attack = attack
        return out

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        shape = ctx.saved_tensors[2:]
        derivatives = [torch.empty_like(of, memory_format=torch.contiguous_format) for of in shape]
        run_rows(kernel.backward, len(gradient), gradient, *ctx.saved_tensors, ctx.attack, *derivatives)
        return None, *derivatives, None
