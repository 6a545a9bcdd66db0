"""The wires under a snare drum: noise that the lower head shakes out of them once it moves enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_KNEE = 4.0
_REFERENCE_RATE = 48000.0
_PADDING_S = 0.5
_DAMPING = 1.4


@dataclass(frozen=True)
class SnareWires:
    """A bed of wires held against the lower head.

    A head that swings towards the wires throws them off; they come back a little later as a shower of small blows and
    bounce on for a while. So the sound is noise whose strength follows one half of the swing and then dies away by
    itself, and ends where the movement no longer overcomes the tension.

    Parameters
    ----------
    threshold : float
        Movement at which the wires begin to lift, relative to the hardest stroke.
    compression : float
        Exponent (below 1) of the growth beyond: blows crowd each other out.
    level : float
        Strength of the sound.
    bounce_ms : float
        Time in which the bouncing falls by 60 dB.
    bounce : float
        Strength of the bouncing relative to the first blows.
    delay_ms : float
        Flight time of the wires.
    low_hz, high_hz : float
        Band in which the wires ring.
    """

    threshold: float = 0.001
    compression: float = 0.92
    level: float = 0.5
    bounce_ms: float = 280.0
    bounce: float = 1.5
    delay_ms: float = 4.0
    low_hz: float = 1200.0
    high_hz: float = 6000.0

    def rattle(self, swing: Array, sample_rate: float, chance: np.random.Generator) -> Array:
        """Sound of the wires for a movement of the head.

        Parameters
        ----------
        swing : ndarray, shape (frames,)
            Speed of the head at the wires.
        sample_rate : float
            In Hz.
        chance : numpy.random.Generator
            Source of the noise.

        Returns
        -------
        ndarray, shape (frames,)
        """
        frames = len(swing)
        size = _fast_size(frames + round(_PADDING_S * sample_rate))
        frequency: Array = np.fft.rfftfreq(size, 1.0 / sample_rate).astype(np.float64)
        lifted = self._bouncing(np.maximum(swing, 0.0), frequency, sample_rate)
        # Below the threshold nothing, above it soon everything: a smooth knee, so that tails end without a click.
        lifted = lifted**_KNEE / (lifted ** (_KNEE - 1.0) + self.threshold ** (_KNEE - 1.0))
        # White noise has the same density at any rate, so that the part within the band keeps its level.
        noise = chance.standard_normal(frames) * np.sqrt(sample_rate / _REFERENCE_RATE)
        blows = lifted**self.compression * noise
        return self.level * _filtered(blows, self._ring(frequency, sample_rate))

    def _bouncing(self, lifted: Array, frequency: Array, sample_rate: float) -> Array:
        """Add to the movement what it leaves behind, a leaky sum of it."""
        rate = 1000.0 * np.log(1000.0) / self.bounce_ms
        kept = np.exp(-rate / sample_rate)
        # Gained in about the time of a few swings of the head, so the sum is weighed by that time and not by its own.
        share = 100.0 * self.bounce / sample_rate
        turn = np.exp(-2j * np.pi * frequency / sample_rate)
        return np.maximum(_filtered(lifted, 1.0 + share / (1.0 - kept * turn)), 0.0)

    def _ring(self, frequency: Array, sample_rate: float) -> NDArray[np.complex128]:
        """Band of the wires (second order at each end, by the bilinear transform) and their flight time."""
        s = 1j * np.tan(np.pi * frequency / sample_rate)
        low, high = (np.tan(np.pi * min(f / sample_rate, 0.45)) for f in (self.low_hz, self.high_hz))
        band = s**2 / (s**2 + _DAMPING * s * low + low**2) * high**2 / (s**2 + _DAMPING * s * high + high**2)
        flight = round(self.delay_ms * sample_rate / 1000.0)
        return np.asarray(band * np.exp(-2j * np.pi * frequency * flight / sample_rate))


def _filtered(signal: Array, response: NDArray[np.complex128]) -> Array:
    """Apply a filter, given by its response at the frequencies of a real FFT that is long enough."""
    size = 2 * (len(response) - 1)
    return np.fft.irfft(np.fft.rfft(signal, size) * response, size)[: len(signal)]


def _fast_size(length: int) -> int:
    """Smallest power of two, or three quarters of one, that holds `length`."""
    power = 1 << max(2, (length - 1).bit_length())
    return power * 3 // 4 if power * 3 // 4 >= length else power
