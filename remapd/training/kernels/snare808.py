"""The 808 snare as a whole, hit by hit: its paths lie in the processor's cache and nothing but the sound is kept.

The blocks one after the other would write each path of all hits to memory; that, not arithmetic, is most of their cost.
Backward renders the noise path once more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.training.kernels import biquad, envelope, oscillator, saturation

#: Numbers of a hit: five of each oscillator as `oscillator.forward` takes them, two of the noise's envelope.
SCALARS = 12


@compiled
def forward(first: int, last: int, noise: Any, scalars: Any, b: Any, a: Any, attack: int, out: Any) -> None:
    """Write the sounds to the rows of `out`; scalars are (rows, `SCALARS`), the filter's coefficients (3, rows)."""
    path = np.empty((1, len(noise)))
    for row in range(first, last):
        one, mix = scalars[row], out[row : row + 1]
        _tone(one[:5], attack, mix)
        _tone(one[5:10], attack, path)
        saturation.add(path[0], mix[0])
        envelope.forward(0, 1, noise, one[10:11], one[11:12], attack, path)
        biquad.forward(0, 1, path, b[:, row : row + 1], a[:, row : row + 1], path)
        saturation.add(path[0], mix[0])
        saturation.clip(mix[0])


@compiled
def _tone(one: Any, attack: int, out: Any) -> None:
    oscillator.forward(0, 1, one[0:1], one[1:2], one[2:3], one[3:4], one[4:5], attack, out)


@compiled
def backward(
    first: int,
    last: int,
    gradient: Any,
    sound: Any,
    noise: Any,
    scalars: Any,
    b: Any,
    a: Any,
    attack: int,
    by_scalars: Any,
    by_b: Any,
    by_a: Any,
) -> None:
    """Write the derivatives by the scalars and by the coefficients; `sound` is what `forward` wrote."""
    frames = len(noise)
    by_mix, by_burst = np.empty((1, frames)), np.empty((1, frames))
    burst, hiss = np.empty((1, frames)), np.empty((1, frames))
    for row in range(first, last):
        one, by_one = scalars[row], by_scalars[row]
        numerator, denominator = b[:, row : row + 1], a[:, row : row + 1]
        saturation.backward(gradient[row], sound[row], by_mix[0])
        _tone_backward(by_mix, one[:5], attack, by_one[:5])
        _tone_backward(by_mix, one[5:10], attack, by_one[5:10])
        envelope.forward(0, 1, noise, one[10:11], one[11:12], attack, burst)
        biquad.forward(0, 1, burst, numerator, denominator, hiss)
        by_filter = by_b[:, row : row + 1], by_a[:, row : row + 1]
        biquad.backward(0, 1, by_mix, burst, hiss, numerator, denominator, by_burst, by_filter[0], by_filter[1])
        envelope.backward(0, 1, by_burst, noise, one[10:11], one[11:12], attack, by_one[10:11], by_one[11:12])


@compiled
def _tone_backward(by_mix: Any, one: Any, attack: int, by_one: Any) -> None:
    derivatives = by_one.reshape(5, 1)
    oscillator.backward(0, 1, by_mix, one[0:1], one[1:2], one[2:3], one[3:4], one[4:5], attack, derivatives)
