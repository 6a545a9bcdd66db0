"""MIDI coming in: cost of a message, how long the loop is held, and how soon what is sent is set.

``python -m tests.bench.bench_midi_in [--seconds 10]``. The sender is a process of its own on a JACK server.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from remapd.control.midi.messages import position_of
from remapd.control.midi.reader import MAX_MESSAGES
from remapd.control.midi.service import MidiInput
from tests.bench.table import print_table
from tests.controllers import make_controller
from tests.jack_server import jack_server
from tests.midi_wire import FakeReader

GAIN = "/track/1/gain_db"
RATES_HZ = (100, 500, 1000)
OUR_PORT = "remapd-midi:remapd"


def _midi(mappings: list[dict[str, Any]], make_reader: Any = FakeReader) -> MidiInput:
    controller = make_controller(values={"/track/1/model": "snare_1"})
    midi = MidiInput(controller, controller._bulletin, make_reader=make_reader)
    midi.mappings.replace(mappings)
    return midi


def _mapping(path: str, number: int, kind: str = "cc", **more: object) -> dict[str, Any]:
    return {"path": path, "source": {"kind": kind, "number": number}, **more}


def _cost_us(function: Callable[[], object], count: int, repeats: int = 7) -> float:
    """Least CPU time of one call: that of others on the machine is not ours."""
    times = []
    for _ in range(repeats):
        begun = time.process_time_ns()
        for _ in range(count):
            function()
        times.append(time.process_time_ns() - begun)
    return min(times) / count / 1000.0


async def cost_rows() -> list[tuple[str, str, str]]:
    """Cost of a message alone, and of each of a full line, by what it is mapped to."""
    controls = [
        c.path
        for c in make_controller(values={"/track/1/model": "snare_1"}).tree.values()
        if c.kind == "number" and c.midi
    ]
    many = [_mapping(path, 20 + n) for n, path in enumerate(controls[:60])]
    coarse_and_fine = [(0xB0, 7 + 32 * half, (n * 37) % 128) for n in range(MAX_MESSAGES // 2) for half in (0, 1)]
    cases = [
        ("a controller that nothing hears", [], [(0xB0, 70, n) for n in range(MAX_MESSAGES)]),
        ("a controller on a number", [_mapping(GAIN, 70)], [(0xB0, 70, n) for n in range(MAX_MESSAGES)]),
        ("60 controllers on 60 numbers", many, [(0xB0, 20 + n % 60, n) for n in range(MAX_MESSAGES)]),
        ("half a controller of 14 bits", [_mapping(GAIN, 7, "cc14")], coarse_and_fine),
    ]
    rows = []
    for what, mappings, messages in cases:
        midi = _midi(mappings)
        await midi.start()
        assert len(messages) == MAX_MESSAGES
        singles = iter([bytes(m).hex() for m in messages] * 1000)
        line = [bytes(m).hex() for m in messages]
        lines = iter([line, line[::-1]] * 1000)
        alone = _cost_us(lambda: midi.hear({"port": "p", "messages": [next(singles)]}), 1000)  # noqa: B023
        full = _cost_us(lambda: midi.hear({"port": "p", "messages": next(lines)}), 20)  # noqa: B023
        rows.append((what, f"{alone:.1f}", f"{full / MAX_MESSAGES:.1f}", f"{full / 1000:.2f}"))
        await midi.stop()
    return rows


def _send(rate_hz: int, seconds: float, back: Connection) -> None:
    """Send a message each tick, and give back when; runs in a process of its own."""
    import rtmidi

    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="knobs")
    (index,) = [index for index, name in enumerate(out.get_ports()) if name == OUR_PORT]
    out.open_port(index)
    times = np.zeros(round(rate_hz * seconds))
    begun = time.monotonic() + 0.2
    for n in range(len(times)):
        while (left_s := begun + n / rate_hz - time.monotonic()) > 0.0:
            time.sleep(left_s)
        times[n] = time.monotonic()
        out.send_message([0xB0, 70, n % 128])
    back.send(times)
    out.delete()


async def flow_row(rate_hz: int, seconds: float) -> tuple[str, ...]:
    """Send at a rate and see when it is set."""
    midi = _midi([_mapping(GAIN, 70)], None)
    arrivals = _timed(midi)
    await midi.start()
    while not midi.ports.open:
        await asyncio.sleep(0.01)
    here, there = multiprocessing.Pipe()
    sender = multiprocessing.get_context("spawn").Process(target=_send, args=(rate_hz, seconds, there))
    sender.start()
    reader_s, own_s = _cpu_s(midi._reader.pid), time.process_time()
    sent = await asyncio.to_thread(here.recv)
    await asyncio.sleep(0.1)
    reader_s, own_s = _cpu_s(midi._reader.pid) - reader_s, time.process_time() - own_s
    sender.join()
    await midi.stop()
    delays_ms = 1000.0 * _delays_s(sent, arrivals)
    lost = len(sent) - midi.messages
    shares = [f"{100.0 * used / (sent[-1] - sent[0]):.1f}" for used in (reader_s, own_s)]
    figures = [f"{np.percentile(delays_ms, p):.2f}" for p in (50, 99, 100)]
    return (str(rate_hz), str(lost), *figures, *shares)


def _timed(midi: MidiInput) -> list[tuple[float, float]]:
    """Moments at which something was set, from now on, and to what."""
    moments: list[tuple[float, float]] = []
    take = midi._controller.set

    def timed(changes: Any, source: Any = None) -> Any:
        done = take(changes, source)
        moments.append((time.monotonic(), float(changes[GAIN])))
        return done

    midi._controller.set = timed  # type: ignore[method-assign]
    return moments


def _delays_s(sent: np.ndarray, arrivals: list[tuple[float, float]]) -> np.ndarray:
    """From each message until what it says was set; of those that came together only the last counts."""
    control = make_controller().tree[GAIN]
    values = [float(control.from_position(position_of(n, 7))) for n in range(128)]
    delays, place = [], 0
    for moment, value in arrivals:
        while values[place % 128] != value:
            place += 1
        delays.append(moment - sent[place])
        place += 1
    return np.array(delays)


def _cpu_s(pid: int) -> float:
    """CPU time of a process, with that in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds = parser.parse_args().seconds
    header = ("what comes", "alone", f"each of {MAX_MESSAGES} together", "loop held in ms")
    print_table("MIDI in: us of CPU a message", header, asyncio.run(cost_rows()))
    with jack_server() as server:
        os.environ["JACK_DEFAULT_SERVER"] = server.name
        rows = [asyncio.run(flow_row(rate_hz, seconds)) for rate_hz in RATES_HZ]
    header = ("messages a second", "lost", "median", "99 %", "most", "reader's CPU in %", "control's CPU in %")
    print_table("MIDI in over JACK (64 frames at 48 kHz): ms from a knob to the controller", header, rows)


if __name__ == "__main__":
    main()
