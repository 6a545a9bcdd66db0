"""OSC coming in: cost of a message beside python-osc's, the worst patterns, and how soon what is sent is set.

``python -m tests.bench.bench_osc_in [--seconds 10]``. The sender is a process of its own, on the loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_message_builder import build_msg
from pythonosc.osc_packet import OscPacket

from remapd.control.controller import Controller
from remapd.control.osc.addresses import Addresses
from remapd.control.osc.server import OscServer
from remapd.control.settings.sections import OscSection
from remapd.control.tree import Control, build_tree
from remapd.errors import FieldError
from remapd.osc.codec import decode, encode, encode_bundle
from remapd.osc.timetag import TimeTag
from tests.bench.table import print_table
from tests.controllers import make_controller

HOLD = "/track/1/onset/hold_ms"
#: Messages that differ, one after the other.
CYCLE = 2000
#: As many faders as a 14-parameter synth has.
FADERS = 14
PEER = ("127.0.0.1", 9999)
RATES = (2000, 5000)
LISTENERS = (0, 10)
PATTERNS = (
    "/remapd/track/*/gain_db",
    "//hold_ms",
    "//",
    "//*" * 8,
    "//" + "*?" * 7,
    "//*{,o,s,c,d,e}*?*{,r,e}*?*?*y*",
)


def _cost_us(function: Callable[[], object], count: int = 5000, repeats: int = 5) -> float:
    """Least CPU time of one call: that of others on the machine is not ours."""
    times = []
    for _ in range(repeats):
        begun = time.process_time_ns()
        for _ in range(count):
            function()
        times.append(time.process_time_ns() - begun)
    return min(times) / count / 1000.0


def _server(**settings: object) -> OscServer:
    return OscServer(make_controller(), OscSection(udp_port=0, tcp=False, rate_per_s=100_000, **settings))


async def message_rows() -> list[tuple[str, str, str]]:
    """Cost of a message, by what is done with it."""
    server = _server(enabled=False)
    controller = server._controller
    messages = itertools.cycle([encode(f"/remapd{HOLD}", [float(value)]) for value in (10, 20)])
    message = next(messages)
    faders = [path for path in controller.tree if path.startswith("/track/1/synth/")][:FADERS]
    bundles = itertools.cycle([_bundle([controller.tree[path] for path in faders], x) for x in (0.2, 0.4)])
    few, many = Dispatcher(), Dispatcher()
    few.map(f"/remapd{HOLD}", _ignore)
    for path in controller.tree:
        many.map(f"/remapd{path}", _ignore)
    values = itertools.cycle([10.0, 20.0])

    def receive(packets: Iterator[bytes]) -> Callable[[], None]:
        return lambda: server.receive(next(packets), "peer", _ignore)

    # A budget is not what is measured.
    receive(messages)()
    server._guests["peer"].budget = _Endless()
    others = [
        _cost_us(lambda: OscPacket(message)),
        _cost_us(lambda: build_msg(f"/remapd{HOLD}", [1.5])),
        _cost_us(lambda: few.call_handlers_for_packet(message, PEER)),
        _cost_us(lambda: many.call_handlers_for_packet(message, PEER), 200),
    ]
    ours = [
        _cost_us(lambda: decode(message)),
        _cost_us(lambda: encode(f"/remapd{HOLD}", [1.5])),
        _cost_us(receive(messages)),
        _cost_us(receive(messages)),
    ]
    rows = [
        ("read a message of one float", ours[0], others[0]),
        ("write it", ours[1], others[1]),
        ("read it and do it, one address known (python-osc: do nothing)", ours[2], others[2]),
        (f"the same, {len(controller.tree)} addresses known", ours[3], others[3]),
        ("of which the controller", _cost_us(lambda: controller.set({HOLD: next(values)})), 0.0),
        (f"a bundle of {len(faders)}, read and done", _cost_us(receive(bundles), 1000), 0.0),
    ]
    await server.stop()
    return [(what, _shown(ours), _shown(theirs)) for what, ours, theirs in rows]


def _bundle(controls: list[Control], position: float) -> bytes:
    return encode_bundle([encode(f"/remapd{c.path}", [c.from_position(position)]) for c in controls])


class _Endless:
    def wait_s(self) -> float:
        return 0.0

    def take(self, count: float = 1.0) -> bool:
        return True


def _ignore(*arguments: object) -> None:
    pass


def _shown(cost: float) -> str:
    return f"{cost:.1f}" if cost else ""


def pattern_rows() -> Iterator[tuple[str, int, str]]:
    """Time to look up a pattern that was not seen before, in a tree of eight tracks."""
    tree = build_tree(["snare808"] * 8)
    for pattern in PATTERNS:
        found, times = 0, []
        for _ in range(5):
            addresses = Addresses(lambda: tree)
            addresses.hint("/x")  # Builds what is searched.
            begun = time.perf_counter()
            with contextlib.suppress(FieldError):
                found = len(addresses.paths(pattern))
            times.append(time.perf_counter() - begun)
        yield f"`{pattern}`", found, f"{1000.0 * min(times):.2f}"


@dataclass(frozen=True)
class Flow:
    """What came of sending for a while."""

    lost: int
    changes: int
    delays_ms: np.ndarray
    cpu: float
    told: int


def _send(port: int, rate_hz: int, seconds: float, back: Connection) -> None:
    """Send a message each tick, and give back when; runs in a process of its own."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    packets = [encode(f"/remapd{HOLD}", [n / 10.0]) for n in range(CYCLE)]
    times = np.zeros(round(rate_hz * seconds))
    begun = time.monotonic() + 0.1
    for n in range(len(times)):
        while (left_s := begun + n / rate_hz - time.monotonic()) > 0.0:
            time.sleep(left_s)
        times[n] = time.monotonic()
        sender.sendto(packets[n % CYCLE], ("127.0.0.1", port))
    back.send(times)


async def flow(rate_hz: int, listeners: int, seconds: float) -> Flow:
    """Send at a rate, with some who are told of every change, and see when it is set."""
    server = _server()
    await server.start()
    port, arrivals = server.udp_port, _timed(server._controller)
    with contextlib.ExitStack() as stack:
        for _ in range(listeners):
            ear = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            ear.sendto(encode("/remapd/subscribe"), ("127.0.0.1", port))
        here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        sender = context.Process(target=_send, args=(port, rate_hz, seconds, there))
        sender.start()
        cpu_s = time.process_time()
        sent = await asyncio.to_thread(here.recv)
        await asyncio.sleep(0.1)
        cpu_s = time.process_time() - cpu_s
        sender.join()
    await server.stop()
    lost = len(sent) - (server.counters.messages - listeners)
    delays_ms = 1000.0 * _delays_s(sent, arrivals)
    delays_ms = delays_ms[np.isfinite(delays_ms)]
    return Flow(lost, len(arrivals), delays_ms, cpu_s / seconds, server.counters.replies)


def _timed(controller: Controller) -> list[tuple[float, int]]:
    """Moments at which something was set, from now on, and which message of its cycle it was."""
    moments: list[tuple[float, int]] = []
    set_values = controller.set

    def timed(changes, source=None):
        changed = set_values(changes, source)
        moments.append((time.monotonic(), round(changes[HOLD] * 10.0)))
        return changed

    controller.set = timed
    return moments


def _delays_s(sent: np.ndarray, arrivals: list[tuple[float, int]]) -> np.ndarray:
    """Time from each message to the change that set it, or a later one that came in its place."""
    set_s = np.full(len(sent), np.nan)
    first = 0
    for moment, place in arrivals:
        last = first + (place - first) % CYCLE
        set_s[first : last + 1] = moment
        first = last + 1
    return set_s - sent


def flow_rows(seconds: float) -> Iterator[tuple[object, ...]]:
    """How soon messages are set, and what that costs."""
    for rate_hz in RATES:
        for listeners in LISTENERS:
            result = asyncio.run(flow(rate_hz, listeners, seconds))
            delays = [f"{q:.2f}" for q in (*np.percentile(result.delays_ms, (50, 99)), result.delays_ms.max())]
            counts = result.lost, result.changes
            yield rate_hz, listeners, *counts, *delays, f"{100.0 * result.cpu:.0f} %", result.told


async def lateness_ms(count: int = 400) -> np.ndarray:
    """How long after its time a bundle is set that was sent ahead of it."""
    server = _server(enabled=False)
    arrivals = _timed(server._controller)
    offset_s = time.time() - time.monotonic()
    begun_s = time.monotonic() + 0.1
    due_s = begun_s + 0.0053 * np.arange(count)
    for n, moment in enumerate(due_s):
        message = encode(f"/remapd{HOLD}", [n / 10.0])
        server.receive(encode_bundle([message], TimeTag.at(moment + offset_s)), "peer", _ignore)
    while len(arrivals) < count:
        await asyncio.sleep(0.05)
    await server.stop()
    return 1000.0 * (np.array([moment for moment, _ in arrivals]) - due_s)


def lateness_rows() -> Iterator[tuple[object, ...]]:
    late_ms = asyncio.run(lateness_ms())
    yield len(late_ms), *(f"{q:.2f}" for q in (*np.percentile(late_ms, (50, 99)), late_ms.max()))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for how long to send")
    seconds = parser.parse_known_args()[0].seconds
    print_table("OSC messages, us each", ("what", "remapd", "python-osc"), asyncio.run(message_rows()))
    print_table("A pattern that is new, in a tree of eight tracks", ("pattern", "found", "ms"), pattern_rows())
    print_table("Bundles set after their time, ms", ("bundles", "p50", "p99", "most"), lateness_rows())
    header = ("messages/s", "listeners", "lost", "changes", "p50 ms", "p99", "most", "CPU", "packets back")
    print_table("From the sender's call until it is set", header, flow_rows(seconds))


if __name__ == "__main__":
    main()
