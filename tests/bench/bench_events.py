"""What watching costs the loop of the control process: hits to many watchers, frames of meters, metrics, history."""

from __future__ import annotations

import asyncio
import itertools
import time
from types import SimpleNamespace

import numpy as np

from remapd.control.bulletin import Bulletin
from remapd.control.events import EventHub
from remapd.control.http.recent_events import _in_words
from remapd.control.hub import ChangeHub
from remapd.control.watching.feed import Feed
from remapd.control.watching.metrics import Metrics
from tests.bench.table import print_table
from tests.engines import hits, make_engine, play

ROUNDS = 200
WATCHERS = (0, 1, 10, 64)


def _median_us(act, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        times.append(1e6 * (time.perf_counter() - begun))
    return float(np.median(times))


def _framing(feed, watchers):
    """What sends the next frame, however soon."""
    now_s = itertools.count(1e6)
    return lambda: feed._send_frame(watchers, next(now_s))


async def _measure():
    engine = make_engine(tracks=4)
    engine.warm_up()
    events = EventHub(engine.shared.record)
    host = SimpleNamespace(playing=None, starts=1)
    feed = Feed(events, Bulletin(), ChangeHub(lambda container: {}), engine.status, lambda: None)
    metrics = Metrics(engine.status, host, events)
    await feed.start()
    await metrics.start()
    found = []
    end = events.subscribe(lambda new, lost: found.extend(new))
    play(engine, hits([0.1, 0.3, 0.5], 0.8))
    events.poll()
    end()
    rows = []
    for count in WATCHERS:
        watchers = [feed.watch(["hits"]) for _ in range(count)]
        hit_us = _median_us(lambda: feed._on_events(found[:1], 0))
        for watcher in watchers:
            watcher.choose(["meters", "signal"], 60.0)
        feed.run_meters()
        frame_us = _median_us(_framing(feed, watchers)) if watchers else 0.0
        for watcher in watchers:
            watcher.close()
        rows.append((count, f"{hit_us:.0f}", f"{frame_us:.0f}"))
    print_table("Watchers of 4 tracks, in us of the loop", ("watchers", "a hit", "a frame of meters"), rows)
    history = [(time.time(), found[i % len(found)]) for i in range(1000)]
    begun, longest, last = time.perf_counter(), 0.0, time.perf_counter()
    async for _ in _in_words(history, None):
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    whole = time.perf_counter() - begun
    rows = [
        ("metrics in full", f"{1e-3 * _median_us(metrics.text, 20):.1f}", "the same"),
        ("1000 events of the history", f"{1e3 * whole:.1f}", f"{1e3 * longest:.1f}"),
    ]
    print_table("Requests, in ms of the loop", ("what", "whole", "at a time"), rows)
    await metrics.stop()
    await feed.stop()


def main() -> None:
    asyncio.run(_measure())


if __name__ == "__main__":
    main()
