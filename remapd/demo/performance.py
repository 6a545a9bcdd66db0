"""A drummer's few bars on the modelled snare, which show what a timbre remapper must follow.

Count-in, groove with ghost notes, flams, a walk of the stick from centre to edge, rolls that grow, a quiet passage,
and a rimshot to end it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from remapd.demo.acoustic_snare import AcousticSnare, Kind, Stroke
from remapd.units import db_to_gain

SECONDS = 19.0
SAMPLE_RATE = 48000.0

_BEAT_S = 0.5
_LEAD_S = 0.5
_RING_S = 1.2
_NOISE_DB = -75.0
_HUM_DB = -66.0
_HUM_HZ = 50.0
#: Hum of a mains transformer: the fundamental, and its odd harmonics at falling strength.
_HUM_HARMONICS = ((1, 1.0), (3, 0.3), (5, 0.1))
_HUMAN_S = 0.001
_HUMAN_FORCE = 0.06
_EARLY_S = 0.01
#: A stroke that is nearer to the end may not be decided on before it.
TOO_LATE_S = 0.05


@dataclass(frozen=True)
class Performance:
    """A sound and what truly was played in it.

    Attributes
    ----------
    samples : ndarray of float32, shape (frames,)
        What the microphone heard.
    sample_rate : float
        In Hz.
    strokes : tuple of Stroke
        In order of time.
    parts : tuple of (str, float)
        Name of each part and where it begins, in seconds.
    """

    samples: NDArray[np.float32]
    sample_rate: float
    strokes: tuple[Stroke, ...]
    parts: tuple[tuple[str, float], ...]

    def until(self, frames: int) -> Performance:
        """Break off after a number of frames; a stroke too near that point to be heard counts as not played."""
        strokes = tuple(stroke for stroke in self.strokes if stroke.time_s < frames / self.sample_rate - TOO_LATE_S)
        return replace(self, samples=self.samples[:frames], strokes=strokes)


def perform(seconds: float = SECONDS, sample_rate: float = SAMPLE_RATE, seed: int = 1) -> Performance:
    """Play the performance.

    Parameters
    ----------
    seconds : float
        Where to break off at the latest; a stroke too near that point to be heard is not played.
    sample_rate : float
        In Hz, 8000 or more.
    seed : int
        Seed of the drummer's small irregularities, of the wires and of the microphone's noise.

    Returns
    -------
    Performance
    """
    chance = np.random.default_rng(seed)
    parts, score = _score()
    strokes = sorted(_as_a_human(score, chance), key=lambda stroke: stroke.time_s)
    strokes = [stroke for stroke in strokes if stroke.time_s < seconds - TOO_LATE_S]
    seconds = min(seconds, strokes[-1].time_s + _RING_S if strokes else seconds)
    samples = AcousticSnare().play(strokes, seconds, sample_rate, seed)
    samples = samples + _room(len(samples), sample_rate, chance)
    return Performance(samples.astype(np.float32), sample_rate, tuple(strokes), tuple(parts))


Note = tuple[float, float, float, Kind]
Part = tuple[float, list[Note]]


def _count_in() -> Part:
    return 4.0, [(beat, 0.5, 0.5, "stick") for beat in range(4)]


def _groove() -> Part:
    """Two bars: backbeats on two and four, and ghost notes some 25 dB softer on sixteenths between them."""
    back = [(beat, velocity, 0.25, kind) for beat, velocity, kind in _BACKBEATS]
    ghosts: list[Note] = [(beat, 0.045 + 0.02 * (i % 3), 0.45, "head") for i, beat in enumerate(_GHOSTS)]
    return 8.0, back + ghosts


_BACKBEATS: tuple[tuple[float, float, Kind], ...] = (
    (1.0, 0.75, "head"),
    (3.0, 0.8, "head"),
    (5.0, 0.75, "head"),
    (7.0, 0.9, "rimshot"),
)
_GHOSTS = (0.5, 1.75, 2.25, 2.5, 3.75, 4.25, 4.5, 5.75, 6.25, 6.5)


def _flams() -> Part:
    """Four main strokes, each with a grace note 40 to 50 ms before it; then two sidesticks."""
    notes: list[Note] = []
    for beat, gap_s in zip((0.0, 1.0, 1.5, 2.0), (0.048, 0.046, 0.044, 0.042), strict=True):
        notes += [(beat, 0.18, 0.4, "head"), (beat + gap_s / _BEAT_S, 0.65, 0.3, "head")]
    return 4.0, [*notes, (3.0, 0.5, 0.8, "sidestick"), (3.5, 0.7, 0.8, "sidestick")]


def _centre_to_edge() -> Part:
    """Eighths that move from the centre to the edge, each third one accented."""
    places = np.linspace(0.0, 0.92, 8)
    return 4.0, [(0.5 * i, 0.7 if i % 3 == 0 else 0.35, float(r), "head") for i, r in enumerate(places)]


def _double_stroke_roll() -> Part:
    """Sixteen strokes 50 ms apart that grow, each second one of a hand weaker."""
    return 2.0, [(0.1 * i, 0.08 * 1.13**i * (1.0 if i % 2 == 0 else 0.8), 0.35, "head") for i in range(16)]


def _press_roll() -> Part:
    """Strokes 17 ms apart that grow into an accent: each press of a stick bounces four times, ever weaker."""
    notes: list[Note] = []
    for hand in range(12):
        for bounce in range(5):
            beat = 0.034 * (5 * hand + bounce)
            notes.append((beat, 0.1 * 1.11**hand * 0.8**bounce, 0.3, "head"))
    return 3.0, [*notes, (2.04, 0.85, 0.3, "head")]


def _quiet() -> Part:
    """Seven strokes that sink from the level of a ghost note into the noise."""
    return 4.0, [(0.5 * i, velocity, 0.4, "head") for i, velocity in enumerate(_WHISPERS)]


_WHISPERS = (0.09, 0.07, 0.055, 0.044, 0.035, 0.027, 0.021)


def _end() -> Part:
    return 0.0, [(0.0, 1.0, 0.5, "rimshot")]


_PARTS = (
    ("count-in", _count_in),
    ("groove, ghost notes", _groove),
    ("flams, sidesticks", _flams),
    ("centre to edge", _centre_to_edge),
    ("double-stroke roll", _double_stroke_roll),
    ("press roll", _press_roll),
    ("quiet strokes", _quiet),
    ("rimshot", _end),
)


#: Why strokes of these parts go unheard, which is no fault.
HARD = {
    "press roll": "bounces 17 ms apart, which are meant to run together",
    "quiet strokes": "they sink into the noise on purpose",
}


def _score() -> tuple[list[tuple[str, float]], list[Stroke]]:
    """Put the parts one after the other: where each begins, and every stroke at its written place."""
    parts: list[tuple[str, float]] = []
    strokes: list[Stroke] = []
    start = _LEAD_S
    for name, part in _PARTS:
        beats, notes = part()
        # A hand may be early, so a part begins a little before its first beat.
        parts.append((name, start - _EARLY_S))
        strokes += [Stroke(start + beat * _BEAT_S, velocity, place, kind) for beat, velocity, place, kind in notes]
        start += beats * _BEAT_S
    return parts, strokes


def _as_a_human(score: Iterable[Stroke], chance: np.random.Generator) -> Iterator[Stroke]:
    """Small errors of time and force, in proportion to what a trained hand has."""
    for stroke in score:
        late, force = np.clip(chance.standard_normal(2), -2.0, 2.0)
        velocity = min(1.0, stroke.velocity * float(np.exp(_HUMAN_FORCE * force)))
        yield Stroke(stroke.time_s + _HUMAN_S * float(late), velocity, stroke.position, stroke.kind)


def _room(frames: int, sample_rate: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Noise of the microphone and hum of the mains."""
    time = np.arange(frames) / sample_rate
    hum = sum(share * np.sin(2.0 * np.pi * _HUM_HZ * n * time) for n, share in _HUM_HARMONICS)
    return db_to_gain(_NOISE_DB) * chance.standard_normal(frames) + db_to_gain(_HUM_DB) * np.asarray(hum)
