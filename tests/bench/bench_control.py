"""The service under load, and how soon what is set is heard.

``python -m tests.bench.bench_control [--seconds 60]``. A change counts as heard when the engine has taken it: the block
it then computes has it. The clients run in a process of their own, on the same machine.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from remapd.daemon.engine_file import EngineFile
from remapd.engine.layout import APPLIED_REVISION
from remapd.engine.shared import SharedBlock
from tests.bench.bench_live import start_server
from tests.bench.control_load import OSC_HZ, REST_HZ, WATCHERS, osc_message
from tests.bench.table import print_table
from tests.service_run import ServiceRun, drum_loop

_TRIES = 300
_ROUND_S = 0.5


def revision(block: SharedBlock) -> int:
    """The last change that the engine has taken."""
    return int(block.record["words"][APPLIED_REVISION])


def await_change(block: SharedBlock, before: int) -> float:
    """Time at which the engine takes a change; spins, as a sleep would be longer than what is measured."""
    deadline = time.perf_counter() + 2.0
    while revision(block) == before:
        assert time.perf_counter() < deadline, "a change was not taken"
    return time.perf_counter()


def rest_delays_ms(service: ServiceRun, block: SharedBlock) -> np.ndarray:
    """From the answer of REST until the engine has what was set; what it has already counts as 0."""
    delays = []
    for k in range(_TRIES):
        before = revision(block)
        service.http.put("/api/v1/tree/track/1/neurality", json={"value": k / _TRIES})
        answered = time.perf_counter()
        delays.append(max(0.0, 1e3 * (await_change(block, before) - answered)))
        time.sleep(random.uniform(0.001, 0.005))
    return np.array(delays)


def osc_delays_ms(port: int, block: SharedBlock) -> np.ndarray:
    """From a packet until the engine has what it says."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(("127.0.0.1", port))
    delays = []
    for k in range(_TRIES):
        packet, before = osc_message("/remapd/track/1/neurality", 1.0 + k / _TRIES), revision(block)
        begun = time.perf_counter()
        sender.send(packet)
        delays.append(1e3 * (await_change(block, before) - begun))
        time.sleep(random.uniform(0.001, 0.005))
    sender.close()
    return np.array(delays)


def print_delays(name: str, service: ServiceRun, block: SharedBlock, port: int) -> None:
    """Both kinds of delay."""
    rows = []
    for kind, delays in (
        ("REST, from the answer", rest_delays_ms(service, block)),
        ("OSC", osc_delays_ms(port, block)),
    ):
        rows.append([kind, *(f"{x:.2f}" for x in (*np.percentile(delays, [50, 99]), delays.max()))])
    print_table(f"Until a change is taken by the engine, {name}, ms", ("way", "p50", "p99", "max"), rows)


def loaded(service: ServiceRun, port: int, seconds: float, name: str) -> None:
    """All clients at once; prints what came of it."""
    before, sizes = service.status(), memory_mib(service)
    command = [sys.executable, "-m", "tests.bench.control_load", service.url, str(port), str(seconds)]
    clients = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    result = json.loads(clients.communicate()[0])
    after, sizes_after = service.status(), memory_mib(service)
    hits = after["tracks"][0]["hits"] - before["tracks"][0]["hits"]
    rest, watchers = result["rest"], result["watchers"]
    got = [w["kinds"].get("hit", 0) for w in watchers]
    rows = [
        ("REST requests, failures", f"{rest['requests']}, {rest['failures']}"),
        ("REST p50, p99, max ms", f"{rest['p50_ms']:.1f}, {rest['p99_ms']:.1f}, {rest['max_ms']:.1f}"),
        ("OSC messages", result["osc"]["messages"]),
        ("OSC counts", osc_counts(service)),
        ("hits found meanwhile and before the end", hits),
        ("hits received by each watcher", f"{min(got)} to {max(got)}"),
        ("events lost by watchers", sum(w["lost"] for w in watchers)),
        ("hits dropped, events lost in the ring", (after["faults"]["hits_dropped"], after["faults"]["events_lost"])),
        ("late blocks", after["faults"]["xruns"] - before["faults"]["xruns"]),
        ("callback p50, p99, max us", tuple(round(after["callback"][k]) for k in ("p50_us", "p99_us", "max_us"))),
        ("memory of control, engine before, MiB", sizes),
        ("after", sizes_after),
    ]
    print_table(
        f"{name}: {seconds:g} s with {REST_HZ} requests/s, {OSC_HZ} OSC messages/s, {WATCHERS} watchers",
        ("what", "figure"),
        rows,
    )


def osc_counts(service: ServiceRun) -> str:
    """What the service says of OSC in its metrics."""
    lines = service.http.get("/metrics").text.splitlines()
    told = (line.removeprefix("remapd_osc_") for line in lines if line.startswith("remapd_osc_"))
    return ", ".join(line for line in told if not line.endswith(" 0.0"))


def memory_mib(service: ServiceRun) -> tuple[int, ...]:
    """Resident memory of the control process and of the engine."""
    control = psutil.Process(service.process.pid)
    engine = psutil.Process(service.status()["engine"]["pid"])
    return tuple(round(process.memory_info().rss / 2**20) for process in (control, engine))


def measure(folder: Path, seconds: float, name: str, *options: str, environment: dict[str, str] | None = None) -> None:
    """Both benchmarks on one device."""
    with ServiceRun(folder, "--block-size", "64", *options, environment=environment) as service:
        service.await_status(lambda status: status["state"] == "playing")
        port = service.http.get("/?HOST_INFO").json()["OSC_PORT"]
        found = EngineFile(folder / "r").read()
        assert found is not None
        block = SharedBlock.attach(found.spec.block)
        print_delays(name, service, block, port)
        loaded(service, port, seconds, name)
        block.close()


def main() -> None:
    """Measure and print: with hits on a virtual device, and on a JACK server in real time, where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_known_args()[0].seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = drum_loop(folder)
        measure(folder / "virtual", seconds, "virtual device", "--backend", "virtual", "--input-file", loop, "--loop")
        server = start_server()
        try:
            jack = {key: value for key, value in server.environment.items() if key.startswith("JACK_")}
            measure(folder / "jack", seconds, "JACK in real time, silent", "--host-api", "JACK", environment=jack)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
