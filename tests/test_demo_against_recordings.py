"""How near the modelled snare comes to three recorded ones; run with ``-s`` to see the figures."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from numpy.typing import NDArray

from remapd.demo.acoustic_snare import AcousticSnare, Stroke
from remapd.features.descriptors import FEATURES, measure_array
from tests.recordings import read_mono, require_audio_folder

Array = NDArray[np.float64]

RATE = 48000.0
DRUMS = (("snare_fs14x65maple", "top"), ("snare_fs14x8al", "top"), ("snare_gogodze", "snare_mic"))
ZONES = {
    "head": ("head", "centre", "edge"),
    "sidestick": ("sidestick",),
    "rimshot": ("rimshot", "head", "centre", "edge"),
}
MODELLED = {
    "head": [(v, r) for v in (0.1, 0.2, 0.4, 0.7, 1.0) for r in (0.1, 0.3, 0.5, 0.7)],
    "sidestick": [(v, 0.8) for v in (0.15, 0.3, 0.6, 1.0)],
    "rimshot": [(v, 0.5) for v in (0.5, 0.8, 1.0)],
}
BANDS_HZ = ((150.0, 600.0), (600.0, 2500.0), (2500.0, 5000.0), (5000.0, 10000.0))
#: Features, then level of each band relative to the whole (dB), then the decay of each (ms).
SIZE = len(FEATURES) + 2 * len(BANDS_HZ)


def described(samples: Array, rate: float) -> Array:
    """Onset features, the share of each band in the first 100 ms, and the time in which each falls by 60 dB."""
    onset = int(np.argmax(np.abs(samples) > 0.0316 * np.abs(samples).max()))
    x = np.pad(samples[onset:], (0, round(0.3 * rate)))[: round(0.3 * rate)]
    size, hop = round(0.02 * rate), round(0.005 * rate)
    frames = np.lib.stride_tricks.sliding_window_view(x, size)[::hop] * np.hanning(size)
    power, frequency = np.abs(np.fft.rfft(frames, axis=1)) ** 2, np.fft.rfftfreq(size, 1.0 / rate)
    time_ms = np.arange(len(frames)) * 5.0
    whole = power[time_ms < 100.0].sum()
    shares, decays = [], []
    for low, high in BANDS_HZ:
        band = power[:, (frequency >= low) & (frequency < high)].sum(axis=1) + 1e-12
        shares.append(10.0 * np.log10(band[time_ms < 100.0].sum() / whole))
        within = (time_ms > 20.0) & (time_ms < 150.0)
        decays.append(-60.0 / np.polyfit(time_ms[within], 10.0 * np.log10(band[within]), 1)[0])
    return np.array([*measure_array(x, rate), *shares, *decays])


@pytest.fixture(scope="module")
def recorded() -> dict[str, Array]:
    folder = require_audio_folder()
    found: dict[str, list[Array]] = {kind: [] for kind in ZONES}
    for drum, microphone in DRUMS:
        with (folder / drum / "hits.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["mic"] == microphone and row["round_robin"] == "1"]
        for row in rows:
            for kind, zones in ZONES.items():
                if row["zone"] in zones:
                    found[kind].append(described(*read_mono(folder / drum / row["file"])))
    return {kind: np.array(rows) for kind, rows in found.items()}


@pytest.mark.parametrize("kind", sorted(ZONES))
def test_model_stays_within_reach_of_real_snares(recorded: dict[str, Array], kind: str) -> None:
    drum = AcousticSnare()
    modelled = np.array(
        [described(drum.play([Stroke(0.0, v, r, kind)], 0.5, RATE), RATE) for v, r in MODELLED[kind]]  # type: ignore[arg-type]
    )
    names = [*FEATURES.names, *(f"share {low:g}" for low, _ in BANDS_HZ), *(f"decay_ms {low:g}" for low, _ in BANDS_HZ)]
    recordings, model = ((x.min(axis=0), np.median(x, axis=0), x.max(axis=0)) for x in (recorded[kind], modelled))
    for row in zip(names, *recordings, *model, strict=True):
        print("{:<14} recorded {:7.1f} {:7.1f} {:7.1f}   modelled {:7.1f} {:7.1f} {:7.1f}".format(*row))
    (low, _, high), (_, middle, _) = recordings, model
    # The middle of what the model plays lies among the recordings, but for a little.
    slack = np.array([3.0, 2.0, 5.0, 4.0, 4.0, 3.0, 2.0] + [4.0] * len(BANDS_HZ) + [60.0] * len(BANDS_HZ))
    assert np.all(middle >= low - slack), [names[i] for i in np.flatnonzero(middle < low - slack)]
    assert np.all(middle <= high + slack), [names[i] for i in np.flatnonzero(middle > high + slack)]
