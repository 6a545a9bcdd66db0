"""The OSC server as its peers meet it: changes, queries, bundles, feedback, refusals."""

import asyncio
import math
import struct
import time

import pytest

from remapd.control.osc.changes import MAX_PEERS_WAITING, MAX_WAITING
from remapd.control.osc.schedule import MAX_WAITING_OF_ONE
from remapd.control.osc.server import MAX_GUESTS
from remapd.control.tree import build_tree
from remapd.errors import RemapdError
from remapd.osc.arguments import IMPULSE
from remapd.osc.codec import encode, encode_bundle
from remapd.osc.timetag import TimeTag
from tests.controllers import make_controller
from tests.osc_peers import HOLD, Changes, FakeSender, UdpClient, in_loop, osc_server

GAIN, MUTE, CHANNEL = "/track/1/gain_db", "/track/1/mute", "/track/1/input_channel"


@in_loop
async def test_what_is_sent_is_set_and_answered():
    async with osc_server() as (server, controller), UdpClient.open(server) as client:
        client.send(f"/remapd{HOLD}", 12.5)
        await client.settle()
        assert controller.value(HOLD) == 12.5
        client.send("/remapd/unsubscribe")
        await client.settle()
        client.mail.messages.clear()
        client.send(f"/remapd{HOLD}")
        assert await client.mail.next() == (f"/remapd{HOLD}", (12.5,))


@pytest.mark.parametrize(
    ("path", "argument", "value"),
    [
        (GAIN, -12, -12.0),
        (GAIN, -12.3, -12.3),  # As 32 bits it is -12.3000001907...
        ("/limiter_ceiling_db", struct.unpack(">f", struct.pack(">f", -0.3))[0], -0.3),
        ("/track/1/pan", 2**40 // 2**40, 1.0),
        (MUTE, True, True),
        (MUTE, 1, True),
        (MUTE, 1.0, True),
        (MUTE, False, False),
        (MUTE, 0, False),
    ],
)
def test_numbers_and_switches_in_any_form(path, argument, value):
    @in_loop
    async def check():
        async with osc_server() as (server, controller):
            controller.set({MUTE: not value} if path == MUTE else {})
            sender = FakeSender(server)
            sender.send(f"/remapd{path}", argument)
            assert sender.answers == []
            assert controller.value(path) == value

    check()


@in_loop
async def test_both_ends_of_every_range_are_accepted_as_32_bits():
    async with osc_server(rate_per_s=100000) as (server, controller):
        sender = FakeSender(server)
        for path, control in controller.tree.items():
            for end in (control.minimum, control.maximum) if control.kind == "number" and control.osc else ():
                sender.send_raw(encode(f"/remapd{path}", [end]))
                assert controller.value(path) == end
        assert sender.answers == []


@pytest.mark.parametrize(
    ("path", "arguments", "text"),
    [
        (HOLD, [math.nan], "from 0 to 200 ms, got nan"),
        (HOLD, [math.inf], "from 0 to 200 ms, got inf"),
        (HOLD, [-1.0], "from 0 to 200 ms, got -1.0"),
        (HOLD, [2**63 - 1], "from 0 to 200 ms"),
        (HOLD, ["loud"], "a number, got 'loud'"),
        (HOLD, [True], "a number, got True"),
        (HOLD, [None], "a number, got None"),
        (HOLD, [IMPULSE], "a number"),
        (HOLD, [(1.0,)], "a number"),
        (HOLD, [b"\0"], "a number"),
        (HOLD, [1.0, 2.0], "one argument, got 2"),
        (MUTE, [0.5], "true, false, 0 or 1, got 0.5"),
        (MUTE, ["on"], "true, false, 0 or 1"),
        (CHANNEL, [2], "left alone over OSC"),
        ("/device/block_size", [128], "left alone over OSC"),
        ("/track/1/model", ["snare_1"], "left alone over OSC; osc.load_models allows it"),
        ("/track/1/preset", [3], "a string, got 3"),
        ("/track/1/preset", ["../../etc/passwd"], "the first a letter or digit, got '../../etc/passwd'"),
        ("/track/1/nope", [3], "one that there is"),
        ("/track/1", [3], "one that there is"),
        ("/panic", ["now"], "no argument, or one number"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_address(path, arguments, text):
    @in_loop
    async def check():
        async with osc_server() as (server, controller):
            before, sender = controller.values(), FakeSender(server)
            sender.send(f"/remapd{path}", *arguments)
            (answer,) = sender.messages()
            assert answer.address == "/remapd/error"
            assert answer.arguments[0] == f"/remapd{path}"
            assert text in answer.arguments[1]
            assert controller.values() == before
            assert server.counters.refused == 1

    check()


@in_loop
async def test_refusals_are_told_and_logged_a_few_times_a_second(caplog):
    caplog.set_level("INFO", "remapd.osc")
    async with osc_server() as (server, _):
        sender = FakeSender(server)
        for _ in range(500):
            sender.send(f"/remapd{HOLD}", -1.0)
        assert 1 <= len(sender.answers) < 20
        lines = [record.getMessage() for record in caplog.records]
        assert len([line for line in lines if line.startswith(f"/remapd{HOLD}: ")]) == len(sender.answers)
        assert server.counters.refused == 500


@in_loop
async def test_messages_of_others_are_counted_and_not_answered():
    async with osc_server() as (server, _):
        sender = FakeSender(server)
        sender.send("/accxyz", 0.1, 0.2, 9.8)
        sender.send("/remapdx")
        sender.send("/mixer/*/gain", 1.0)
        assert sender.answers == []
        assert server.counters.foreign == 3
        sender.send("/*/ping")  # What is not of the tree is found by no pattern.
        sender.send("/*/track/1/gain_db", 3.0)
        assert (sender.answers, server.counters.foreign) == ([], 4)


@in_loop
async def test_our_own_answers_are_not_answered():
    """Two daemons that talk to each other fall silent."""
    async with osc_server() as (server, _):
        sender = FakeSender(server)
        sender.send("/remapd/error", "/remapd/x", "no")
        sender.send("/remapd/pong", 1)
        assert sender.answers == []


def test_words_of_our_own_are_not_names_of_the_tree():
    names = {path.split("/")[1] for path in build_tree(["snare808"])}
    assert names.isdisjoint({"ping", "pong", "subscribe", "unsubscribe", "snapshot", "error"})


# -- actions ---------------------------------------------------------------------------------------------------------


class Triggers:
    """Actions that a controller was asked for."""

    def __init__(self, controller):
        self.paths, self._trigger = [], controller.trigger
        controller.trigger = self

    def __call__(self, path, source=None):
        self.paths.append(path)
        self._trigger(path, source)


@in_loop
async def test_actions_are_triggered_by_a_message_or_a_button_that_goes_down():
    async with osc_server() as (server, controller):
        triggers, sender = Triggers(controller), FakeSender(server)
        for arguments in ((), (1.0,), (1,), (True,), (IMPULSE,)):
            sender.send("/remapd/panic", *arguments)
        assert triggers.paths == ["/panic"] * 5
        for arguments in ((0.0,), (0,), (False,)):
            sender.send("/remapd/panic", *arguments)
        sender.send("/remapd/*", 1.0)  # A pattern triggers nothing.
        sender.send("/remapd/*")
        assert triggers.paths == ["/panic"] * 5


@in_loop
async def test_an_action_is_done_beside_a_change_that_is_refused():
    async with osc_server() as (server, controller):
        triggers, sender = Triggers(controller), FakeSender(server)
        sender.send_raw(encode_bundle([encode(f"/remapd{HOLD}", [-1.0]), encode("/remapd/panic")]))
        assert triggers.paths == ["/panic"]


# -- patterns and queries --------------------------------------------------------------------------------------------


@in_loop
async def test_a_pattern_sets_all_that_it_matches():
    controller = make_controller(values={"/track/1/model": "velocity", "/track/2/model": "velocity"})
    async with osc_server(controller) as (server, _):
        FakeSender(server).send("/remapd/track/*/gain_db", -6.0)
        assert [controller.value(f"/track/{n}/gain_db") for n in (1, 2)] == [-6.0, -6.0]


@in_loop
async def test_a_pattern_leaves_alone_what_osc_may_not_change():
    async with osc_server() as (server, controller):
        sender = FakeSender(server)
        sender.send("/remapd/track/1/{input_channel,gain_db}", 2)
        assert sender.answers == []
        assert (controller.value(GAIN), controller.value(CHANNEL)) == (2.0, 1)
        sender.send("/remapd/track/1/{gain_db,mute}", -3.0)  # Not what a mute can be: none is set.
        assert controller.value(GAIN) == 2.0
        assert "mute" in sender.messages()[0].arguments[1]


@pytest.mark.parametrize("pattern", ["/remapd/track/1/onset", "/remapd/track/1/onset/*", "/remapd//onset//"])
def test_a_container_or_pattern_answers_all_its_values(pattern):
    @in_loop
    async def check():
        async with osc_server() as (server, controller), UdpClient.open(server) as client:
            client.send("/remapd/unsubscribe")
            await client.settle()
            client.mail.messages.clear()
            client.send(pattern)
            wanted = controller.values("/track/1/onset")
            told = dict([await client.mail.next() for _ in wanted])
            assert told == {f"/remapd{path}": (pytest.approx(value),) for path, value in wanted.items()}

    check()


@in_loop
async def test_values_are_told_as_their_types():
    async with osc_server() as (server, _):
        sender = FakeSender(server)
        for path in (GAIN, MUTE, CHANNEL, "/track/1/model"):
            sender.send(f"/remapd{path}")
        assert [m.arguments for m in sender.messages()] == [(0.0,), (False,), (1,), ("velocity",)]


@in_loop
async def test_a_ping_is_answered():
    async with osc_server() as (server, _):
        sender = FakeSender(server)
        sender.send("/remapd/ping", 7, "x")
        (answer,) = sender.messages()
        assert (answer.address, answer.arguments) == ("/remapd/pong", (7, "x"))


# -- bundles ---------------------------------------------------------------------------------------------------------


@in_loop
async def test_a_bundle_is_one_change():
    async with osc_server() as (server, controller):
        revision, sender = controller.revision, FakeSender(server)
        inner = encode_bundle([encode(f"/remapd{MUTE}", [True])])
        sender.send_raw(encode_bundle([encode(f"/remapd{HOLD}", [30.0]), inner, encode(f"/remapd{HOLD}", [40.0])]))
        assert controller.revision == revision + 1
        assert (controller.value(HOLD), controller.value(MUTE)) == (40.0, True)


@in_loop
async def test_a_bundle_with_a_refused_change_changes_nothing():
    async with osc_server() as (server, controller):
        before, sender = controller.values(), FakeSender(server)
        sender.send_raw(encode_bundle([encode(f"/remapd{HOLD}", [30.0]), encode("/remapd/track/1/pan", [7.0])]))
        assert controller.values() == before
        assert sender.messages()[0].arguments[0] == "/remapd/track/1/pan"


@in_loop
async def test_a_bundle_waits_for_its_time():
    async with osc_server() as (server, controller):
        changes, sender, loop = Changes(controller), FakeSender(server), asyncio.get_running_loop()
        due_s = loop.time() + 0.15
        tags = [TimeTag.at(time.time() + delay) for delay in (0.15, 0.05)]
        inner = encode_bundle([encode(f"/remapd{HOLD}", [30.0])], tags[0])
        sender.send_raw(encode_bundle([inner, encode(f"/remapd{MUTE}", [True])], tags[1]))
        assert server.counts()["waiting"] == 2
        assert await changes.of(MUTE) is True
        assert controller.value(HOLD) != 30.0
        assert await changes.of(HOLD) == 30.0
        assert changes.times[HOLD] >= due_s - 0.002
        assert server.counts()["waiting"] == 0


@in_loop
async def test_a_late_bundle_is_done_at_once():
    async with osc_server() as (server, controller):
        past = TimeTag.at(time.time() - 100.0)
        FakeSender(server).send_raw(encode_bundle([encode(f"/remapd{HOLD}", [30.0])], past))
        assert controller.value(HOLD) == 30.0
        assert server.counters.late == 1


@in_loop
async def test_bundles_that_are_due_at_once_keep_their_order():
    async with osc_server() as (server, controller):
        changes, sender, soon = Changes(controller), FakeSender(server), TimeTag.at(time.time() + 0.05)
        for value in (1.0, 2.0, 3.0):
            sender.send_raw(encode_bundle([encode(f"/remapd{HOLD}", [value])], soon))
        sender.send_raw(encode_bundle([encode(f"/remapd{MUTE}", [True])], soon))
        await changes.of(MUTE)
        assert controller.value(HOLD) == 3.0


@in_loop
async def test_what_is_too_far_ahead_is_refused():
    async with osc_server(max_ahead_s=5.0) as (server, _):
        sender = FakeSender(server)
        sender.send_raw(encode_bundle([encode(f"/remapd{HOLD}", [30.0])], TimeTag.at(time.time() + 100.0)))
        assert "at most 5 s ahead" in sender.messages()[0].arguments[1]
        assert server.counts()["waiting"] == 0


@in_loop
async def test_few_messages_wait_and_none_after_the_stop():
    async with osc_server(rate_per_s=100000) as (server, _):
        sender, later = FakeSender(server), TimeTag.at(time.time() + 30.0)
        messages = [encode(f"/remapd{HOLD}", [1.0])] * (MAX_WAITING_OF_ONE - 10)
        for _ in range(5):
            sender.send_raw(encode_bundle(messages, later))
        assert server.counts()["waiting"] == len(messages)
        assert "that wait" in sender.messages()[0].arguments[1]
    assert server.counts()["waiting"] == 0


@in_loop
async def test_a_packet_touches_a_bounded_number_of_values():
    async with osc_server(rate_per_s=100000) as (server, controller):
        sender, before = FakeSender(server), controller.values()
        sender.send_raw(encode_bundle([encode("/remapd/track/1/lock//", [True])] * 1000))
        assert "at most 4096 values" in sender.messages()[0].arguments[1]
        assert controller.values() == before


@in_loop
async def test_a_fault_of_ours_ends_one_packet(caplog):
    async with osc_server() as (server, controller):
        sender, set_values = FakeSender(server), controller.set

        def broken(changes, source=None):
            raise ZeroDivisionError("a fault")

        controller.set = broken
        for _ in range(3):
            sender.send(f"/remapd{HOLD}", 20.0)
        controller.set = set_values
        sender.send(f"/remapd{HOLD}", 21.0)
        assert controller.value(HOLD) == 21.0
        assert server.counters.faults == 3
        assert caplog.text.count("Traceback") == 1


# -- presets ---------------------------------------------------------------------------------------------------------


@in_loop
async def test_what_follows_a_preset_is_set_after_it():
    controller = make_controller(values={"/track/1/model": "snare_1"})
    async with osc_server(controller) as (server, _):
        changes, sender = Changes(controller), FakeSender(server)
        control = next(c for c in controller.tree.under("/track/1/synth") if c.kind == "number")
        sender.send("/remapd/track/1/preset", "noisy_snare")
        for position in (0.1, 0.2, 0.3):
            sender.send(f"/remapd{control.path}", control.from_position(position))
        while controller.value("/track/1/preset") != "noisy_snare":
            await changes.of("/track/1/preset")
        while controller.value(control.path) != pytest.approx(control.from_position(0.3), rel=1e-6):
            await changes.of(control.path)
        assert sender.answers == []


@in_loop
async def test_a_preset_that_there_is_not_is_refused_when_it_was_looked_for():
    async with osc_server() as (server, _), UdpClient.open(server) as client:
        client.send("/remapd/track/1/preset", "xyzzy")
        address, text = await client.mail.next("/remapd/error")
        assert address == "/remapd/track/1/preset"
        assert "xyzzy" in text


@in_loop
async def test_models_are_loaded_over_osc_where_that_is_allowed():
    controller = make_controller(load_models_over_osc=True)
    async with osc_server(controller) as (server, _):
        changes = Changes(controller)
        FakeSender(server).send("/remapd/track/1/model", "snare_1")
        assert await changes.of("/track/1/model") == "snare_1"


class Slow:
    """Sounds that take until they are let go."""

    def __init__(self, controller):
        self.go, self._change = asyncio.Event(), controller.change
        controller.change = self

    async def __call__(self, changes, source=None):
        await self.go.wait()
        return await self._change(changes, source)


@in_loop
async def test_few_changes_wait_for_a_preset_and_the_last_value_counts():
    async with osc_server() as (server, controller):
        slow, changes, sender = Slow(controller), Changes(controller), FakeSender(server)
        for name in ("snare_1", "noisy_snare"):
            for _ in range(MAX_WAITING + 2):  # None of these comes to the same as the one before.
                sender.send("/remapd/track/1/preset", name)
                sender.send(f"/remapd{HOLD}", 20.0)
        assert "while a model or preset loads" in sender.messages()[0].arguments[1]
        for number in range(100):
            sender.send(f"/remapd{HOLD}", number / 2.0)
        slow.go.set()
        while controller.value(HOLD) != 49.5:
            await changes.of(HOLD)


@in_loop
async def test_what_does_not_fit_while_a_preset_loads_takes_nothing_with_it():
    async with osc_server() as (server, controller):
        slow, changes, sender = Slow(controller), Changes(controller), FakeSender(server)
        sender.send("/remapd/track/1/preset", "noisy_snare")
        sender.send(f"/remapd{HOLD}", 20.0)
        sender.send("/remapd/track/1/gain_db", 900.0)
        sender.send("/remapd/track/1/mute", 1)
        assert [message.arguments[0] for message in sender.messages()] == ["/remapd/track/1/gain_db"]
        slow.go.set()
        while not controller.value("/track/1/mute"):
            await changes.of("/track/1/mute")
        assert controller.value(HOLD) == 20.0


@in_loop
async def test_few_peers_wait_for_a_preset_however_many_there_are():
    async with osc_server() as (server, controller):
        slow, changes = Slow(controller), Changes(controller)
        senders = [FakeSender(server, f"guest {number}") for number in range(MAX_PEERS_WAITING + 1)]
        for sender in senders:
            sender.send("/remapd/track/1/preset", "noisy_snare")
        assert [sender for sender in senders if sender.messages()] == senders[-1:]
        slow.go.set()
        await changes.of("/track/1/preset")
        senders[-1].send("/remapd/track/1/preset", "snare_1")
        while controller.value("/track/1/preset") != "snare_1":
            await changes.of("/track/1/preset")


@in_loop
async def test_what_waits_for_a_preset_is_dropped_at_the_stop():
    async with osc_server() as (server, controller):
        Slow(controller)
        FakeSender(server).send("/remapd/track/1/preset", "noisy_snare")
        FakeSender(server).send(f"/remapd{HOLD}", 20.0)
    assert controller.value(HOLD) != 20.0


# -- a port that cannot be had ---------------------------------------------------------------------------------------


@in_loop
async def test_a_port_that_is_taken_is_told():
    async with osc_server() as (first, controller):
        with pytest.raises(RemapdError, match=r"OSC cannot listen on 127.0.0.1 port \d+ \(udp\): .*set osc.udp_port"):
            async with osc_server(controller, udp_port=first.udp_port):
                pass
        with pytest.raises(RemapdError, match=r"\(tcp\)"):
            async with osc_server(controller, tcp_port=first.tcp_port):
                pass


@in_loop
async def test_whoever_opens_it_to_others_is_told_to_name_them(caplog):
    async with osc_server(host="0.0.0.0"):
        assert "osc.allow names others" in caplog.text
    caplog.clear()
    for settings in ({"host": "0.0.0.0", "allow": ["10.0.0.0/8"]}, {}):
        async with osc_server(**settings):
            assert "osc.allow" not in caplog.text


@in_loop
async def test_without_ports_packets_of_others_are_taken():
    async with osc_server(enabled=False) as (server, controller):
        assert (server.udp_port, server.tcp_port) == (None, None)
        sender = FakeSender(server)
        sender.send(f"/remapd{HOLD}", 30.0)
        assert controller.value(HOLD) == 30.0
        sender.send("/remapd/subscribe")
        assert "LISTEN" in sender.messages()[0].arguments[1]


@in_loop
async def test_few_guests_are_remembered():
    async with osc_server() as (server, _):
        for number in range(MAX_GUESTS + 20):
            FakeSender(server, number).send("/remapd/ping")
        assert len(server._guests) == MAX_GUESTS


@in_loop
async def test_guests_are_limited_each_by_himself():
    async with osc_server(rate_per_s=10) as (server, controller):
        flood, other = FakeSender(server, "a"), FakeSender(server, "b")
        for number in range(100):
            flood.send(f"/remapd{HOLD}", float(number))
        assert controller.value(HOLD) < 20.0
        other.send(f"/remapd{HOLD}", 50.0)
        assert controller.value(HOLD) == 50.0
        assert server.counters.over_rate > 80
