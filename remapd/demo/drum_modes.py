"""The modes in which the two heads of a drum ring.

After N. H. Fletcher and T. D. Rossing, *The Physics of Musical Instruments*, 2nd ed., chapters 3 (membranes) and 18
(drums): shapes of an ideal circular membrane, frequencies lowered by the air that moves along, and a spring of
enclosed air between the symmetric modes of the two heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remapd.demo.bessel import bessel_j, bessel_zeros

Array = NDArray[np.float64]

_RADIATION = 1.6


@dataclass(frozen=True)
class Heads:
    """Tuning of a drum's two heads.

    Parameters
    ----------
    batter_hz, resonant_hz : float
        Lowest mode of the upper and of the lower head by itself, air included.
    cavity_hz : float
        Stiffness of the enclosed air, as a frequency.
    air_load : float
        How much heavier the air makes the lowest mode (a ratio); higher modes carry less of it.
    ring_s : float
        Time in which the lowest mode falls by 60 dB.
    damping_slope : float
        Growth of the damping from one multiple of the lowest frequency to the next (a ratio).
    highest_hz : float
        Modes above this are left out.
    """

    batter_hz: float = 185.0
    resonant_hz: float = 290.0
    cavity_hz: float = 150.0
    air_load: float = 0.5
    ring_s: float = 0.32
    damping_slope: float = 0.07
    highest_hz: float = 4000.0


@dataclass(frozen=True)
class Modes:
    """The modes of a drum, one array entry each.

    Attributes
    ----------
    order : ndarray
        Number m of nodal diameters.
    zero : ndarray
        Zero j_mn of J_m, which fixes the shape ``J_m(j_mn r) cos(m angle)``.
    frequency_hz, decay_per_s : ndarray
        Frequency, and rate of the exponential decay.
    batter, resonant : ndarray
        How much the upper and the lower head take part; the squares sum to 1.
    """

    order: Array
    zero: Array
    frequency_hz: Array
    decay_per_s: Array
    batter: Array
    resonant: Array

    def shape_at(self, position: float, angle: float = 0.0) -> Array:
        """Displacement of each mode, all of equal energy, at a place from 0 (centre) to 1 (edge)."""
        norm = np.abs(bessel_j(self.order + 1, self.zero)) * np.where(self.order == 0, 1.0, np.sqrt(0.5))
        return np.asarray(bessel_j(self.order, self.zero * position) * np.cos(self.order * angle) / norm)

    def below(self, limit_hz: float) -> Modes:
        """Leave out the modes from a frequency up."""
        keep = self.frequency_hz < limit_hz
        return Modes(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def drum_modes(heads: Heads) -> Modes:
    """Modes of both heads: symmetric ones (m = 0) in coupled pairs, the others of the upper head alone.

    A shape with a nodal diameter moves as much air up as down, so it does not feel the head on the other side.
    """
    order, zero = bessel_zeros(heads.highest_hz / heads.batter_hz * 2.405)
    ratio = _loaded_ratio(zero, heads.air_load)
    alone = order > 0
    pair = _pairs(heads, zero[~alone], ratio[~alone])
    plain = (heads.batter_hz * ratio[alone], np.ones(alone.sum()), np.zeros(alone.sum()))
    frequency, batter, resonant = (np.concatenate(both) for both in zip(pair, plain, strict=True))
    zero = np.concatenate([zero[~alone], zero[~alone], zero[alone]])
    order = np.concatenate([np.zeros(2 * (~alone).sum()), order[alone]])
    decay = _decay_per_s(heads, order, frequency)
    return Modes(order, zero, frequency, decay, batter, resonant).below(heads.highest_hz)


def _loaded_ratio(zero: Array, air_load: float) -> Array:
    """Frequencies relative to the lowest when the added mass of air falls with the mode's wavelength."""
    ratio = zero / zero.min()
    return np.asarray(ratio * np.sqrt((1.0 + air_load) / (1.0 + air_load / ratio)))


def _pairs(heads: Heads, zero: Array, ratio: Array) -> tuple[Array, Array, Array]:
    """Frequencies and shares of two oscillators joined by a spring (a symmetric 2 x 2 eigenproblem), low then high."""
    batter, resonant = heads.batter_hz * ratio, heads.resonant_hz * ratio
    # The volume a shape displaces falls as 1/j_0n, and the stiffness it feels as that volume squared.
    spring = (heads.cavity_hz * zero[0] / zero) ** 2
    half = 0.5 * (batter**2 - resonant**2)
    middle, spread = 0.5 * (batter**2 + resonant**2) + spring, np.hypot(half, spring)
    turn = 0.5 * np.arctan2(spring, -half)
    frequency = np.sqrt(np.concatenate([middle - spread, middle + spread]))
    return (
        frequency,
        np.concatenate([np.cos(turn), -np.sin(turn)]),
        np.concatenate([np.sin(turn), np.cos(turn)]),
    )


def _decay_per_s(heads: Heads, order: Array, frequency_hz: Array) -> Array:
    """Losses rise with frequency; symmetric modes also radiate, being the only ones that pump air."""
    slope = 1.0 + heads.damping_slope * (frequency_hz / heads.batter_hz - 1.0)
    return np.asarray(np.log(1000.0) / heads.ring_s * slope * np.where(order == 0, _RADIATION, 1.0))
