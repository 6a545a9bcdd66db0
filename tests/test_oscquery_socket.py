"""The WebSocket of OSCQuery on a live server, with clients that are not ours: websockets and python-osc."""

import asyncio
import contextlib
import itertools
import json
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from remapd.control.http.policy import Policy
from remapd.control.oscquery.listener import MAX_WAITING, Listener
from remapd.control.tree import build_tree
from remapd.errors import FieldError
from tests.plane import LivePlane, make_plane

PATIENCE_S = 20.0
TRACK = "/remapd/track/1"
SENTINEL = "/remapd/limiter_release_ms"
TOKEN = "a token that is long enough"


class Client:
    """A client of the WebSocket; what it reads are messages as dicts and OSC as (address, arguments)."""

    def __init__(self, live, socket):
        self._live, self.socket = live, socket

    def command(self, name, address):
        self.socket.send(json.dumps({"COMMAND": name, "DATA": address}))

    def osc(self, address, *arguments):
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        self.socket.send(builder.build().dgram)

    def next(self):
        frame = self.socket.recv(timeout=PATIENCE_S)
        if isinstance(frame, str):
            return json.loads(frame)
        message = OscMessage(frame)
        return message.address, tuple(message.params)

    def until(self, wanted):
        """Read until this comes; returns what came before."""
        before = []
        while (got := self.next()) != wanted:
            before.append(got)
        return before

    def settle(self):
        """Read all that the server had to say until now, by way of a change that comes behind it."""
        self.command("LISTEN", SENTINEL)
        self.osc("/remapd/ping", "there")
        before = self.until(("/remapd/pong", ("there",)))
        mark = live_mark()
        change(self._live, {SENTINEL.removeprefix("/remapd"): mark})
        before += self.until((SENTINEL, (mark,)))
        return [got for got in before if not (isinstance(got, tuple) and got[0] == SENTINEL)]


def live_mark(marks=itertools.count(10)):  # noqa: B008 -- one for all tests
    """A value that was not there before."""
    return float(next(marks))


def websocket(live, **options):
    return connect(live.url.replace("http", "ws") + "/", open_timeout=PATIENCE_S, **options)


@contextlib.contextmanager
def clients(folder, number=1, values=None, **live_options):
    with contextlib.ExitStack() as stack:
        live = stack.enter_context(LivePlane(lambda: make_plane(folder, values), **live_options))
        sockets = [stack.enter_context(websocket(live)) for _ in range(number)]
        yield (live, *(Client(live, socket) for socket in sockets))


def change(live, changes, source=None):
    live.call(lambda: live.plane.controller.set(changes, source))


def nearly(value):
    return pytest.approx(value, rel=1e-6)


# -- listening ---------------------------------------------------------------------------------------------------------


def test_listen_tells_the_value_and_its_changes(tmp_path):
    with clients(tmp_path) as (live, client):
        client.command("LISTEN", f"{TRACK}/gain_db")
        assert client.next() == (f"{TRACK}/gain_db", (0.0,))
        change(live, {"/track/1/gain_db": -6.0, "/track/1/pan": 0.5})
        assert client.next() == (f"{TRACK}/gain_db", (-6.0,))
        assert client.settle() == []


def test_ignore_ends_it(tmp_path):
    with clients(tmp_path) as (live, client):
        client.command("LISTEN", f"{TRACK}/gain_db")
        client.command("LISTEN", f"{TRACK}/mute")
        client.until((f"{TRACK}/mute", (False,)))
        client.command("IGNORE", f"{TRACK}/gain_db")
        client.settle()
        change(live, {"/track/1/gain_db": -6.0, "/track/1/mute": True})
        assert client.next() == (f"{TRACK}/mute", (True,))


def test_a_container_is_listened_to_with_all_in_it(tmp_path):
    with clients(tmp_path) as (live, client):
        client.command("LISTEN", f"{TRACK}/onset")
        onsets = {address for address, _ in client.settle()}
        assert onsets == {f"/remapd{c.path}" for c in live.plane.controller.tree.under("/track/1/onset")}
        client.command("IGNORE", "/remapd")
        client.settle()
        change(live, {"/track/1/onset/hold_ms": 33.0})
        assert client.settle() == []


def test_every_type_arrives_as_it_is_told(tmp_path):
    changes = {"/track/1/pan": 0.25, "/track/1/mute": True, "/track/1/input_channel": 2, "/log_level": "debug"}
    with clients(tmp_path) as (live, client):
        for path in changes:
            client.command("LISTEN", "/remapd" + path)
        client.settle()
        change(live, changes)
        got = dict(client.next() for _ in changes)
        assert got == {"/remapd" + path: (value,) for path, value in changes.items()}
        types = {address: type(value) for address, (value,) in got.items()}
        assert types == {"/remapd" + path: type(value) for path, value in changes.items()}


def test_what_a_client_sets_reaches_the_others_and_not_itself(tmp_path):
    with clients(tmp_path, 2) as (live, one, other):
        for client in (one, other):
            client.command("LISTEN", f"{TRACK}/dry_wet")
            client.until((f"{TRACK}/dry_wet", (1.0,)))
        one.osc(f"{TRACK}/dry_wet", 0.25)
        assert other.next() == (f"{TRACK}/dry_wet", (0.25,))
        assert one.settle() == []
        assert live.call(lambda: live.plane.controller.value("/track/1/dry_wet")) == 0.25


def test_a_bundle_and_a_pattern_are_understood(tmp_path):
    with clients(tmp_path) as (live, client):
        client.osc("/remapd/track/*/{gain_db,limit}", -3.0)
        client.settle()
        assert live.call(lambda: live.plane.controller.value("/track/1/gain_db")) == -3.0


def test_a_query_over_the_socket_is_answered_there(tmp_path):
    with clients(tmp_path) as (_, client):
        client.osc(f"{TRACK}/gain_db")
        assert client.next() == (f"{TRACK}/gain_db", (0.0,))


def test_changes_come_at_most_thirty_times_a_second(tmp_path):
    with clients(tmp_path) as (live, client):
        client.command("LISTEN", f"{TRACK}/pan")
        client.settle()

        def sweep():
            for step in range(200):
                live.plane.controller.set({"/track/1/pan": step / 200})

        live.call(sweep)
        last = (f"{TRACK}/pan", (nearly(199 / 200),))
        assert len(client.until(last)) <= 1


# -- structure ---------------------------------------------------------------------------------------------------------


def run(live, make):
    """Await something in the server's loop."""

    async def act():
        return await make()

    return asyncio.run_coroutine_threadsafe(act(), live._loop).result(PATIENCE_S)


def test_tracks_that_come_and_go_are_told_without_asking(tmp_path):
    with clients(tmp_path) as (live, client):
        client.settle()
        controller = live.plane.controller
        run(live, lambda: controller.add_track({"model": "velocity"}))
        assert client.next() == {"COMMAND": "PATH_ADDED", "DATA": "/remapd/track/2"}
        assert client.next() == {"COMMAND": "PATH_CHANGED", "DATA": "/remapd/track"}
        run(live, lambda: controller.remove_track(2))
        assert client.next() == {"COMMAND": "PATH_REMOVED", "DATA": "/remapd/track/2"}
        assert client.next() == {"COMMAND": "PATH_CHANGED", "DATA": "/remapd/track"}


def test_what_comes_to_a_container_is_listened_to(tmp_path):
    with clients(tmp_path) as (live, client):
        client.command("LISTEN", "/remapd/track")
        client.settle()
        run(live, lambda: live.plane.controller.add_track({"model": "velocity"}))
        client.settle()
        change(live, {"/track/2/pan": -0.5})
        client.until(("/remapd/track/2/pan", (-0.5,)))


def test_another_synth_is_told_by_its_nodes(tmp_path):
    with clients(tmp_path) as (live, client):
        client.settle()
        old = set(live.plane.controller.tree)
        run(live, lambda: live.plane.controller.change({"/track/1/model": "clap_808"}))
        told = client.settle()
        places = [m["DATA"] for m in told if isinstance(m, dict) and m["COMMAND"] == "PATH_REMOVED"]
        gone = {path for path in old if path not in live.plane.controller.tree}
        assert gone
        for path in gone:
            assert any(f"/remapd{path}/".startswith(place + "/") for place in places), path


def test_new_names_in_the_library_are_told(tmp_path):
    with clients(tmp_path) as (live, client):
        client.settle()
        live.call(lambda: live.plane.bulletin.post("library", {"kind": "model", "name": "x", "change": "added"}))
        assert client.next() == {"COMMAND": "PATH_CHANGED", "DATA": f"{TRACK}/model"}
        assert client.next() == {"COMMAND": "PATH_CHANGED", "DATA": f"{TRACK}/preset"}


# -- what does not fit -------------------------------------------------------------------------------------------------


MISFITS = [
    ("", "message"),
    ("{", "message"),
    ("[]", "message"),
    ("5", "message"),
    ('{"COMMAND": "SING", "DATA": "/remapd"}', "COMMAND"),
    ('{"COMMAND": 7, "DATA": "/remapd"}', "COMMAND"),
    ('{"COMMAND": "LISTEN"}', "DATA"),
    ('{"COMMAND": "LISTEN", "DATA": ["/remapd"]}', "DATA"),
    ('{"COMMAND": "LISTEN", "DATA": "/elsewhere"}', "DATA"),
    ('{"COMMAND": "LISTEN", "DATA": "/remapd/track/9/pan"}', "DATA"),
    ("[" * 20000, "message"),
    ('{"COMMAND": "LISTEN", "COMMAND": "LISTEN"}', "COMMAND"),
]


def test_a_message_that_does_not_fit_is_answered_and_no_more(tmp_path):
    with clients(tmp_path, len(MISFITS)) as (_, *sockets):
        for client, (text, field) in zip(sockets, MISFITS, strict=True):
            client.socket.send(text)
            address, arguments = client.next()
            assert (address, arguments[0]) == ("/remapd/error", field)
            assert client.settle() == []


def test_a_refused_value_is_told_and_kept_out(tmp_path):
    with clients(tmp_path) as (live, client):
        client.osc(f"{TRACK}/gain_db", 99.0)
        address, (where, text) = client.next()
        assert (address, where) == ("/remapd/error", f"{TRACK}/gain_db")
        assert "-60 to 12 dB" in text
        assert live.call(lambda: live.plane.controller.value("/track/1/gain_db")) == 0.0


def test_random_frames_do_no_harm(tmp_path):
    source = random.Random(4)
    with clients(tmp_path, 2) as (live, wild, calm):
        for _ in range(300):
            data = source.randbytes(source.randrange(200))
            wild.socket.send(data if source.random() < 0.7 else data.decode("latin-1"))
        for client in (calm, wild):
            client.command("LISTEN", f"{TRACK}/pan")
            client.until((f"{TRACK}/pan", (0.0,)))
        assert live.call(lambda: live.plane.osc.counts()["faults"]) == 0


def flooded(client):
    for _ in range(40000):
        client.command("IGNORE", f"{TRACK}/pan")
    client.until(None)


def test_a_flood_of_commands_ends_the_connection_and_no_other(tmp_path):
    with clients(tmp_path, 2) as (_, flood, calm):
        with pytest.raises(ConnectionClosed):
            flooded(flood)
        assert calm.settle() == []


def test_a_frame_that_is_too_long_ends_the_connection(tmp_path):
    with clients(tmp_path) as (_, client):
        client.socket.send(os.urandom(70 * 1024))
        with pytest.raises(ConnectionClosed):
            client.next()


def test_one_that_does_not_read_holds_nobody_up(tmp_path):
    with clients(tmp_path, 2) as (live, asleep, awake):
        asleep.command("LISTEN", "/")
        awake.command("LISTEN", f"{TRACK}/gain_db")
        awake.next()
        numbers = [c for c in live.plane.controller.tree.under("/track") if c.kind == "number"]

        def sweep(share):
            live.plane.controller.set({c.path: c.from_position(share) for c in numbers})

        for step in range(300):
            live.call(lambda step=step: sweep(step / 300))
        last = live.call(lambda: live.plane.controller.value("/track/1/gain_db"))
        awake.until((f"{TRACK}/gain_db", (nearly(last),)))
        assert awake.settle() == []
        # What is read in the end is true, however much was left out.
        address, path = f"{TRACK}/pan", "/track/1/pan"
        change(live, {path: 1.0})  # The sweep does not reach it.
        asleep.until((address, (1.0,)))


def test_who_leaves_is_forgotten(tmp_path):
    with clients(tmp_path, 2) as (live, client, other):
        client.command("LISTEN", "/remapd")
        client.settle()
        subscribed = live.call(lambda: len(live.plane.hub))
        client.socket.close()
        other.settle()

        async def gone():
            while len(live.plane.hub) >= subscribed:
                await asyncio.sleep(0.01)

        run(live, gone)


# -- who may -----------------------------------------------------------------------------------------------------------


def test_the_socket_wants_the_token_and_our_own_page(tmp_path):
    header = {"Authorization": f"Bearer {TOKEN}"}
    with LivePlane(lambda: make_plane(tmp_path), Policy(token=TOKEN)) as live:
        for options in ({}, {"additional_headers": header, "origin": "http://evil.example"}):
            with pytest.raises(InvalidStatus), websocket(live, **options):
                pass
        with websocket(live, additional_headers=header) as socket:
            assert Client(live, socket).settle() == []


# -- the listener alone ------------------------------------------------------------------------------------------------

TREE = build_tree(["snare808", "snare808"])


def waiting(listener):
    return len(listener._messages) + len(listener._answers) + len(listener._values)


def test_what_waits_for_one_that_does_not_read_is_bounded():
    listener = Listener(lambda: TREE)
    listener.command('{"COMMAND": "LISTEN", "DATA": "/"}')
    for count in range(3 * MAX_WAITING):
        listener.answer(b"x")
        listener.take_structure([f'{{"COMMAND": "PATH_ADDED", "DATA": "/remapd/{count}"}}'])
        listener.take_values(dict.fromkeys(TREE, 0.0))
    assert waiting(listener) <= 2 * MAX_WAITING + len(TREE)
    assert listener.dropped == 2 * MAX_WAITING
    assert "/remapd" in json.loads(listener._messages[0])["DATA"]


def test_messages_that_were_missed_become_one_for_everything():
    listener = Listener(lambda: TREE)
    listener.take_structure([f'{{"COMMAND": "PATH_ADDED", "DATA": "/remapd/{n}"}}' for n in range(MAX_WAITING + 1)])
    assert list(listener._messages) == ['{"COMMAND": "PATH_CHANGED", "DATA": "/remapd"}']


def test_ignoring_a_part_of_what_is_listened_to():
    listener = Listener(lambda: TREE)
    listener.command('{"COMMAND": "LISTEN", "DATA": "/remapd/track/1"}')
    listener.command('{"COMMAND": "IGNORE", "DATA": "/remapd/track/1/onset"}')
    assert listener.wants("/track/1/pan")
    assert not listener.wants("/track/1/onset/hold_ms")
    assert not listener.wants("/track/2/pan")
    listener.command('{"COMMAND": "IGNORE", "DATA": "/remapd/track/10"}')
    assert listener.wants("/track/1/pan")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200) | st.recursive(st.none() | st.text(max_size=9), st.lists).map(json.dumps))
def test_any_text_is_refused_or_understood(text):
    listener = Listener(lambda: TREE)
    with contextlib.suppress(FieldError):
        listener.command(text)
    assert listener._paths <= set(TREE)


def test_python_osc_reads_all_frames_of_a_snapshot(tmp_path):
    with clients(tmp_path) as (live, client):
        client.command("LISTEN", "/")
        expected = live.call(lambda: live.plane.controller.values())
        frames = [client.socket.recv(timeout=PATIENCE_S) for _ in expected]
        messages = [OscPacket(frame).messages for frame in frames]
        assert {len(found) for found in messages} == {1}
        got = {found[0].message.address: found[0].message.params[0] for found in messages}
        assert got == {
            "/remapd" + path: nearly(value) if isinstance(value, float) else value for path, value in expected.items()
        }
