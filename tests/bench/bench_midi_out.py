"""MIDI going out: from a hit's publication until rtmidi has taken its note, over JACK, and what the process costs.

``python -m tests.bench.bench_midi_out [--hits 1000]``. Hits come from this process as the engine sends them.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from remapd.audio.priority import request_realtime_priority
from remapd.engine.layout import EVENT, EVENT_SLOTS
from remapd.engine.shared import SharedBlock
from remapd.engine.stamps import stamps_of
from remapd.sinks.midi.child import MidiProcess
from remapd.synth.registry import SYNTHS
from tests.bench.table import print_table
from tests.jack_pads import Pads
from tests.jack_server import jack_server
from tests.midi_hits import hit_record

TABLE = SYNTHS["snare808"].table
CONTROLS = (0, 1, len(TABLE.names))
#: Mean time between hits.
_GAP_S = 0.03
_PATIENCE_S = 60.0


def _sink(controls: int) -> dict[str, Any]:
    """A sink on the pads that moves so many controllers."""
    moved = [{"source": f"unit.{name}", "kind": "cc", "number": 20 + n} for n, name in enumerate(TABLE.names)]
    return {"kind": "midi", "port": "pads", "note_length_ms": 20.0, "controls": moved[:controls]}


def _values(chance: random.Random) -> dict[str, float]:
    return {p.name: p.minimum + chance.random() * (p.maximum - p.minimum) for p in TABLE}


class _Rig:
    """A MIDI process that is open, and the block that it stamps."""

    def __init__(self, controls: int) -> None:
        self._open = threading.Event()
        self.block = SharedBlock.create()
        self.process = MidiProcess(self._hear)
        begun = time.monotonic()
        self.process.start({"block": str(self.block.path), "sinks": [_sink(controls)]})
        assert self._open.wait(_PATIENCE_S)
        self.start_s = time.monotonic() - begun

    def _hear(self, report: dict[str, Any]) -> None:
        if report.get("sink", {}).get("state") == "open":
            self._open.set()

    def late_us(self, hits: int) -> np.ndarray:
        """Play hits with values that all change, and say how late each was."""
        chance, published = random.Random(1), np.zeros(hits, np.int64)
        has_priority = request_realtime_priority()  # As the engine's thread has, where that is granted.
        for n in range(hits):
            self.block.record["stamps"][n % EVENT_SLOTS]["sequence"] = n + 1
            data = hit_record(loudness=chance.random(), sequence=n + 1, values=_values(chance))
            event = np.frombuffer(data, EVENT).copy()
            time.sleep(chance.uniform(0.5, 1.5) * _GAP_S)
            event["published_ns"] = published[n] = time.monotonic_ns()
            self.process.socket.send(event.tobytes())
        if has_priority:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        time.sleep(0.2)
        stamped = np.array([stamps_of(self.block.record, n + 1).midi_ns for n in range(hits)])
        return (stamped - published)[stamped > 0] / 1000.0

    def close(self) -> float:
        """End it; returns how long that took, in s."""
        begun = time.monotonic()
        self.process.stop(5.0)
        self.block.close()
        return time.monotonic() - begun


def _burn() -> None:
    while True:
        pass


@contextlib.contextmanager
def _load(processes: int) -> Iterator[None]:
    """So many processes that compute all the time."""
    burning = [multiprocessing.get_context("spawn").Process(target=_burn, daemon=True) for _ in range(processes)]
    for process in burning:
        process.start()
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.join()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows(hits: int) -> Iterator[tuple[object, ...]]:
    """Lateness by the number of controllers and by what else the machine does."""
    for busy in (0, os.cpu_count() or 1):
        for controls in CONTROLS:
            rig = _Rig(controls)
            with _load(busy):
                begun_s, cpu_s = time.monotonic(), _cpu_s(rig.process.pid or 0)
                late_us = rig.late_us(hits)
                share = (_cpu_s(rig.process.pid or 0) - cpu_s) / (time.monotonic() - begun_s)
            stop_s = rig.close()
            figures = [f"{np.percentile(late_us, q) / 1000.0:.3f}" for q in (50, 99, 100)]
            shares = f"{100.0 * share:.1f}", f"{rig.start_s:.2f}", f"{stop_s:.2f}"
            yield busy, controls, hits - len(late_us), *figures, *shares


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=1000)
    hits = parser.parse_known_args()[0].hits
    with jack_server() as server:
        os.environ["JACK_DEFAULT_SERVER"] = server.name
        with Pads(server, "pads"):
            header = ("busy processes", "controllers", "lost", "p50 ms", "p99", "most", "CPU %", "start s", "stop s")
            title = "MIDI out over JACK (64 frames at 48 kHz): ms from publication until the note is handed over"
            print_table(title, header, rows(hits))


if __name__ == "__main__":
    main()
