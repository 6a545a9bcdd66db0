"""Engines and sounds for tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remapd.engine.control import TrackSetup
from remapd.engine.engine import Engine
from remapd.engine.events import HitEvent
from remapd.mapping.library import load_model_named

RATE = 48000.0


def hits(times_s: list[float], length_s: float, rate: float = RATE, level: float = 0.5, seed: int = 1) -> NDArray:
    """Decaying noise bursts with a body, mono, float32 (n, 1)."""
    rng = np.random.default_rng(seed)
    n = round(length_s * rate)
    out = np.zeros(n)
    for time_s in times_s:
        start = round(time_s * rate)
        t = np.arange(min(n - start, round(0.25 * rate))) / rate
        noise = rng.uniform(-1, 1, len(t)) * np.exp(-t / 0.03)
        out[start : start + len(t)] += level * (0.6 * noise + 0.6 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.06))
    return out.astype(np.float32).reshape(-1, 1)


def make_engine(tracks: int = 1, rate: float = RATE, outputs: int = 2, **parameters: float) -> Engine:
    setup = TrackSetup(load_model_named("velocity"), parameters=parameters)
    return Engine(rate, 1, outputs, [setup] * tracks)


def play(engine: Engine, source: NDArray, block: int | None = None) -> NDArray:
    """Run `source` through in blocks of `block` frames; returns (n, outputs)."""
    outputs = int(engine.shared.record["status"]["output_channels"])
    sink = np.zeros((len(source), outputs), np.float32)
    block = block or len(source)
    for start in range(0, len(source), block):
        part = np.zeros((min(block, len(source) - start), outputs), np.float32)
        engine.process(np.ascontiguousarray(source[start : start + block]), part)
        sink[start : start + block] = part
    return sink


def hits_of(engine: Engine) -> list[HitEvent]:
    return [e for e in engine.events.read() if isinstance(e, HitEvent)]
