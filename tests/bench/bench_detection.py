"""The detector on the recordings beside the checkout, next to the published one, and what it costs."""

from __future__ import annotations

import time

import numpy as np

from remapd.dsp.kernel import CHUNK_FRAMES, compiled
from remapd.onsets import detector
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.onsets.trace import analyse
from tests.bench.detection_metrics import Score, score
from tests.bench.published_detector import published_onsets
from tests.bench.table import print_table
from tests.recordings import (
    KITS,
    SNARES,
    Recording,
    audio_folder,
    kit_recording,
    negative_recordings,
    snare_performance,
)

SNARE_WINDOW_S, KIT_WINDOW_S = 0.010, 0.025
RATES = (44100, 48000, 88200, 96000)
#: Lag is where the onset is said to be, less where it is; decided is when the detector knew. A hit sounds after its
#: feature window, 5 ms, so a decision before that costs no time. The published detector knows where it says.
HEADER = (
    "recording", "onsets", "precision", "recall", "F", "lag ms", "p95", "decided ms", "published F", "recall", "lag ms"
)  # fmt: skip


def our_onsets(recording: Recording) -> np.ndarray:
    """Times in seconds at which the detector triggers with its default setting."""
    return analyse(recording.samples, recording.sample_rate).onsets_s


def decision_ms(recording: Recording) -> float:
    """Median time from the onset as reported to the decision, in ms."""
    found = [c for c in analyse(recording.samples, recording.sample_rate).candidates if c.accepted]
    return float(np.median([1000.0 * (c.decided_s - c.onset_s) for c in found])) if found else 0.0


def compare(recording: Recording, window_s: float) -> tuple[Score, Score]:
    """Scores of our detector and of the published one."""
    found = (our_onsets(recording), published_onsets(recording.samples, recording.sample_rate))
    ours, published = (score(recording.onsets_s, x, window_s, recording.optional_s) for x in found)
    return ours, published


def print_drums(title: str, recordings: list[Recording], window_s: float) -> None:
    """One row for each recording, and the mean of the F-measures."""
    rows, means = [], []
    for recording in recordings:
        ours, published = compare(recording, window_s)
        means.append((ours.f_measure, published.f_measure))
        figures = (ours.precision, ours.recall, ours.f_measure)
        lags = (ours.lag_ms(), ours.lag_ms(95), ours.lag_ms() + decision_ms(recording))
        other = (f"{published.f_measure:.3f}", f"{published.recall:.3f}", f"{published.lag_ms():.2f}")
        rows.append(
            (
                recording.name,
                len(recording.onsets_s),
                *(f"{x:.3f}" for x in figures),
                *(f"{x:.2f}" for x in lags),
                *other,
            )
        )
    mean, published_mean = np.mean(means, axis=0)
    rows.append(("mean", "", "", "", f"{mean:.3f}", "", "", "", f"{published_mean:.3f}", "", ""))
    print_table(title, HEADER, rows)


def print_negatives(recordings: list[Recording]) -> None:
    """Triggers where no drum is."""
    rows = []
    for recording in recordings:
        minutes = len(recording.samples) / recording.sample_rate / 60.0
        counts = len(our_onsets(recording)), len(published_onsets(recording.samples, recording.sample_rate))
        rows.append((recording.name, f"{60 * minutes:.1f}", *counts, *(f"{count / minutes:.1f}" for count in counts)))
    header = ("recording", "seconds", "triggers", "published", "a minute", "published")
    print_table("False triggers", header, rows)


@compiled
def _run(state, samples):
    count = 0
    for start in range(0, len(samples) - CHUNK_FRAMES, CHUNK_FRAMES):
        count += detector.detect(state, samples[start : start + CHUNK_FRAMES], CHUNK_FRAMES, start)
    return count


def ns_per_sample(sample_rate: int, silent: bool, seconds: int = 10) -> float:
    """CPU time of the detector for a sample of one track, the best of five runs."""
    noise = np.random.default_rng(0).standard_normal(seconds * sample_rate)
    decay = np.exp(-(np.arange(len(noise)) % (sample_rate // 4)) / (0.03 * sample_rate))
    samples = np.zeros(len(noise)) if silent else 0.1 * noise * decay
    times = []
    for _ in range(6):
        state = np.zeros(1, detector.STATE)[0]
        detector.reset(state, float(sample_rate))
        detector.configure(state, ONSET_PARAMETERS.default, float(sample_rate))
        begun = time.process_time()
        _run(state, samples)
        times.append(time.process_time() - begun)
    return 1e9 * min(times[1:]) / len(samples)


def main() -> None:
    """Print all tables; those on recordings only where the recordings are."""
    rows = [(rate, f"{ns_per_sample(rate, False):.1f}", f"{ns_per_sample(rate, True):.1f}") for rate in RATES]
    print_table("Cost of the detector in ns a sample", ("rate", "drums", "silence"), rows)
    folder = audio_folder()
    if folder is None:
        print("no recordings here: set REMAPD_AUDIO to their folder for the other tables")
        return
    snares = [snare_performance(folder, *names) for names in SNARES]
    print_drums("Snares, matched within 10 ms, hits with a jump under 3 dB left out", snares, SNARE_WINDOW_S)
    print_drums("Kits, matched within 25 ms", [kit_recording(folder, name) for name in KITS], KIT_WINDOW_S)
    print_negatives(negative_recordings(folder))


if __name__ == "__main__":
    main()
