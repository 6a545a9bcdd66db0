"""The events WebSocket, the history, the log and the metrics, by a real server and independent clients."""

import asyncio
import contextlib
import json
import logging
import socket
from types import SimpleNamespace

import httpx
import pytest
import websockets
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from remapd.audio.backend import StreamInfo
from remapd.control.bulletin import Bulletin
from remapd.control.events import EventHub
from remapd.control.http import events_socket, logs, metrics, recent_events, web
from remapd.control.http.app import PREFIX
from remapd.control.http.events_socket import choice_of_message, error_message
from remapd.control.http.problems import install
from remapd.control.http.security import Guard, Policy
from remapd.control.http.server import HttpServer
from remapd.control.hub import ChangeHub
from remapd.control.watching.feed import Feed
from remapd.control.watching.logs import Logs
from remapd.control.watching.messages import TOPICS
from remapd.control.watching.metrics import Metrics
from remapd.engine_process import Playing
from remapd.errors import FieldError
from tests.demo_events import status
from tests.engines import hits, make_engine, play

PLAYING = Playing(StreamInfo("drum", "amplifier", 48000.0, 64, 1, 2, 0.001, 0.002), 64, False, False)
TOKEN = "0123456789abcdef-secret"
LOG = logging.getLogger("remapd.test")


class Service:
    """All that the routes need, served on a free port."""

    def __init__(self, policy=None):
        self.engine = make_engine()
        self.engine.warm_up()
        self.events = EventHub(self.engine.shared.record)
        self.bulletin = Bulletin()
        self.hub = ChangeHub(lambda container: {"/pan": 0.0})
        self.host = SimpleNamespace(playing=PLAYING, starts=1)
        self.feed = Feed(self.events, self.bulletin, self.hub, status, lambda: PLAYING)
        self.metrics = Metrics(self.engine.status, self.host, self.events)
        self.logs = Logs()
        self.controller = SimpleNamespace(revision=7)
        app = FastAPI()
        for part in (events_socket, recent_events, logs):
            app.include_router(part.router(self), prefix=PREFIX)
        for part in (metrics, web):
            app.include_router(part.router(self))
        install(app)
        app.add_middleware(Guard, policy=policy or Policy())
        self.server = HttpServer(app, "127.0.0.1", 0)

    def strike(self, *times_s):
        play(self.engine, hits(list(times_s), times_s[-1] + 0.2))
        self.events.poll()

    def url(self, path, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.server.port}{path}"

    def socket(self, query="", **options):
        return websockets.connect(self.url(f"{PREFIX}/events{query}", "ws"), **options)

    async def get(self, path, **options):
        async with httpx.AsyncClient(timeout=20.0) as client:
            return await client.get(self.url(path), **options)


def served(scenario, policy=None):
    """Run a scenario against a service that is up."""

    async def run():
        service = Service(policy)
        parts = service.logs, service.feed, service.metrics, service.server
        async with contextlib.AsyncExitStack() as stack:
            for part in parts:
                await part.start()
                stack.push_async_callback(part.stop)
            await asyncio.wait_for(scenario(service), 30.0)

    asyncio.run(run())


async def take(stream, kind=None):
    """The next message, or the next of a kind."""
    while True:
        message = json.loads(await stream.recv())
        if kind is None or message["type"] == kind:
            return message


def test_hits_are_told_with_a_greeting_before_them():
    async def scenario(service):
        async with service.socket() as stream:
            hello = await take(stream)
            assert (hello["type"], hello["topics"], hello["rate_hz"], hello["revision"]) == ("hello", ["hits"], 30.0, 7)
            service.strike(0.3, 0.6)
            assert [(await take(stream))["onset_s"] for _ in range(2)] == pytest.approx([0.3, 0.6], abs=0.002)

    served(scenario)


def test_topics_and_rate_can_be_chosen_by_query_and_by_message():
    async def scenario(service):
        async with service.socket("?topics=meters,jobs&rate_hz=60") as stream:
            hello = await take(stream)
            assert (hello["topics"], hello["rate_hz"]) == (["meters", "jobs"], 60.0)
            assert (await take(stream, "meters"))["track_db"] == [-20.0]
            await stream.send('{"topics": ["changes", "signal"]}')
            chosen = await take(stream, "chosen")
            assert (chosen["topics"], chosen["rate_hz"]) == (["signal", "changes"], 60.0)
            assert (await take(stream, "changes"))["values"] == {"/pan": 0.0}
            assert (await take(stream, "signal"))["signal_db"] == [0.0]

    served(scenario)


def test_a_client_does_not_hear_of_what_it_changed_itself():
    async def scenario(service):
        async with service.socket("?topics=changes") as stream, service.socket("?topics=changes") as other:
            name = (await take(stream))["client"]
            for each in (stream, other):
                await take(each, "changes")
            service.hub.publish({"/pan": 0.5}, name)
            assert (await take(other, "changes"))["values"] == {"/pan": 0.5}
            service.hub.publish({"/pan": 0.75})
            assert (await take(stream, "changes"))["values"] == {"/pan": 0.75}

    served(scenario)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?topics=hits,drums", "topics"),
        ("?rate_hz=0", "rate_hz"),
        ("?rate_hz=nan", "rate_hz"),
        ("?rate=30", "message"),
        ("?token=x", "message"),
    ],
)
def test_a_query_that_does_not_fit_is_refused_by_field(query, field):
    async def scenario(service):
        async with service.socket(query) as stream:
            error = await take(stream)
            assert (error["type"], error["field"]) == ("error", field)
            with pytest.raises(websockets.ConnectionClosed):
                await stream.recv()
            assert stream.close_code == 1008
        assert len(service.feed) == 0

    served(scenario)


@pytest.mark.parametrize(
    "message",
    ["", "no JSON", "[]", "null", '{"topics": "hits"}', '{"topics": [["hits"]]}', '{"x": 1}', '{"rate_hz": 1e9}',
     '{"rate_hz": true}', b"\x00\xff", "[" * 10_000, '{"topics": [], "topics": []}'],
)  # fmt: skip
def test_a_message_that_does_not_fit_is_answered_and_changes_nothing(message):
    async def scenario(service):
        async with service.socket() as stream:
            await stream.send(message)
            error = await take(stream, "error")
            assert error["detail"]
            service.strike(0.3)
            assert (await take(stream, "hit"))["track"] == 1

    served(scenario)


def test_a_client_that_sends_too_much_is_sent_away():
    async def scenario(service):
        async with service.socket() as stream:
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await stream.send("{}")
                    await take(stream)
            assert stream.close_code == 1008
        assert len(service.feed) == 0

    served(scenario)


def test_who_leaves_without_a_word_is_forgotten():
    async def scenario(service):
        stream = await service.socket("?topics=hits,changes,meters")
        await take(stream)
        assert len(service.feed) == 1
        stream.transport.abort()
        while len(service.feed):
            await asyncio.sleep(0.001)
        assert len(service.hub) == 0

    served(scenario)


def test_a_slow_reader_loses_old_meters_and_is_told_of_hits_it_lost():
    async def scenario(service):
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", service.server.port))
        # A client library would read ahead: this one reads nothing until it is told to.
        request = f"GET {PREFIX}/events?topics=hits,notices,meters HTTP/1.1\r\nHost: localhost\r\n"
        request += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        slow.sendall((request + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        while not len(service.feed):
            await asyncio.sleep(0.001)
        text = "x" * 10_000
        posted = 0
        while not service.feed.lost_messages:
            service.bulletin.post("notice", {"text": text, "number": posted})
            posted += 1
            await asyncio.sleep(0)
        assert service.feed.waiting <= 250
        async with service.socket("?topics=notices") as quick:
            await take(quick)
            service.bulletin.post("notice", {"text": "still served"})
            assert (await take(quick))["text"] == "still served"
        lost = service.feed.lost_messages
        slow.setblocking(False)
        received = b""
        while b'"lost":' not in received:
            received += await asyncio.get_running_loop().sock_recv(slow, 1 << 20)
        assert f'{{"type":"gap","of":"news","lost":{lost}}}'.encode() in received
        slow.close()

    served(scenario)


def test_the_token_comes_as_a_subprotocol_from_a_browser():
    async def scenario(service):
        async with service.socket(subprotocols=["remapd", f"remapd.token.{TOKEN}"]) as stream:
            assert stream.subprotocol == "remapd"
            assert (await take(stream))["type"] == "hello"
        with pytest.raises(websockets.InvalidStatus) as refusal:
            await service.socket(subprotocols=["remapd", "remapd.token.wrong"])
        assert refusal.value.response.status_code == 401
        assert TOKEN not in str([line.text for line in service.logs.lines()])
        assert (await service.get("/metrics")).status_code == 401
        assert (await service.get("/ui/")).status_code == 200

    served(scenario, Policy(token=TOKEN))


def test_a_page_of_others_cannot_listen():
    async def scenario(service):
        with pytest.raises(websockets.InvalidStatus) as refusal:
            await service.socket(origin="http://elsewhere.example")
        assert refusal.value.response.status_code == 403

    served(scenario)


def test_the_last_minutes_can_be_read_by_kind_and_number():
    async def scenario(service):
        service.strike(0.3, 0.6, 0.9)
        answer = (await service.get(f"{PREFIX}/events/recent", params={"kind": "hits"})).json()["events"]
        assert [event["onset_s"] for event in answer] == pytest.approx([0.3, 0.6, 0.9], abs=0.002)
        assert answer[0]["latency_ms"]["sound"] > answer[0]["latency_ms"]["detection"] > 0.0
        newest = (await service.get(f"{PREFIX}/events/recent", params={"kind": "hits", "most": 1})).json()["events"]
        assert newest == answer[-1:]
        for query in ({"kind": "rejected"}, {"track": 2}):
            there = (await service.get(f"{PREFIX}/events/recent", params=query)).json()["events"]
            assert all(event["type"] == "rejected" for event in there)
        refused = await service.get(f"{PREFIX}/events/recent", params={"most": 0})
        assert (refused.status_code, refused.json()["field"]) == (422, "most")

    served(scenario)


def test_the_log_can_be_read():
    async def scenario(service):
        LOG.warning("careful")
        LOG.info("by the way")
        answer = (await service.get(f"{PREFIX}/logs", params={"level": "warning"})).json()
        assert [line["text"] for line in answer["lines"]] == ["careful"]
        assert (answer["level"], answer["dropped"], answer["lines"][0]["part"]) == ("info", 0, "remapd.test")
        assert (await service.get(f"{PREFIX}/logs", params={"level": "loud"})).status_code == 422

    served(scenario)


def test_metrics_are_served_as_prometheus_reads_them():
    async def scenario(service):
        service.strike(0.3)
        answer = await service.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        names = {family.name for family in text_string_to_metric_families(answer.text)}
        assert {
            "remapd_hits",
            "remapd_rejected",
            "remapd_engine_load",
            "remapd_xruns",
            "remapd_latency_seconds",
        } <= names

    served(scenario)


def test_the_page_is_served_with_its_type_and_nothing_beside_it():
    async def scenario(service):
        page = await service.get("/ui/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in page.headers["content-security-policy"]
        again = await service.get("/ui/", headers={"If-None-Match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for path in ("..%2Fcontroller.py", "..%5Ccontroller.py", "%2Fetc%2Fpasswd", "__init__.py", "nothing.js"):
            assert (await service.get(f"/ui/{path}")).status_code == 404

    served(scenario)


def test_what_a_choice_leaves_out_stays():
    present = frozenset({"hits"}), 20.0
    assert choice_of_message("{}", present) == present
    assert choice_of_message('{"rate_hz": 5}', present) == (present[0], 5.0)
    assert choice_of_message(json.dumps({"topics": list(TOPICS)}), present)[0] == frozenset(TOPICS)
    with pytest.raises(FieldError, match="topics"):
        choice_of_message('{"topics": [1]}', present)


_LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8) | st.sampled_from(list(TOPICS))
_MEMBERS = st.sampled_from(["topics", "rate_hz", "x"])
_DOCUMENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_MEMBERS, inner), max_leaves=12
)
_DEEP = st.integers(1, 3000).map(lambda depth: f'{{"topics": {"[" * depth}{"]" * depth}}}')


@given(st.text(max_size=200) | _DOCUMENTS.map(json.dumps) | _DEEP)
def test_whatever_a_client_chooses_fits_or_is_told_why(text):
    refusal = None
    try:
        topics, rate_hz = choice_of_message(text, (frozenset({"hits"}), 30.0))
    except FieldError as error:
        refusal = error_message(error)
    if refusal is None:
        assert topics <= set(TOPICS)
        assert 1.0 <= rate_hz <= 60.0
    else:
        assert json.loads(refusal)["field"]
