"""The engine's own cost: ns a sample by number of tracks, block times by block size, a trigger, and the start."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from remapd.demo.performance import perform
from remapd.dsp.kernel import compiled
from remapd.engine.control import TrackSetup
from remapd.engine.engine import Engine
from remapd.engine.events import HitEvent
from remapd.engine.native import clock_ns
from remapd.engine.process import process_block
from remapd.mapping.library import load_model_named
from tests.bench.table import print_table

RATE = 44100.0
TRACKS = (1, 8, 32)
BLOCKS = (32, 64, 128)
#: TorchDrum's C++ engine, built with -O3 and libtorch on a machine of this kind: whole chain, and a trigger.
REFERENCE_NS = "125 to 135"
REFERENCE_TRIGGER_US = "110 to 113"


@compiled
def _drive(shared, state, source, sink, block, times, clock):
    """Feed `source` in blocks, as a device would, and note how long each took in ns."""
    for b in range(len(times)):
        first = b * block
        begun = clock_ns(clock)
        process_block(shared, state, source[first : first + block], sink, block)
        times[b] = clock_ns(clock) - begun


def performance(rate: float = RATE) -> np.ndarray:
    return np.ascontiguousarray(perform(sample_rate=rate).samples.reshape(-1, 1), np.float32)


def drive(engine: Engine, source: np.ndarray, block: int) -> np.ndarray:
    """Durations in ns of each block."""
    times = np.zeros(len(source) // block, np.int64)
    sink = np.zeros((block, 2), np.float32)
    _drive(engine.shared.record, engine._state, source, sink, block, times, np.zeros(2, np.int64))
    return times


def make_engine(tracks: int, parameters: dict[str, float] | None = None) -> Engine:
    setup = TrackSetup(load_model_named("velocity"), parameters=parameters or {})
    engine = Engine(RATE, 1, 2, [setup] * tracks)
    engine.warm_up()
    return engine


def bench_tracks(source: np.ndarray) -> None:
    silence = np.zeros_like(source)
    rows = []
    for tracks in TRACKS:
        engine = make_engine(tracks)
        cells = []
        for signal in (source, silence):
            best = min(_ns_per_sample(engine, signal) for _ in range(3))
            cells.append(best)
        rows.append((tracks, f"{cells[0]:.1f}", f"{cells[0] / tracks:.1f}", f"{cells[1] / tracks:.1f}"))
    print_table(
        f"CPU time in ns a sample at {RATE:g} Hz, blocks of 64, best of 3 (TorchDrum's C++: {REFERENCE_NS}, one track)",
        ("tracks", "performance", "per track", "silence, per track"),
        rows,
    )


def _ns_per_sample(engine: Engine, source: np.ndarray) -> float:
    engine.reset()
    return float(drive(engine, source, 64).sum()) / len(source)


def bench_blocks(source: np.ndarray) -> None:
    rows = []
    for block in BLOCKS:
        engine = make_engine(1)
        drive(engine, source, block)
        engine.reset()
        us = drive(engine, source, block) / 1000
        period = block / RATE * 1e6
        quantiles = [f"{x:.1f}" for x in (*np.percentile(us, (50, 99)), us.max())]
        rows.append((block, f"{period:.0f}", *quantiles))
    print_table("Block time in us, one track", ("frames", "period", "p50", "p99", "max"), rows)


def bench_trigger(source: np.ndarray) -> None:
    """What a block with a hit takes more than the blocks around it."""
    engine, block = make_engine(1), 64
    us = drive(engine, source, block) / 1000
    hits = [e for e in engine.events.read() if isinstance(e, HitEvent)]
    blocks = [int(round(e.trigger_s * RATE) // block) for e in hits]
    extra = np.array([us[b] - np.median(us[b + 2 : b + 12]) for b in blocks])
    print_table(
        f"One trigger in us: features, mapper, voice, event (TorchDrum's C++: {REFERENCE_TRIGGER_US}, first call 5900)",
        ("hits", "first", "p50", "p99", "max"),
        [(len(hits), *(f"{x:.1f}" for x in (extra[0], *np.percentile(extra, (50, 99)), extra.max())))],
    )


_START = """
import time; begun = time.monotonic()
import numpy as np
from remapd.engine.engine import Engine
from remapd.engine.control import TrackSetup
from remapd.mapping.library import load_model_named
engine = Engine(44100.0, 1, 2, [TrackSetup(load_model_named("velocity"))])
engine.warm_up(); engine.callback_address
engine.process(np.zeros((64, 1), np.float32), np.zeros((64, 2), np.float32))
print(time.monotonic() - begun)
"""


def bench_start() -> None:
    rows = []
    for label in ("first (after a change may compile)", "again", "again"):
        begun = time.monotonic()
        inside = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True).stdout
        rows.append((label, f"{float(inside):.2f}", f"{time.monotonic() - begun:.2f}"))
    print_table("Start to first audio block in s", ("run", "in the process", "whole process"), rows)


def main() -> None:
    source = performance()
    bench_tracks(source)
    bench_blocks(source)
    bench_trigger(source)
    bench_start()


if __name__ == "__main__":
    main()
