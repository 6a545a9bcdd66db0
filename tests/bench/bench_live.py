"""The live engine on a JACK server in real time, at rest and while Python burns all CPUs, inside its process as well.

``python -m tests.bench.bench_live [--seconds 60]``. A drummer, another client of the server, plays the demo's
performance over and over.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from remapd.audio.backend import StreamSettings
from remapd.daemon.supervisor import Supervisor
from remapd.demo.performance import perform
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.engine import Engine
from remapd.engine.events import HitEvent
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Spec
from remapd.mapping.library import load_model_named
from tests.bench.table import print_table
from tests.bench.timed_engine import TIMES
from tests.jack_drummer import drummer
from tests.jack_server import JackServer

RATE, PERIOD = 48000, 64
PERIOD_US = 1e6 * PERIOD / RATE
_READY_S = 120.0
_BURN = "x = 0\nwhile True: x += 1"


@dataclass(frozen=True)
class Load:
    """Who burns CPU: processes, threads of the control process, threads of the engine's own process."""

    name: str
    processes: int
    control_threads: int
    engine_threads: int


LOADS = (
    Load("at rest", 0, 0, 0),
    Load("busy machine", 2, 0, 0),
    Load("busy machine and processes", 2, 2, 2),
)


@dataclass(frozen=True)
class Result:
    """What came of one run."""

    times: np.ndarray
    callbacks: int
    xruns: int
    fed: int
    found: int
    received: int
    lost: int
    dropped: int
    stolen_ms: int


def start_server() -> JackServer:
    """The server of the benchmark; without real-time scheduling where that is refused."""
    try:
        return JackServer(("-r", "-R", "-P70"), RATE, PERIOD)
    except RuntimeError:
        print("no real-time scheduling here: jackd runs without -R, so expect late cycles of its own making")
        return JackServer(("-r",), RATE, PERIOD)


def samples(seconds: float) -> np.ndarray:
    """The performance, repeated."""
    once = perform(sample_rate=float(RATE)).samples
    return np.resize(once, round(seconds * RATE)).astype(np.float32)


def hits_in(played: np.ndarray) -> int:
    """How many hits the engine finds in the same samples without a device."""
    engine = Engine(float(RATE), 1, 2, [TrackSetup(load_model_named("velocity"))])
    found, block = 0, 4096
    padded = np.pad(played, (0, -len(played) % block)).reshape(-1, block, 1)
    sink = np.zeros((block, 2), np.float32)
    for source in padded:
        engine.process(np.ascontiguousarray(source), sink)
        found += sum(isinstance(event, HitEvent) for event in engine.events.read())
    return found


def measure(load: Load, server: JackServer, path: Path, expected: int) -> Result:
    """Play once under a load."""
    times_path = path.with_suffix(".times")
    times = np.memmap(times_path, TIMES, "w+", shape=(1,))
    shared = SharedBlock.create()
    control = EngineControl(shared)
    control.set_up([TrackSetup(load_model_named("velocity"))])
    command = [sys.executable, "-m", "tests.bench.timed_engine", str(times_path), str(load.engine_threads)]
    supervisor = Supervisor(Spec(str(shared.path), StreamSettings()), print, command=command)
    supervisor.start()
    try:
        deadline = time.monotonic() + _READY_S
        while supervisor.playing is None:
            if supervisor.wait(0.05) or time.monotonic() > deadline:
                raise SystemExit(f"the engine does not play: {supervisor.failure}")
        return _play(load, server, path, expected, control, times)
    finally:
        supervisor.stop()
        shared.close()


def _play(
    load: Load, server: JackServer, path: Path, expected: int, control: EngineControl, times: np.ndarray
) -> Result:
    player, stop = drummer(server, path), threading.Event()
    burners = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(load.processes)]
    for _ in range(load.control_threads):
        threading.Thread(target=_burn_until, args=(stop,), daemon=True).start()
    before, received, stolen_ms = control.status(), 0, _stolen_ms()
    times["active"] = 1
    try:
        while player.poll() is None:
            received += _hits(control)
            time.sleep(0.03)
        time.sleep(0.2)
        received += _hits(control)
    finally:
        times["active"] = 0
        stop.set()
        for burner in burners:
            burner.kill()
            burner.wait()
    after = control.status()
    return Result(
        np.array(times[0]),
        after.callbacks - before.callbacks,
        after.xruns - before.xruns,
        expected,
        after.hits[0] - before.hits[0],
        received,
        control.events.lost,
        after.hits_dropped,
        _stolen_ms() - stolen_ms,
    )


def _stolen_ms() -> int:
    """CPU time that the host of a virtual machine gave to others, in ms, where it says so."""
    try:
        return 10 * int(Path("/proc/stat").read_text().split()[8])
    except OSError:
        return 0


def _hits(control: EngineControl) -> int:
    return sum(isinstance(event, HitEvent) for event in control.events.read())


def _burn_until(stop: threading.Event) -> None:
    x = 0
    while not stop.is_set():
        x += 1


def _quantiles(histogram: np.ndarray, longest_ns: int) -> str:
    cumulative = np.cumsum(histogram)
    p50, p99 = (int(np.searchsorted(cumulative, share * cumulative[-1])) + 1 for share in (0.5, 0.99))
    return f"{p50} / {p99} / {longest_ns / 1000:.0f}"


def main(seconds: float = 60.0) -> None:
    """Run every load and print the tables."""
    played = samples(seconds)
    expected = hits_in(played)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "performance.npy"
        np.save(path, played)
        server = start_server()
        os.environ.update(server.environment)
        try:
            for load in LOADS:
                result = measure(load, server, path, expected)
                wall, cpu = result.times["wall_us"], result.times["cpu_us"]
                half = int(PERIOD_US / 2)
                rows.append(
                    (
                        load.name,
                        result.callbacks,
                        _quantiles(cpu, result.times["longest_ns"][1]),
                        _quantiles(wall, result.times["longest_ns"][0]),
                        f"{cpu[half:].sum()} / {wall[half:].sum()}",
                        f"{result.times['faults']} / {result.times['switches']}",
                        result.stolen_ms,
                        result.xruns,
                        f"{result.fed} / {result.found} / {result.received}",
                        f"{result.lost} / {result.dropped}",
                    )
                )
        finally:
            server.stop()
    print_table(
        f"Live on jackd -d dummy, {RATE} Hz, {PERIOD} frames ({PERIOD_US:.0f} us), {seconds:g} s of drumming; "
        "durations in us: p50 / p99 / max",
        (
            "load",
            "callbacks",
            "CPU time",
            "wall clock",
            "over half a period: CPU / wall",
            "page faults / switches",
            "stolen ms",
            "xruns",
            "hits: in file / found / received",
            "events lost / hits dropped",
        ),
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    main(parser.parse_args().seconds)
