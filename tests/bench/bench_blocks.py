"""Cost of the parts beneath the engine: the voice by synth and preset, and the features by window and rate."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.features import descriptors
from remapd.synth.presets import load_preset
from remapd.synth.registry import (
    SYNTHS,
    VOICE,
    render_voice,
    reset_voice,
    silence_voice,
    synth_id,
    trigger_voice,
)
from tests.bench.table import print_table

RATE = 44100.0
HIT_FRAMES = 22016
PRESETS = Path(__file__).resolve().parents[2] / "models" / "presets"


@compiled
def _play(voice, synth_id, values, out, hits, frames):
    for _ in range(hits):
        trigger_voice(voice, synth_id, values)
        for _ in range(0, frames, 64):
            render_voice(voice, out, 0, 64)


@compiled
def _rest(voice, out, chunks):
    for _ in range(chunks):
        render_voice(voice, out, 0, 64)


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
    voice, out = np.zeros(1, VOICE)[0], np.zeros(64)
    reset_voice(voice, RATE, 1)
    yield "at rest", "", f"{_best_ns(_rest, voice, out, 20000, count=64 * 20000):.2f}"
    presets = [load_preset(path) for path in sorted(PRESETS.glob("*.json"))]
    for synth in SYNTHS.values():
        longest = synth.table.default.copy()
        decays = [name.endswith(".decay") for name in synth.table.names]
        longest[decays] = synth.table.maximum[decays]
        named = [("all paths sound", longest), *((p.name, p.values) for p in presets if p.synth == synth.name)]
        for name, values in named:
            silence_voice(voice)
            arguments = voice, synth_id(synth.name), values, out, 50, HIT_FRAMES
            yield synth.name, name, f"{_best_ns(_play, *arguments, count=50 * HIT_FRAMES):.1f}"


def feature_rows():
    history, out = np.random.default_rng(0).standard_normal(8192), np.empty(descriptors.N_FEATURES)
    for rate in (RATE, 48000.0, 96000.0):
        for window in (256, 2048):
            state = np.zeros(1, descriptors.STATE)[0]
            descriptors.prepare(state, descriptors.FeatureSpec(window_ms=1000.0 * window / 48000.0), rate)
            cost = _best_ns(_measure, state, history, out, 500, count=500)
            yield f"{rate:g}", window, int(state["frames"]), f"{cost / 1000.0:.2f}"


def main() -> None:
    print_table("Voice, one hit each half second", ("synth", "preset", "ns a sample"), voice_rows())
    print_table("Features", ("rate Hz", "window at 48 kHz", "samples", "us"), feature_rows())


if __name__ == "__main__":
    main()
