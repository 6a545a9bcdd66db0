"""The seven long-term features, differentiable in the sound.

A frame's values, of 2048 samples with 512 from one to the next:

- loudness: ``-0.691 + 10 log10(mean y^2 + 1e-8)`` in dB, `y` K-weighted from an empty filter,
- centroid: mean frequency `c` in Hz under a flat-top window, weighted by ``log(1 + X)`` where a magnitude `X` is at
  least 1e-4, as ``-34.61 c^-0.1621 + 21.2985`` (Kazazis' scale),
- flatness: geometric over arithmetic mean `f` of the power under a Hann window, which is at least 1e-10, as
  ``20 log10(f + 1e-8)`` in dB.

The published code also clips what each stage of the K-weighting gives to -1..1, a side effect of the filter routine
that it calls, which lowers the loudness of loud sounds by up to 4 dB. That is left out on purpose.

The centre of the first 125 ms is that of ``x^2`` smoothed by a Hann window; see `features_temporal`. Everything is
finite for silence, and so are the gradients.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remapd.errors import FieldError
from remapd.training.ddsp.features_cpu import means_and_sums
from remapd.training.ddsp.features_temporal import centre, temporal_centroid, weightings
from remapd.training.kernels.k_weighting import k_weighting
from remapd.training.long_term import FRAME, FRAMES, HOP, SOUND_FRAMES, TRAINING_RATE_HZ, TRANSIENT_FRAMES

# Cosine series of the flat-top window (Heinzel, Rüdiger and Schilling 2002, as SciPy's `flattop`); Hann is that of two.
FLAT_TOP = (0.21557895, -0.41663158, 0.277263158, -0.083578947, 0.006947368)
HANN = (0.5, -0.5)


def long_term_features(sound: Tensor, horizon_frames: Tensor | None = None) -> Tensor:
    """Measure sounds that begin with their onset.

    Parameters
    ----------
    sound : Tensor, shape (hits, SOUND_FRAMES)
        At 44.1 kHz; computed in float64.
    horizon_frames : Tensor of int64, shape (hits,), optional
        Frames of each sound that count, 3..66; the sustain features are those of the frames from the third to before
        this one. All count if not given.

    Returns
    -------
    Tensor, shape (hits, 7)
        In the order and units of `remapd.training.long_term.LONG_TERM`.

    Raises
    ------
    FieldError
        If the sounds have another length or a horizon lies outside 3..66.
    """
    if sound.ndim != 2 or sound.shape[1] != SOUND_FRAMES:
        raise FieldError("sound", f"shape (hits, {SOUND_FRAMES})", tuple(sound.shape))
    sound = sound.double()
    weights = frame_weights(sound, horizon_frames)
    if sound.device.type == "cpu":
        means, sums = means_and_sums(sound, weights, weightings(sound.device))
        return torch.cat([means, centre(sums)[:, None]], dim=1)
    return reference_features(sound, weights)


def reference_features(sound: Tensor, weights: Tensor) -> Tensor:
    """The definition, in plain operations on any device; `weights` as `frame_weights` gives them."""
    frames = sound.unfold(1, FRAME, HOP)
    values = torch.stack([loudness_db(frames), centroid(frames), flatness_db(frames)], dim=1)
    means = (values @ weights).flatten(start_dim=1)
    return torch.cat([means, temporal_centroid(sound)[:, None]], dim=1)


def frame_weights(sound: Tensor, horizon_frames: Tensor | None) -> Tensor:
    """What each frame counts for the transient and the sustain means; shape (hits, FRAMES, 2)."""
    hits = sound.shape[0]
    if horizon_frames is None:
        horizon_frames = torch.full((hits,), FRAMES, device=sound.device)
    is_within = (horizon_frames > TRANSIENT_FRAMES) & (horizon_frames <= FRAMES)
    if horizon_frames.shape != (hits,) or not is_within.all():
        expected = f"a whole number from {TRANSIENT_FRAMES + 1} to {FRAMES} for each of {hits} hits"
        raise FieldError("horizon_frames", expected, horizon_frames.tolist())
    frame = torch.arange(FRAMES, device=sound.device)
    is_transient = (frame < TRANSIENT_FRAMES).expand(hits, FRAMES)
    counted = torch.stack([is_transient, ~is_transient & (frame < horizon_frames[:, None])], dim=2).to(sound.dtype)
    return counted / counted.sum(dim=1, keepdim=True)


def loudness_db(frames: Tensor) -> Tensor:
    """K-weighted level of each frame; ``(..., FRAME)`` gives ``(...)``."""
    # Padded by its length, nothing of a frame wraps round.
    spectrum = torch.fft.rfft(frames, 2 * FRAME) * _k_weighting_response(frames.device)
    weighted = torch.fft.irfft(spectrum)[..., :FRAME]
    return -0.691 + 10.0 * torch.log10(weighted.square().mean(dim=-1) + 1e-8)


def centroid(frames: Tensor) -> Tensor:
    """Spectral centroid of each frame on Kazazis' scale; ``(..., FRAME)`` gives ``(...)``."""
    magnitude = torch.fft.rfft(frames * cosine_window(FLAT_TOP, frames.device)).abs()
    compressed = torch.log1p(magnitude.clamp(min=1e-4))
    hertz = torch.fft.rfftfreq(FRAME, 1.0 / TRAINING_RATE_HZ, dtype=frames.dtype, device=frames.device)
    return -34.61 * ((compressed @ hertz) / compressed.sum(dim=-1)) ** -0.1621 + 21.2985


def flatness_db(frames: Tensor) -> Tensor:
    """Spectral flatness of each frame; ``(..., FRAME)`` gives ``(...)``."""
    spectrum = torch.fft.rfft(frames * cosine_window(HANN, frames.device))
    power = (spectrum.real.square() + spectrum.imag.square()).clamp(min=1e-10)
    return 20.0 * torch.log10(power.log().mean(dim=-1).exp() / power.mean(dim=-1) + 1e-8)


@lru_cache
def cosine_window(series: tuple[float, ...], device: torch.device) -> Tensor:
    """Periodic window ``sum c_k cos(2 pi k n / FRAME)``."""
    turns = torch.outer(torch.arange(len(series)), torch.arange(FRAME)) / FRAME
    return (torch.tensor(series, dtype=torch.float64) @ torch.cos(2.0 * np.pi * turns.double())).to(device)


@lru_cache
def _k_weighting_response(device: torch.device) -> Tensor:
    """Transfer function of shelf and high-pass, cut off after a frame, for spectra of twice its length."""
    impulse = np.zeros(FRAME)
    impulse[0] = 1.0
    shelf, high_pass = k_weighting(TRAINING_RATE_HZ)
    response = _filtered(high_pass, _filtered(shelf, impulse))
    return torch.fft.rfft(torch.from_numpy(response), 2 * FRAME).to(device)


def _filtered(coefficients: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    b, a = coefficients
    driven = np.convolve(x, b)
    y = np.zeros(x.size)
    for n in range(x.size):
        y[n] = driven[n] - a[1] * y[n - 1] - a[2] * y[n - 2]  # y[-1] and y[-2] are still zero where they are read
    return y
