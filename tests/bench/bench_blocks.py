"""Cost of the parts beneath the engine: the voice by preset, and the features by window and rate."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.features import descriptors
from remapd.synth import snare808
from remapd.synth.presets import load_preset
from tests.bench.table import print_table

RATE = 44100.0
HIT_FRAMES = 22016
PRESETS = Path(__file__).resolve().parents[2] / "models" / "presets"


@compiled
def _play(voice, values, out, hits, frames):
    for _ in range(hits):
        snare808.trigger(voice, values)
        for _ in range(0, frames, 64):
            snare808.render(voice, out, 0, 64)


@compiled
def _rest(voice, out, chunks):
    for _ in range(chunks):
        snare808.render(voice, out, 0, 64)


@compiled
def _measure(state, history, out, count):
    for i in range(count):
        descriptors.measure(state, history, 37 * i, out)


def _best_ns(function, *arguments, count, repeats=5):
    """Least time in ns of one of the `count` things the function does."""
    function(*arguments)
    times = []
    for _ in range(repeats):
        begun = time.perf_counter_ns()
        function(*arguments)
        times.append(time.perf_counter_ns() - begun)
    return min(times) / count


def voice_rows():
    voice, out = np.zeros(1, snare808.STATE)[0], np.zeros(64)
    snare808.reset(voice, RATE, 1)
    yield "at rest", f"{_best_ns(_rest, voice, out, 20000, count=64 * 20000):.2f}"
    longest = snare808.TABLE.default.copy()
    longest[4:8] = 2000.0
    named = [("all paths sound", longest), *((p.stem, load_preset(p).values) for p in sorted(PRESETS.glob("*.json")))]
    for name, values in named:
        cost = _best_ns(_play, voice, values, out, 50, HIT_FRAMES, count=50 * HIT_FRAMES)
        yield name, f"{cost:.1f}"


def feature_rows():
    history, out = np.random.default_rng(0).standard_normal(8192), np.empty(descriptors.N_FEATURES)
    for rate in (RATE, 48000.0, 96000.0):
        for window in (256, 2048):
            state = np.zeros(1, descriptors.STATE)[0]
            descriptors.prepare(state, descriptors.FeatureSpec(window_ms=1000.0 * window / 48000.0), rate)
            cost = _best_ns(_measure, state, history, out, 500, count=500)
            yield f"{rate:g}", window, int(state["frames"]), f"{cost / 1000.0:.2f}"


def main() -> None:
    print_table("Voice, one hit each half second", ("preset", "ns a sample"), voice_rows())
    print_table("Features", ("rate Hz", "window at 48 kHz", "samples", "us"), feature_rows())


if __name__ == "__main__":
    main()
