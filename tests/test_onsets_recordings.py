"""What the detector reaches on real recordings, less a small margin, with its one default setting."""

from __future__ import annotations

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
    assert np.mean(list(results.values())) >= 0.92
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


@pytest.mark.parametrize("sample_rate", [48000, 88200, 96000])
def test_sample_rates_agree(sample_rate):
    original = snare_performance(require_audio_folder(), "snare_fs14x8al", "performance_b_noise")
    samples = at_rate(original.samples, sample_rate, original.sample_rate)
    found = analyse(samples, sample_rate).onsets_s
    result = score(original.onsets_s, found, 0.010, original.optional_s)
    assert result.f_measure >= 0.97
    assert abs(result.lag_ms()) < 1.0
