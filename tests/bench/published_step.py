"""A training step computed the way the published code does, to time ours against; written from its formulas alone.

What it is: float32 PyTorch operations and their automatic gradients throughout, as the formulas suggest them and
without any of our short cuts. A whole second is synthesised, envelopes and phases are cumulative products and sums,
every feature cuts its own overlapping frames, K-weighting filters each of them, and the temporal envelope is a
convolution with all 2048 taps. The recursive filters (that of the noise, and the K-weighting) are what torchaudio's
`lfilter` does on the CPU. The feed-forward part is `conv1d`: a batch with one filter is taken as (rows, 1, frames),
with groups = channels = 1; with one filter for each row it is grouped. The feedback is a compiled loop over time for
each row, and on the way back once more. By default `lfilter` also clips what it gives to -1..1 (`clamp=True`), as the
published features therefore do; that is left out.

What it is not: the published program, which was not run here. Torchaudio's loop is replaced by one of ours, which even
shares its rows out among threads. And it is not known whether the 2048 taps are convolved with the 5512 samples that
count or with the whole second, of which 5512 are then taken: see `CONVOLUTIONS`. Only with the whole second is this
convolution about half of a step and that of the K-weighting about a quarter, as was measured of the published program
(1.15 s a step on two cores); with 5512 samples, which the formulas say, a step is cheaper. Both are timed.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.signal import get_window
from torch.nn.functional import conv1d, pad

from remapd.dsp.kernel import compiled
from remapd.training.kernels.k_weighting import k_weighting
from remapd.training.kernels.threads import over_rows

RATE = 44100
SAMPLES = 44100
FRAME, HOP = 2048, 512
PARTS = ((0, 2), (2, 66))


@compiled
def _feedback(first, last, a, x, y):
    for row in range(first, last):
        a1, a2, y1, y2 = a[row, 1], a[row, 2], np.float32(0.0), np.float32(0.0)
        signal, filtered = x[row], y[row]
        for n in range(signal.size):
            y0 = (signal[n] - a1 * y1) - a2 * y2
            filtered[n] = y0
            y1, y2 = y0, y1


def _run_feedback(x, a):
    y = np.empty(x.shape, np.float32)
    over_rows(_feedback, len(x), a.contiguous().numpy(), x.contiguous().numpy(), y)
    return torch.from_numpy(y)


class _Feedback(torch.autograd.Function):
    """``y[n] = x[n] - a1 y[n-1] - a2 y[n-2]`` for rows with coefficients (rows, 3)."""

    @staticmethod
    def forward(ctx, x, a):
        y = _run_feedback(x.detach(), a.detach())
        ctx.save_for_backward(y, a)
        return y

    @staticmethod
    def backward(ctx, by_y):
        y, a = ctx.saved_tensors
        by_x = _run_feedback(by_y.flip(1), a).flip(1)
        by_a = [torch.zeros(len(y))] + [-(by_x[:, k:] * y[:, :-k]).sum(1) for k in (1, 2)]
        return by_x, torch.stack(by_a, dim=1) if ctx.needs_input_grad[1] else None


def lfilter(x, b, a):
    """Filter rows (rows, samples) by coefficients (rows, 3), or by one filter (1, 3)."""
    if len(b) == 1:
        forward = conv1d(pad(x, (2, 0))[:, None], b.flip(1)[:, None])[:, 0]
    else:
        forward = conv1d(pad(x, (2, 0))[None], b.flip(1)[:, None], groups=len(x))[0]
    return _Feedback.apply(forward, a.expand(len(x), -1))


def envelope(decay_ms):
    attack = int(0.001 * RATE)
    ratio = 1.0 - 6.91 / (decay_ms * RATE / 1000.0)
    decay = torch.cumprod(ratio[:, None].expand(-1, SAMPLES - attack - 1), dim=1)
    rise = (torch.arange(attack) + 1.0) / attack
    return torch.cat([rise.expand(len(decay), -1), torch.ones(len(decay), 1), decay], dim=1)


def oscillator(frequency_hz, sweep, sweep_envelope):
    turns = frequency_hz[:, None] * (1.0 + sweep[:, None] * sweep_envelope) / RATE
    return torch.sin(2.0 * math.pi * (torch.cumsum(turns, dim=1) - turns))


def high_pass(x, cutoff_hz, q):
    k = torch.tan(math.pi * cutoff_hz / RATE)
    norm = 1.0 / (1.0 + k / q + k * k)
    b = norm[:, None] * torch.tensor([1.0, -2.0, 1.0])
    a = torch.stack([torch.ones_like(k), 2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm], dim=1)
    return lfilter(x, b, a)


def synth(values, noise):
    """Sounds (hits, 44100) of parameters (hits, 14) in units."""
    hz_1, sweep_1, hz_2, sweep_2, sweep_ms, ms_1, ms_2, noise_ms, cutoff, q, db_1, db_2, db_noise, drive_db = values.T
    amplitude_1, amplitude_2, noise_amplitude, drive = (10.0 ** (x / 20.0) for x in (db_1, db_2, db_noise, drive_db))
    tone_1 = oscillator(hz_1, sweep_1, envelope(sweep_ms)) * envelope(ms_1) * amplitude_1[:, None]
    tone_2 = oscillator(hz_2, sweep_2, envelope(sweep_ms)) * envelope(ms_2) * amplitude_2[:, None]
    hiss = high_pass(envelope(noise_ms) * noise, cutoff, q) * noise_amplitude[:, None]
    return torch.tanh(drive[:, None] * (tone_1 + tone_2 + hiss))


def _window(name):
    return torch.from_numpy(get_window(name, FRAME)).float()


FLAT_TOP, HANN = _window("flattop"), _window("hann")
HERTZ = torch.fft.rfftfreq(FRAME, 1.0 / RATE)
K_STAGES = [tuple(torch.from_numpy(c).float()[None] for c in stage) for stage in k_weighting(RATE)]


def loudness_db(frames):
    rows = frames.reshape(-1, FRAME)
    for b, a in K_STAGES:
        rows = lfilter(rows, b, a)
    return -0.691 + 10.0 * torch.log10(rows.square().mean(dim=1) + 1e-8).reshape(frames.shape[:-1])


def centroid(frames):
    compressed = torch.log(1.0 + torch.fft.rfft(frames * FLAT_TOP).abs().clamp(min=1e-4))
    return -34.61 * ((compressed * HERTZ).sum(-1) / compressed.sum(-1)) ** -0.1621 + 21.2985


def flatness_db(frames):
    power = torch.fft.rfft(frames * HANN).abs().square().clamp(min=1e-10)
    return 20.0 * torch.log10(power.log().mean(-1).exp() / power.mean(-1) + 1e-8)


def _rows(power):
    """Each sound a row of the batch, as one would write it."""
    return conv1d(_padded(power)[:, None], HANN.flip(0)[None, None])[:, 0]


def _groups(power):
    """Each sound a channel of its own, for which PyTorch has another routine."""
    return conv1d(_padded(power)[None], HANN.flip(0).expand(len(power), 1, -1), groups=len(power))[0]


def _padded(power):
    return pad(power, (FRAME // 2, FRAME // 2 - 1))


#: How the squared sound is smoothed, and how many samples of it.
CONVOLUTIONS = {
    "5512 samples, rows": (_rows, 5512),
    "5512 samples, groups": (_groups, 5512),
    "whole second, rows": (_rows, SAMPLES),
    "whole second, groups": (_groups, SAMPLES),
}


def temporal_centroid(sound, convolution):
    smooth, length = CONVOLUTIONS[convolution]
    smoothed = smooth(sound[:, :length].square())[:, :5512]
    ms = torch.arange(5512) * (1000.0 / RATE)
    return 0.03 * ((smoothed * ms).sum(1) / (smoothed.sum(1) + 1e-8)) ** 1.864


def features(sound, convolution):
    """Long-term features (hits, 7), with one of `CONVOLUTIONS`."""
    columns = []
    for measure in (loudness_db, centroid, flatness_db):
        for first, last in PARTS:
            frames = sound.unfold(1, FRAME, HOP)[:, first:last]
            columns.append(measure(frames).mean(dim=1))
    return torch.stack([*columns, temporal_centroid(sound, convolution)], dim=1)
