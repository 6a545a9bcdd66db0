"""REST requests to the real server: how long each takes, how many a second, and what they cost the server.

The server runs in a process of its own on a fake host, so nothing but control is measured. Processor time a request is
the figure that other work on the machine does not change.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil

from remapd.control.http.policy import Policy
from tests.bench.table import print_table
from tests.plane import LivePlane, make_plane

_SECONDS = 4.0
_TREE = "/api/v1/tree"
_PAN = f"{_TREE}/track/1/pan"
_TEN = {f"/track/1/{name}": 0.1 for name in ("pan", "neurality", "dry_wet", "gain_db", "loudness_amount")}
#: Name, method, path, and body by the number of the request.
REQUESTS = {
    "health": ("GET", "/healthz", None),
    "one value read": ("GET", _PAN, None),
    "one value set": ("PUT", _PAN, lambda count: {"value": (count % 200) / 100 - 1.0}),
    "five values set": ("PATCH", _TREE, lambda count: dict.fromkeys(_TEN, count % 100 / 100)),
    "tree read": ("GET", _TREE, None),
    "tree described": ("GET", f"{_TREE}?describe=1", None),
    "status": ("GET", "/api/v1/status", None),
    "tracks": ("GET", "/api/v1/tracks", None),
}


class Client:
    """One connection that is kept; as little work as possible, to measure the server and not itself."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, path: str, body: object = None) -> int:
        """Send a request and read its answer to the end; returns the status."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        self._socket.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        return self._status()

    def _status(self) -> int:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._received()
        length = int(received.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(received) < end + 4 + length:
            received += self._received()
        return int(received[9:12])

    def _received(self) -> bytes:
        piece = self._socket.recv(1 << 18)
        assert piece, "the server closed the connection"
        return piece


def _serve(pipe: Connection, tracks: int) -> None:
    values = {f"/track/{number}/model": "velocity" for number in range(1, tracks + 1)}
    with tempfile.TemporaryDirectory() as folder:
        policy = Policy(rate_hz=1e6, burst=1e6)
        with LivePlane(lambda: make_plane(Path(folder), values), policy=policy) as live:
            pipe.send(live.port)
            pipe.recv()


def _times_s(client: Client, method: str, path: str, body: object) -> list[float]:
    times, ends = [], time.perf_counter() + _SECONDS
    while (begun := time.perf_counter()) < ends:
        status = client.ask(method, path, body(len(times)) if callable(body) else None)
        times.append(time.perf_counter() - begun)
        assert status == 200, (path, status)
    return times


def _measured(server: psutil.Process, client: Client, method: str, path: str, body: object) -> tuple[str, ...]:
    for _ in range(50):
        client.ask(method, path, body(0) if callable(body) else None)
    before = server.cpu_times()
    times = np.array(_times_s(client, method, path, body))
    after = server.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    p50, p99 = np.quantile(1e3 * times, [0.5, 0.99])
    return f"{p50:.2f}", f"{p99:.2f}", f"{len(times) / times.sum():.0f}", f"{1e3 * cpu_s / len(times):.2f}"


def _run(tracks: int) -> None:
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=_serve, args=(other, tracks), daemon=True)
    process.start()
    client, server = Client(pipe.recv()), psutil.Process(process.pid)
    rows = [(name, *_measured(server, client, *request)) for name, request in REQUESTS.items()]
    pipe.send("end")
    process.join()
    title = (
        f"REST, {tracks} track{'s' if tracks > 1 else ''}, one client (load of the machine {os.getloadavg()[0]:.1f})"
    )
    print_table(title, ("request", "median ms", "99 % ms", "requests/s", "cpu ms"), rows)


def main() -> None:
    """Measure with few tracks and with many."""
    for tracks in (1, 32):
        _run(tracks)


if __name__ == "__main__":
    main()
