"""What waits for a reader of the events: order, bounds, and gaps that are told."""

import asyncio
import json
import math

from hypothesis import given
from hypothesis import strategies as st

from remapd.control.watching.outbox import Backlog, Outbox, encode


def take_all(outbox):
    async def run():
        return [json.loads(await outbox.take()) for _ in range(len(outbox))]

    return asyncio.run(run())


def take_backlog(backlog):
    return [json.loads(backlog.take()) for _ in range(len(backlog))]


def test_hits_come_in_order_and_before_meters():
    outbox = Outbox()
    outbox.newest("meters", '"meters"')
    outbox.change({"/pan": 1.0})
    outbox.tell('"job"')
    for number in range(3):
        outbox.event(str(number))
    assert take_all(outbox) == [0, 1, 2, "job", {"type": "changes", "values": {"/pan": 1.0}}, "meters"]


def test_of_meters_only_the_newest_waits():
    outbox = Outbox()
    for number in range(5):
        outbox.newest("meters", f'"meters {number}"')
        outbox.newest("signal", f'"signal {number}"')
    assert take_all(outbox) == ["meters 4", "signal 4"]
    assert outbox.replaced == 8
    assert outbox.lost == 0


def test_of_each_path_the_latest_value_waits():
    outbox = Outbox()
    for pan in range(100):
        outbox.change({"/pan": pan})
    outbox.change({"/mute": True, "/gone": 1})
    outbox.forget({"/gone"})
    assert take_all(outbox) == [{"type": "changes", "values": {"/pan": 99, "/mute": True}}]


def test_hits_that_overflow_are_told_where_they_are_missing():
    outbox = Outbox(event_backlog=3)
    for number in range(5):
        outbox.event(str(number))
    assert take_all(outbox) == [{"type": "gap", "of": "hits", "lost": 2}, 2, 3, 4]
    assert outbox.lost == 2


def test_hits_that_the_ring_lost_are_told_in_their_place():
    outbox = Outbox()
    outbox.event("1")
    outbox.missed(7)
    outbox.event("2")
    assert take_all(outbox) == [1, {"type": "gap", "of": "hits", "lost": 7}, 2]


@given(st.integers(1, 5), st.lists(st.sampled_from(["append", "miss", "take"]), max_size=60))
def test_every_message_is_read_or_told_as_lost(size, steps):
    backlog, sent, read, told = Backlog("hits", size), 0, 0, 0
    waiting = []
    for step in steps:
        if step == "append":
            backlog.append("0")
            sent += 1
        elif step == "miss":
            backlog.miss(3)
            sent += 3
        elif len(backlog):
            waiting.append(json.loads(backlog.take()))
        assert len(backlog) <= size + 1
    waiting += take_backlog(backlog)
    read = sum(message == 0 for message in waiting)
    told = sum(message["lost"] for message in waiting if message != 0)
    assert read + told == sent
    assert told == backlog.lost


def test_a_reader_that_waits_is_woken():
    async def run():
        outbox = Outbox()
        reader = asyncio.create_task(outbox.take())
        await asyncio.sleep(0)
        assert not reader.done()
        outbox.event("1")
        assert await asyncio.wait_for(reader, 5.0) == "1"

    asyncio.run(run())


def test_numbers_that_are_none_become_null():
    text = encode({"level_db": -math.inf, "all": [1.0, math.nan], "of": {"them": math.inf}, "name": "ü"})
    assert json.loads(text) == {"level_db": None, "all": [1.0, None], "of": {"them": None}, "name": "ü"}
