"""Watchers get the topics they chose, at their rate, with what was lost, and nothing of their own doing."""

import asyncio
import json
from collections import Counter

import pytest

from remapd.audio.backend import StreamInfo
from remapd.control.bulletin import Bulletin
from remapd.control.events import EventHub
from remapd.control.hub import ChangeHub
from remapd.control.watching.faults import FaultWatch
from remapd.control.watching.feed import MAX_WATCHERS, Feed
from remapd.control.watching.latency import STAGES, stages_ms
from remapd.control.watching.messages import NEWS_TOPICS, TOPICS, event_message
from remapd.engine.layout import EVENT_SLOTS
from remapd.engine_process import Playing
from remapd.errors import BusyError
from tests.demo_events import hit, rejected, status
from tests.engines import hits, make_engine, play

PLAYING = Playing(StreamInfo("drum", "amplifier", 48000.0, 64, 1, 2, 0.001, 0.002), 64, False, False)


class Plane:
    """The hubs that a feed hears, with an engine within the test."""

    def __init__(self):
        self.engine = make_engine()
        self.engine.warm_up()
        self.events = EventHub(self.engine.shared.record)
        self.bulletin = Bulletin()
        self.values = {"/pan": 0.0, "/mute": False}
        self.hub = ChangeHub(lambda container: dict(self.values))
        self.feed = Feed(self.events, self.bulletin, self.hub, lambda: status(), lambda: PLAYING)

    def strike(self, *times_s):
        play(self.engine, hits(list(times_s), times_s[-1] + 0.2))


def with_plane(scenario):
    async def run():
        plane = Plane()
        await plane.feed.start()
        try:
            await asyncio.wait_for(scenario(plane), 20.0)
        finally:
            await plane.feed.stop()

    asyncio.run(run())


async def take(watcher, wanted=lambda message: True):
    while not wanted(message := json.loads(await watcher.outbox.take())):
        pass
    return message


def of(kind):
    return lambda message: message["type"] == kind


def test_a_hit_reaches_all_who_want_hits_with_all_there_is_to_know():
    async def scenario(plane):
        watchers = [plane.feed.watch(["hits"]) for _ in range(10)]
        idle = plane.feed.watch(["jobs"])
        plane.strike(0.3, 0.6)
        plane.events.poll()
        for watcher in watchers:
            first, second = [await take(watcher) for _ in range(2)]
            assert first["onset_s"] == pytest.approx(0.3, abs=0.002)
            assert second["onset_s"] == pytest.approx(0.6, abs=0.002)
            assert first["track"] == 1
            assert set(first) >= {"features", "modulation", "values", "synth", "strength_db", "latency_ms"}
        assert len(idle.outbox) == 0

    with_plane(scenario)


def test_events_that_the_ring_lost_are_told_as_a_gap():
    async def scenario(plane):
        watcher = plane.feed.watch(["hits"])
        plane.strike(0.3)
        # As an engine does that has gone round the ring once more.
        plane.engine.shared.record["words"][0] += EVENT_SLOTS
        plane.events.poll()
        assert (await take(watcher))["lost"] >= 1

    with_plane(scenario)


def test_a_new_watcher_of_changes_gets_all_values_and_then_those_that_others_change():
    async def scenario(plane):
        watcher = plane.feed.watch(["changes"])
        assert await take(watcher) == {"type": "changes", "values": plane.values}
        plane.hub.publish({"/pan": 0.25}, source=watcher.name)
        plane.hub.publish({"/mute": True}, source="someone else")
        assert await take(watcher) == {"type": "changes", "values": {"/mute": True}}
        plane.hub.publish_structure({"/track/2/pan"}, set())
        assert await take(watcher) == {"type": "structure", "added": ["/track/2/pan"], "removed": []}

    with_plane(scenario)


def test_changes_end_when_they_are_no_longer_chosen_and_with_the_watcher():
    async def scenario(plane):
        watcher, other = plane.feed.watch(["changes"]), plane.feed.watch(["changes", "meters"])
        watcher.choose(["hits"], 30.0)
        assert len(plane.hub) == 1
        other.close()
        assert len(plane.hub) == 0
        assert len(plane.feed) == 1
        other.close()

    with_plane(scenario)


def test_meters_come_at_the_chosen_rate_and_stop_with_the_last_who_wants_them():
    async def scenario(plane):
        fast, slow = plane.feed.watch(["meters"], 60.0), plane.feed.watch(["meters", "signal"], 6.0)
        counts = Counter()
        for _ in range(30):
            frame = await take(fast)
            assert frame["output_db"] == [-8.0, -9.0]
            while len(slow.outbox):
                counts[(await take(slow))["type"]] += 1
        # Thirty frames at 60 a second last half a second: three at 6, and one more where the borders lie well.
        assert 1 <= counts["meters"] <= 10
        assert counts["signal"] == counts["meters"]
        fast.close()
        slow.choose(["hits"], 6.0)
        while any(task.get_name() == "meters" for task in asyncio.all_tasks()):
            await asyncio.sleep(0)

    with_plane(scenario)


def test_news_come_under_their_topic():
    async def scenario(plane):
        watcher, deaf = plane.feed.watch(TOPICS), plane.feed.watch(["hits"])
        for kind in NEWS_TOPICS:
            plane.bulletin.post(kind, {"type": "cannot hide", "what": 1})
            assert await take(watcher, of(kind)) == {"type": kind, "what": 1}
        assert len(deaf.outbox) == 0

    with_plane(scenario)


def test_every_topic_that_news_have_can_be_chosen():
    assert set(NEWS_TOPICS.values()) <= set(TOPICS)


def test_a_reader_who_does_not_read_costs_bounded_memory_and_is_counted():
    async def scenario(plane):
        watcher = plane.feed.watch(TOPICS)
        for number in range(5000):
            plane.bulletin.post("notice", {"text": str(number)})
        assert plane.feed.waiting <= 210
        assert plane.feed.lost_messages == 4800
        gap = await take(watcher, of("gap"))
        assert gap["lost"] == 4800
        watcher.close()
        assert plane.feed.lost_messages == 4800

    with_plane(scenario)


def test_more_watchers_than_there_may_be_are_refused():
    async def scenario(plane):
        for _ in range(MAX_WATCHERS):
            plane.feed.watch(["hits"])
        with pytest.raises(BusyError, match="64 clients"):
            plane.feed.watch(["hits"])

    with_plane(scenario)


def test_the_stages_of_a_hit_add_up():
    stamps = {"rendered_ns": 1_050_000, "sent_ns": 1_090_000, "midi_ns": 1_340_000}
    event = hit(1.0, block_ns=1_000_000, published_ns=1_040_000, **stamps)
    stages = stages_ms(event, PLAYING, 1_540_000)
    expected = {
        "input": 1.0,
        "detection": 3.0,
        "window": 2.0,
        "output": 2.0,
        "sound": 8.0,
        "processing": 0.04,
        "rendered": 0.01,
        "wire": 0.05,
        "midi": 0.3,
        "watching": 0.5,
    }
    assert stages == pytest.approx(expected)
    assert list(stages) == list(STAGES)


def test_what_is_not_known_of_a_latency_is_left_out():
    assert set(stages_ms(hit(1.0), None)) == {"detection", "window"}
    assert set(stages_ms(rejected(1.0), PLAYING)) == {"detection"}


def test_a_rejected_candidate_says_why():
    message = event_message(rejected(2.0), None)
    assert (message["type"], message["reason"], message["track"]) == ("rejected", "masked", 1)


def test_late_blocks_are_told_with_how_many_are_new():
    async def scenario():
        counts, told = iter([3, 3, 5, 1]), []
        bulletin = Bulletin()
        bulletin.subscribe(lambda kind, data: told.append((kind, data)))
        watch = FaultWatch(lambda: status(xruns=next(counts)), bulletin)
        watch.look()
        for _ in range(3):
            watch.look()
        assert told == [
            ("xrun", {"new": 3, "total": 3}),
            ("xrun", {"new": 2, "total": 5}),
            ("xrun", {"new": 1, "total": 1}),
        ]

    asyncio.run(scenario())
