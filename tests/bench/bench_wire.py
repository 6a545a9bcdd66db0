"""From a full window to a packet on loopback: the native sender of a real engine process, and one in Python beside it.

``python -m tests.bench.bench_wire [--seconds 60]``. The engine hears the demo's performance on a virtual device, and
on a JACK server, with 64 frames a block. When a packet arrived is the kernel's word (``SO_TIMESTAMPNS``).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile

from remapd.audio.backend import StreamSettings
from remapd.daemon.child import EngineChild
from remapd.demo.performance import SAMPLE_RATE, perform
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.events import EventReader, HitEvent
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Spec
from remapd.mapping.library import load_model_named
from remapd.sinks.plan_file import write_plan
from remapd.sinks.wire.sender import wall_clock_offset_ns
from tests.bench.bench_live import start_server
from tests.bench.table import print_table
from tests.engine_sinks import osc
from tests.jack_drummer import drummer

_TIMESTAMPNS = 35
_BURN = "x = 0\nwhile True: x += 1"
_READ_S = 0.05
#: What the drummer plays at most: more than a minute.
_PERFORMANCES = 5
_BUSY_PROCESSES = os.cpu_count() or 1


@dataclass(frozen=True)
class Load:
    """Who burns CPU: processes, threads of this process (the control plane's place), threads beside a Python sender."""

    name: str
    processes: int = 0
    threads: int = 0
    beside: int = 0


AT_REST, BUSY = Load("at rest"), Load("busy", _BUSY_PROCESSES, 2)
BUSY_BESIDE = Load("busy, and a busy thread in its process", _BUSY_PROCESSES, 2, 1)


class Receiver:
    """Takes packets; the kernel says when each came."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.times_ns: list[int] = []
        self.offset_ns = wall_clock_offset_ns()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                _, extra, _, _ = self.socket.recvmsg(9000, 64)
                seconds, ns = struct.unpack("qq", extra[0][2])
                self.times_ns.append(seconds * 10**9 + ns - self.offset_ns)

    def arrival_ns(self, sent_ns: int) -> int:
        """When the packet came that was sent by then: the kernel delivers to itself before it returns to the sender."""
        return self.times_ns[bisect_right(self.times_ns, sent_ns) - 1]


@contextlib.contextmanager
def burning(load: Load) -> Iterator[None]:
    """Burn CPU meanwhile."""
    stop = threading.Event()

    def burn() -> None:
        x = 0
        while not stop.is_set():
            x += 1

    processes = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(load.processes)]
    threads = [threading.Thread(target=burn) for _ in range(load.threads)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for process in processes:
            process.kill()
            process.wait()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def native_sender(block: SharedBlock, sound: Path, port: int, _: Load) -> Iterator[None]:
    """An engine process with one sink."""
    with engine_process(block, settings(sound), sound.parent, port):
        yield


@contextlib.contextmanager
def native_on_jack(block: SharedBlock, sound: Path, port: int, _: Load) -> Iterator[None]:
    """The same on a JACK server, where another client drums."""
    server = start_server()
    path = sound.with_suffix(".npy")
    np.save(path, np.tile(soundfile.read(sound, dtype="float32")[0], _PERFORMANCES))
    with mock.patch.dict(os.environ, server.environment):
        with engine_process(block, StreamSettings(host_api="JACK"), sound.parent, port):
            player = drummer(server, path)
            drumming = EventReader(block.record)
            while not drumming.read() and player.poll() is None:
                time.sleep(_READ_S)
            yield
            player.terminate()
            player.wait()
        server.stop()


@contextlib.contextmanager
def engine_process(block: SharedBlock, stream: StreamSettings, folder: Path, port: int) -> Iterator[None]:
    plan = folder / "sinks.json"
    write_plan(plan, [osc("a", port)])
    child = EngineChild(Spec(str(block.path), stream, sinks=str(plan)))
    reports = child.reports()
    next(report for report in reports if "playing" in report)
    threading.Thread(target=lambda: list(reports), daemon=True).start()
    yield
    child.stop()


@contextlib.contextmanager
def python_sender(block: SharedBlock, sound: Path, port: int, load: Load) -> Iterator[None]:
    """An engine and a Python thread."""
    command = [sys.executable, "-m", "tests.bench.python_sender", str(block.path), str(sound), str(port)]
    child = subprocess.Popen(
        [*command, str(load.beside)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()
    yield
    child.stdin.close()
    child.wait()


def settings(sound: Path) -> StreamSettings:
    return StreamSettings(backend="virtual", input_file=str(sound), loop=True, block_size=64)


def measure(sender, load: Load, seconds: float) -> tuple[list[HitEvent], Receiver]:
    """Play for so long; the hits, and when their packets came."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "performance.wav"
        soundfile.write(sound, perform().samples, round(SAMPLE_RATE), subtype="FLOAT")
        block, receiver = SharedBlock.create(), Receiver()
        EngineControl(block).set_up([TrackSetup(load_model_named("velocity"))])
        reader, hits = EventReader(block.record), []
        with sender(block, sound, receiver.port, load), burning(load):
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                time.sleep(_READ_S)
                hits += [event for event in reader.read(10_000_000) if isinstance(event, HitEvent)]
        receiver.socket.close()
        block.close()
    return hits, receiver


def row(name: str, sender, load: Load, seconds: float) -> tuple[object, ...]:
    """Figures of one run, in ms."""
    hits, receiver = measure(sender, load, seconds)
    hits = [hit for hit in hits if hit.sent_ns]
    arrival = [1e-6 * (receiver.arrival_ns(hit.sent_ns) - hit.published_ns) for hit in hits]
    sent = [1e-6 * (hit.sent_ns - hit.published_ns) for hit in hits]
    block = [1e-6 * (hit.sent_ns - hit.block_ns) for hit in hits]
    return (name, load.name, len(hits), len(receiver.times_ns), figures(arrival), figures(sent), figures(block))


def figures(values: list[float]) -> str:
    """Median, 99th percentile and greatest."""
    if not values:
        return "-"
    return " / ".join(f"{x:.3f}" for x in (*np.percentile(values, (50, 99)), max(values)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_known_args()[0].seconds
    runs = [("native", native_sender, AT_REST), ("native", native_sender, BUSY)]
    if shutil.which("jackd"):
        runs += [("native, JACK", native_on_jack, load) for load in (AT_REST, BUSY)]
    runs += [("python-osc", python_sender, load) for load in (AT_REST, BUSY, BUSY_BESIDE)]
    rows = [row(*run, seconds) for run in runs]
    header = ("sender", "load", "hits", "packets", "window full to arrival", "window full to sent", "block to sent")
    print_table("A hit on its way to loopback, p50 / p99 / max in ms", header, rows)


if __name__ == "__main__":
    main()
