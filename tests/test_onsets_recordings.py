"""What the detector reaches on real recordings, less a small margin, with its one default setting."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from remapd.onsets.trace import analyse
from tests.bench.detection_metrics import Score, score
from tests.drum_signals import at_rate
from tests.recordings import (
    KITS,
    SNARES,
    Recording,
    kit_recording,
    negative_recordings,
    read_mono,
    require_audio_folder,
    snare_performance,
)


def measured(recording: Recording, window_s: float) -> Score:
    found = analyse(recording.samples, recording.sample_rate).onsets_s
    return score(recording.onsets_s, found, window_s, recording.optional_s)


@pytest.mark.parametrize(("snare", "name"), SNARES)
def test_snare_performances(snare, name):
    result = measured(snare_performance(require_audio_folder(), snare, name), 0.010)
    assert result.f_measure >= 0.98
    assert abs(result.lag_ms()) < 1.0


def test_kit_recordings():
    folder = require_audio_folder()
    results = {name: measured(kit_recording(folder, name), 0.025).f_measure for name in KITS}
    assert np.mean(list(results.values())) >= 0.93
    assert all(value >= 0.92 for name, value in results.items() if name != "Shadows"), results


def test_few_triggers_where_no_drum_is():
    counts = {
        recording.name: len(analyse(recording.samples, recording.sample_rate).onsets_s)
        for recording in negative_recordings(require_audio_folder())
    }
    textures = sum(count for name, count in counts.items() if name.startswith("texture_"))
    assert textures <= 1, counts
    assert counts.get("music_strings_hungarian_dance", 0) <= 15
    assert all(count <= 25 for name, count in counts.items() if name.startswith("speech_198")), counts


def head_hits(folder: Path, snare: str) -> tuple[list[np.ndarray], int]:
    """Single hits from their onset on, recorded near the drum, in the order of the list, and their sample rate."""
    hits, rate = [], 0
    with (folder / snare / "hits.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["mic"] in ("top", "snare_mic")]
    for row in rows:
        if row["zone"] in ("head", "centre"):
            samples, rate = read_mono(folder / snare / row["file"])
            hits.append(samples[round(float(row["onset_in_file_s"]) * rate) :])
    return hits, rate


def flams(folder: Path, snare: str, gap_ms: float) -> Recording:
    """Grace notes, 10 dB softer than the main notes after them, one flam a second."""
    hits, rate = head_hits(folder, snare)
    main = sorted(hits, key=lambda hit: np.abs(hit).max())[len(hits) // 2 :]
    sound, times = 1e-4 * np.random.default_rng(0).standard_normal(rate * (len(main) + 1)), []
    for i, hit in enumerate(main):
        grace = hits[i] * (np.abs(hit).max() / np.abs(hits[i]).max() * 10 ** (-10 / 20))
        for part, start_s in ((grace, i + 0.5), (hit, i + 0.5 + gap_ms / 1000)):
            start = round(start_s * rate)
            stop = min(len(sound), start + len(part))
            sound[start:stop] += part[: stop - start]
            times.append(start / rate)
    return Recording(f"{snare} flams", 0.5 * sound / np.abs(sound).max(), rate, np.array(times), np.zeros(0))


@pytest.mark.parametrize("snare", sorted({snare for snare, _ in SNARES}))
@pytest.mark.parametrize(("gap_ms", "floor"), [(30, 0.87), (40, 0.97), (50, 0.97)])
def test_flams_of_real_hits(snare, gap_ms, floor):
    assert measured(flams(require_audio_folder(), snare, gap_ms), 0.010).f_measure >= floor


@pytest.mark.parametrize("sample_rate", [48000, 88200, 96000])
def test_sample_rates_agree(sample_rate):
    original = snare_performance(require_audio_folder(), "snare_fs14x8al", "performance_b_noise")
    samples = at_rate(original.samples, sample_rate, original.sample_rate)
    found = analyse(samples, sample_rate).onsets_s
    result = score(original.onsets_s, found, 0.010, original.optional_s)
    assert result.f_measure >= 0.97
    assert abs(result.lag_ms()) < 1.0
