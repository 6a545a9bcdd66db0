"""Gaps in the sound when a process dies or the device changes, and what recording costs the callback.

All on a virtual device at 64 frames and 48 kHz. A gap is the time between the last block of the engine before and the
first of the one after, by the engines' own clock. ``python -m tests.bench.bench_processes N`` lets N other processes
burn CPU meanwhile.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from remapd.audio.backend import StreamSettings
from remapd.daemon.adoption import find_orphan
from remapd.daemon.supervisor import Supervisor
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Spec
from remapd.mapping.library import load_model_named
from tests.bench.table import print_table
from tests.parents import ParentProcess

TURNS = 5
STREAM = StreamSettings(backend="virtual")
_BURN = "while True: pass"


class Watched:
    """A supervised engine whose reports can be awaited."""

    def __init__(self, shared: SharedBlock, **options: Any) -> None:
        self.shared, self.control = shared, EngineControl(shared)
        self._arrived = threading.Condition()
        self._reports: list[dict[str, Any]] = []
        spec = options.pop("spec", Spec(str(shared.path), STREAM))
        self.supervisor = Supervisor(spec, lambda line: None, lambda: self.control.mark_running(False), **options)
        self.supervisor.on_report.append(self._take)
        self.supervisor.start()
        self.await_report("playing")

    def _take(self, report: dict[str, Any]) -> None:
        with self._arrived:
            self._reports.append(report)
            self._arrived.notify_all()

    def await_report(self, name: str, state: str | None = None) -> Any:
        """The next report of that name."""
        with self._arrived:
            while True:
                while self._reports:
                    report = self._reports.pop(0)
                    if name in report and (state is None or report[name]["state"] == state):
                        return report[name]
                if not self._arrived.wait(120.0):
                    raise SystemExit(f"no report of {name}: {self.supervisor.failure}")

    def gap_s(self, cause: Any) -> float:
        """Time without a block after `cause` and until the next engine plays."""
        status = self.shared.record["status"]
        cause()
        self.await_report("ended")
        last, count = int(status["last_callback_ns"]), int(status["callbacks"])
        while int(status["callbacks"]) == count:
            time.sleep(0.0005)
        first = int(status["last_callback_ns"])
        self.await_report("playing")
        return (first - last) / 1e9


def new_block() -> SharedBlock:
    shared = SharedBlock.create()
    EngineControl(shared).set_up([TrackSetup(load_model_named("velocity"))])
    return shared


def restarts() -> list[tuple[str, list[float]]]:
    """Gaps of an engine that is killed, and of a device that is changed."""
    watched = Watched(new_block())
    pids = []

    def kill() -> None:
        pids.append(watched.supervisor.engine_pid)
        os.kill(pids[-1], signal.SIGKILL)

    killed, reopened = [], []
    for turn in range(TURNS):
        time.sleep(10.5 if turn else 1.0)  # After steady play a crash counts as the first.
        killed.append(watched.gap_s(kill))
    for turn in range(TURNS):
        size = 64 << (turn % 2)
        reopened.append(watched.gap_s(lambda size=size: watched.supervisor.reopen(STREAM.changed(block_size=size))))
    watched.supervisor.stop()
    watched.shared.close()
    return [("engine killed", killed), ("device opened anew", reopened)]


def adoptions() -> tuple[list[float], int, int]:
    """Time until control is back after it was killed, late blocks meanwhile, and blocks of the engine."""
    times, late, blocks = [], 0, 0
    for _ in range(TURNS):
        with tempfile.TemporaryDirectory() as folder:
            parent = ParentProcess(Path(folder), STREAM)
            status = EngineControl(SharedBlock.attach(parent.block)).shared.record["status"]
            xruns, callbacks = int(status["xruns"]), int(status["callbacks"])
            parent.kill()
            begun = time.monotonic()
            orphan = find_orphan(Path(folder))
            assert orphan is not None
            watched = Watched(orphan.shared, spec=orphan.spec, found=orphan.link)
            times.append(time.monotonic() - begun)
            time.sleep(1.0)
            late, blocks = late + int(status["xruns"]) - xruns, blocks + int(status["callbacks"]) - callbacks
            watched.supervisor.stop()
            orphan.shared.close()
    return times, late, blocks


def recording(channels: int, seconds: float = 10.0) -> list[tuple[object, ...]]:
    """Durations of callbacks without and with a recording."""
    shared = new_block()
    watched = Watched(shared, spec=Spec(str(shared.path), STREAM.changed(input_channels=channels)))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("", "wav", "flac"):
            if kind:
                order = {"path": f"{folder}/take.{kind}", "format": kind, "max_s": 600.0}
                watched.supervisor.order({"record": order})
                watched.await_report("recording", "recording")
            watched.control.reset_meters()
            time.sleep(seconds)
            status = watched.control.status()
            dropped: object = "-"
            if kind:
                watched.supervisor.order({"stop_recording": True})
                dropped = watched.await_report("recording", "stopped")["dropped_frames"]
            duration = f"{status.callback_us_p50:.0f} / {status.callback_us_p99:.0f} / {status.callback_us_max:.0f}"
            rows.append((channels, kind or "none", duration, dropped))
    watched.supervisor.stop()
    shared.close()
    return rows


def _spread(times: list[float]) -> tuple[str, str, str]:
    return tuple(f"{value:.2f}" for value in (min(times), statistics.median(times), max(times)))  # type: ignore[return-value]


def main(busy: int = 0) -> None:
    """Print the tables."""
    burners = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(busy)]
    try:
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        rows = [(name, *_spread(gaps)) for name, gaps in restarts()]
        print_table("Time without sound (s)", ("", "least", "median", "most"), rows)
        times, late, blocks = adoptions()
        title = f"Control killed: until the next one has the engine (s); {late} of {blocks} blocks late meanwhile"
        print_table(title, ("", "least", "median", "most"), [("adopted", *_spread(times))])
        rows = [row for channels in (1, 8) for row in recording(channels)]
        print_table("Callback while recording (us, median / 99 % / most)", ("channels", "file", "us", "dropped"), rows)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
