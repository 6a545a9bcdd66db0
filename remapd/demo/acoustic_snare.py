"""A small physical model of an acoustic snare drum, to have a drummer where there is none.

A stick of finite contact time strikes the upper head at a place between centre and edge; both heads ring in their
modes (`drum_modes`); wires rattle against the lower one (`snare_wires`); hoop, shell and stick add a short ring of
their own. All but the wires is linear, so a stroke is one matrix product. Levels, brightness and decay were fitted to
recordings of three snares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from remapd.demo.drum_modes import Heads, Modes, drum_modes
from remapd.demo.snare_wires import SnareWires
from remapd.errors import FieldError
from remapd.units import MIN_SAMPLE_RATE_HZ, db_to_gain

Array = NDArray[np.float64]
Kind = Literal["head", "rimshot", "sidestick", "stick"]


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke of a performance.

    Parameters
    ----------
    time_s : float
        When the stick touches the drum: the true onset.
    velocity : float
        Speed of the stick relative to the hardest stroke, above 0 and up to 1.
    position : float
        Where it lands, 0 (centre) to 1 (edge).
    kind : {"head", "rimshot", "sidestick", "stick"}
        Head alone; head and rim at once; stick laid across the rim of a damped head; stick against stick.
    """

    time_s: float
    velocity: float
    position: float = 0.3
    kind: Kind = "head"

    def __post_init__(self) -> None:
        if not 0.0 <= self.time_s < np.inf:
            raise FieldError("stroke.time_s", "a time of 0 s or later", self.time_s)
        if not 0.0 < self.velocity <= 1.0:
            raise FieldError("stroke.velocity", "a number above 0 and up to 1", self.velocity)
        if not 0.0 <= self.position <= 1.0:
            raise FieldError("stroke.position", "a number from 0 to 1", self.position)
        if self.kind not in _BLOWS:
            raise FieldError("stroke.kind", f"one of {', '.join(_BLOWS)}", self.kind)


@dataclass(frozen=True)
class _Blow:
    """What a kind of stroke sets in motion.

    Strengths of the head, of hoop and shell, of the stick itself, and of the shell's shaking of the wires; contact time
    relative to that of a plain stroke; time in which a hand on the head damps it (0: there is none).
    """

    head: float
    hoop: float
    stick: float
    contact: float = 1.0
    damped_ms: float = 0.0
    shake: float = 0.0


_BLOWS: dict[str, _Blow] = {
    "head": _Blow(head=1.0, hoop=0.0, stick=0.4),
    "rimshot": _Blow(head=1.0, hoop=0.35, stick=0.8, contact=0.7),
    "sidestick": _Blow(head=0.2, hoop=0.25, stick=0.8, contact=0.5, damped_ms=140.0, shake=1.0),
    "stick": _Blow(head=0.02, hoop=0.0, stick=0.3, contact=0.25),
}

#: Rings of the hoop with the shell, and of a stick: frequency in Hz, time to fall by 60 dB in ms, share.
_HOOP = np.array(
    [
        (430, 90, 0.5),
        (790, 80, 1.0),
        (1270, 70, 0.8),
        (1910, 60, 1.2),
        (2750, 50, 1.0),
        (3900, 40, 0.9),
        (5600, 35, 0.8),
    ]
)
_STICK = np.array([(1180, 30, 0.6), (2140, 26, 1.0), (3350, 22, 0.8), (4870, 18, 0.6), (7100, 14, 0.4)])


@dataclass(frozen=True)
class AcousticSnare:
    """A snare drum and the microphone over its edge.

    Parameters
    ----------
    heads : Heads
        Tuning of the heads.
    wires : SnareWires
        The wires under the lower head.
    contact_ms : float
        Time the stick stays on the head in the hardest stroke; softer ones take longer.
    pitch_rise : float
        Rise of the tension, and so of every pitch, at the hardest stroke (a ratio).
    microphone : tuple of float
        Place of the microphone over the head: 0 (centre) to 1 (edge), and its angle from the stick in radians.
    level_db : float
        Gain of the microphone.
    """

    heads: Heads = field(default_factory=Heads)
    wires: SnareWires = field(default_factory=SnareWires)
    contact_ms: float = 1.3
    pitch_rise: float = 0.03
    microphone: tuple[float, float] = (0.75, 2.0)
    level_db: float = -20.0

    @cached_property
    def modes(self) -> Modes:
        """The modes of both heads."""
        return drum_modes(self.heads)

    def play(self, strokes: Iterable[Stroke], seconds: float, sample_rate: float, seed: int = 0) -> Array:
        """Play some strokes and return what the microphone hears.

        Parameters
        ----------
        strokes : iterable of Stroke
            In any order; what comes after the end is left out.
        seconds : float
            Length of the result.
        sample_rate : float
            In Hz, 8000 or more.
        seed : int
            Seed of the wires and of the small differences between strokes.

        Returns
        -------
        ndarray, shape (frames,)
            Samples, the hardest strokes near but within -1..1.

        Raises
        ------
        FieldError
            If the rate is too low.
        """
        if not sample_rate >= MIN_SAMPLE_RATE_HZ:
            raise FieldError("sample_rate", f"a rate of {MIN_SAMPLE_RATE_HZ} Hz or more", sample_rate)
        frames = round(seconds * sample_rate)
        heard, swing = np.zeros(frames), np.zeros(frames)
        stage, chance = _Stage(self, sample_rate), np.random.default_rng(seed)
        for stroke in sorted(strokes, key=lambda s: s.time_s):
            start = round(stroke.time_s * sample_rate)
            for part, whole in zip(stage.strike(stroke, chance), (heard, swing), strict=True):
                room = max(0, min(len(part), frames - start))
                whole[start : start + room] += part[:room]
        heard += self.wires.rattle(swing, sample_rate, chance)
        return heard * db_to_gain(self.level_db)


_BLOCK = 256
_AUDIBLE = 1e-4
_CAVITY_LEAK = 0.15
_STICK_TIP = 0.05
_BRIGHTNESS = 0.5
_RELAXATION_S = 0.04
_LEAST_RISE = 1e-4
_SCRAPE = 0.07
_SCRAPE_GROWTH = 1.35
_SCRAPE_S = 0.03
_SCRAPE_RATE = 48000.0


class _Stage:
    """A drum at one sample rate: everything that is the same for each of its strokes.

    A sum of decaying sinusoids over `_BLOCK` x k frames is the product of two small tables, the modes' phasors at each
    block's start and their rotation within a block; only the first depends on the stroke.
    """

    def __init__(self, drum: AcousticSnare, sample_rate: float) -> None:
        self.drum, self.rate = drum, sample_rate
        self.modes = drum.modes.below(0.45 * sample_rate)
        pole = (-self.modes.decay_per_s + 2j * np.pi * self.modes.frequency_hz) / sample_rate
        within = np.exp(pole[:, np.newaxis] * np.arange(_BLOCK))
        self.rotation = np.concatenate([within.real, -within.imag]).astype(np.float32)
        self.advance = np.exp(pole * _BLOCK)
        shape = self.modes.shape_at(*drum.microphone)
        tilt = (self.modes.frequency_hz / drum.heads.batter_hz) ** _BRIGHTNESS
        self.heard = (self.modes.batter + 0.3 * self.modes.resonant) * shape * tilt
        self.swing = self.modes.resonant + _CAVITY_LEAK * self.modes.batter

    def strike(self, stroke: Stroke, chance: np.random.Generator) -> tuple[Array, Array]:
        """Sound of one stroke without the wires, and the movement of the lower head."""
        blow = _BLOWS[stroke.kind]
        contact = self._contact(stroke.velocity, blow)
        click = self._click(stroke.velocity, blow, contact, chance)
        if not blow.head:
            return click, np.zeros(0)
        position = float(np.clip(stroke.position + 0.02 * chance.standard_normal(), 0.0, 1.0))
        strength, pulse = stroke.velocity * blow.head, self._pulse(contact)
        rise = self.drum.pitch_rise * strength**2
        heard, swing = (self._shaped(p, pulse, rise, blow.damped_ms) for p in self._head(strength, position))
        # The shell carries what the hoop does to the wires as well.
        for whole, share in ((heard, 1.0), (swing, blow.shake)):
            whole[: len(click)] += share * click[: len(whole)]
        return heard, swing

    def _click(self, velocity: float, blow: _Blow, contact: float, chance: np.random.Generator) -> Array:
        """Ring of hoop, shell and stick, and the scrape of the tip, which grows faster than the blow."""
        detune = 1.0 + 0.01 * chance.standard_normal()
        ring = blow.hoop * self._ring(_HOOP, detune) + blow.stick * self._ring(_STICK, detune)
        click = velocity * np.convolve(ring, self._pulse(0.15 * contact))
        time = np.arange(round(_SCRAPE_S * self.rate)) / self.rate
        # White noise of the same density at any rate.
        noise = chance.standard_normal(len(time)) * np.sqrt(self.rate / _SCRAPE_RATE)
        click[: len(time)] += _SCRAPE * velocity**_SCRAPE_GROWTH * noise * np.exp(-10.0 * time / _SCRAPE_S)
        return click

    def _contact(self, velocity: float, blow: _Blow) -> float:
        """Contact time in seconds; by Hertz's law it goes with the fifth root of the speed."""
        return float(0.001 * self.drum.contact_ms * blow.contact * velocity**-0.2)

    def _pulse(self, seconds: float) -> Array:
        """Force of the stick: half a sine of unit impulse."""
        frames = max(1, round(seconds * self.rate))
        pulse = np.sin(np.pi * (np.arange(frames) + 0.5) / frames)
        return np.asarray(pulse / pulse.sum())

    def _ring(self, table: Array, detune: float) -> Array:
        frequency, ring_ms, share = table[table[:, 0] * detune < 0.45 * self.rate].T
        time = np.arange(round(0.1 * self.rate)) / self.rate
        decay = np.exp(-np.outer(1000.0 * np.log(1000.0) / ring_ms, time))
        return np.asarray(share @ (decay * np.cos(2.0 * np.pi * np.outer(frequency * detune, time))))

    def _head(self, strength: float, position: float) -> tuple[Array, Array]:
        """Movement at the microphone and at the wires after a blow of no duration."""
        struck = strength * self.modes.batter * self.modes.shape_at(position)
        # A tip of some width does not excite waves that are shorter than it.
        struck *= np.exp(-((_STICK_TIP * self.modes.zero) ** 2))
        slowest = self.modes.decay_per_s.min()
        blocks = max(1, int(np.log(max(strength, 2.0 * _AUDIBLE) / _AUDIBLE) / slowest * self.rate) // _BLOCK)
        phasor = self.advance ** np.arange(blocks)[:, np.newaxis]
        phasor = np.concatenate([phasor * struck * self.heard, phasor * struck * self.swing])
        both = np.concatenate([phasor.real, phasor.imag], axis=1).astype(np.float32) @ self.rotation
        heard, swing = both.reshape(2, -1).astype(np.float64)
        return heard, swing

    def _shaped(self, part: Array, pulse: Array, rise: float, damped_ms: float) -> Array:
        """Give the blow its duration, the pitch its fall and, where a hand lies on the head, the ring its end."""
        part = np.convolve(part, pulse)[: len(part)]
        time = np.arange(len(part)) / self.rate
        if rise > _LEAST_RISE:
            # The stretch of a head tightens it: all its modes run ahead together, and their phase is a later time.
            ahead = rise * _RELAXATION_S * (1.0 - np.exp(-time / _RELAXATION_S))
            part = _interpolated(part, (time + ahead) * self.rate)
        return part * np.exp(-1000.0 * time / damped_ms) if damped_ms else part


def _interpolated(signal: Array, at: Array) -> Array:
    """Values between the samples of a signal, by cubic (Catmull-Rom) interpolation; zero beyond its end."""
    signal = np.concatenate([[0.0], signal, np.zeros(3)])
    whole = np.minimum(at.astype(np.int64), len(signal) - 4)
    x = np.minimum(at - whole, 1.0)
    before, left, right, after = (signal[whole + k] for k in range(4))
    slope, curve = right - before, 2.0 * before - 5.0 * left + 4.0 * right - after
    return np.asarray(left + 0.5 * x * (slope + x * (curve + x * (3.0 * (left - right) + after - before))))
