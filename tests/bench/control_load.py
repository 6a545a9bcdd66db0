"""Clients of a running service, all at once: ``python -m tests.bench.control_load URL OSC_PORT SECONDS``.

Prints one JSON document: what was sent, what came back, and how long REST took.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time

import httpx
import websockets
from pythonosc.osc_message_builder import OscMessageBuilder

REST_HZ, OSC_HZ, WATCHERS = 200, 2000, 10
_CLIENTS = 8


def osc_message(address: str, value: float) -> bytes:
    """A message with one float."""
    builder = OscMessageBuilder(address)
    builder.add_arg(value, "f")
    return builder.build().dgram


async def paced(rate_hz: float, seconds: float):
    """Count up at a rate, catching up after a delay."""
    start = time.perf_counter()
    count = 0
    while (now := time.perf_counter() - start) < seconds:
        if count < now * rate_hz:
            yield count
            count += 1
        else:
            await asyncio.sleep((count - now * rate_hz) / rate_hz + 0.0005)


async def rest(url: str, seconds: float) -> dict:
    """Reads and writes in turn."""
    times_ms, failures, tasks = [], 0, set()
    gate = asyncio.Semaphore(_CLIENTS)
    async with httpx.AsyncClient(base_url=url, timeout=10.0) as client:

        async def one(count: int) -> None:
            nonlocal failures
            async with gate:
                begun = time.perf_counter()
                if count % 2:
                    answer = await client.put("/api/v1/tree/track/1/pan", json={"value": (count % 200) / 100 - 1.0})
                else:
                    answer = await client.get("/api/v1/tree/track/1/neurality")
                times_ms.append(1e3 * (time.perf_counter() - begun))
                failures += answer.status_code != 200

        async for count in paced(REST_HZ, seconds):
            task = asyncio.create_task(one(count))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    times_ms.sort()
    return {
        "requests": len(times_ms),
        "failures": failures,
        "p50_ms": times_ms[len(times_ms) // 2],
        "p99_ms": times_ms[int(0.99 * len(times_ms))],
        "max_ms": times_ms[-1],
    }


async def osc(port: int, seconds: float) -> dict:
    """Faders that are moved."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(("127.0.0.1", port))
    packets = [osc_message("/remapd/track/1/gain_db", -0.01 * step) for step in range(500)]
    sent = 0
    async for count in paced(OSC_HZ, seconds):
        sender.send(packets[count % len(packets)])
        sent += 1
    sender.close()
    return {"messages": sent}


async def watch(url: str, seconds: float) -> dict:
    """Read everything until the time is over and the last hits have had time to come."""
    kinds: dict[str, int] = {}
    lost = 0
    address = url.replace("http", "ws") + "/api/v1/events?topics=hits,meters,signal,changes"
    async with websockets.connect(address, max_size=None) as socket_:
        deadline = time.perf_counter() + seconds + 1.0
        while (left := deadline - time.perf_counter()) > 0:
            try:
                message = json.loads(await asyncio.wait_for(socket_.recv(), left))
            except TimeoutError:
                break
            kinds[message["type"]] = kinds.get(message["type"], 0) + 1
            lost += message.get("lost", 0) if message["type"] == "gap" else 0
    return {"kinds": kinds, "lost": lost}


async def main(url: str, port: int, seconds: float) -> None:
    """Run all clients at once."""
    watchers = [watch(url, seconds) for _ in range(WATCHERS)]
    rested, osced, *watched = await asyncio.gather(rest(url, seconds), osc(port, seconds), *watchers)
    print(json.dumps({"rest": rested, "osc": osced, "watchers": watched}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
