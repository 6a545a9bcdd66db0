"""The real server on a real port: curl, slow and too many peers, tokens, WebSockets, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import websockets.exceptions
import websockets.sync.client

from remapd.control.http.front import make_policy, make_server
from remapd.control.http.policy import Policy
from remapd.control.http.server import MAX_MESSAGE_BYTES, ConnectionLimits, HttpServer
from remapd.control.plane import Plane
from remapd.errors import FieldError, RemapdError
from tests.plane import PATIENCE_S, LivePlane, live_client, make_plane, running

TOKEN = "a-token-that-nobody-guesses"
GAIN = "/api/v1/tree/track/1/gain_db"


def maker(folder: Path) -> Callable[[], Plane]:
    return lambda: make_plane(folder)


def test_curl_reads_and_writes(tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl")
    with LivePlane(maker(tmp_path)) as live:
        body = ["-X", "PUT", "-H", "Content-Type: application/json", "-d", '{"value": -6}']
        for arguments, expected in (([], 0.0), (body, None), ([], -6.0)):
            done = subprocess.run([curl, "-sS", "-f", *arguments, live.url + GAIN], capture_output=True, check=True)
            if expected is not None:
                assert json.loads(done.stdout)["value"] == expected
        assert live.call(lambda: live.plane.controller.value("/track/1/gain_db")) == -6.0


def test_requests_on_many_connections_at_once_are_all_answered(tmp_path: Path) -> None:
    async def ask(url: str) -> list[int]:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
            answers = await asyncio.gather(
                *(client.put(GAIN, json={"value": -0.1 * number}) for number in range(50)),
                *(client.get("/api/v1/status") for _ in range(50)),
            )
        return [answer.status_code for answer in answers]

    with LivePlane(maker(tmp_path)) as live:
        assert asyncio.run(ask(live.url)) == [200] * 100


def test_a_token_is_wanted_over_the_wire_too(tmp_path: Path) -> None:
    policy = Policy(token=TOKEN)
    with live_client(maker(tmp_path), policy=policy) as (live, client):
        assert client.get(GAIN).status_code == 401
        assert client.get(GAIN, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.get("/healthz").status_code == 200
        socket_url = f"ws://127.0.0.1:{live.port}/api/v1/events"
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            websockets.sync.client.connect(socket_url)
        assert refused.value.response.status_code == 401
        offered = ["remapd", f"remapd.token.{TOKEN}"]
        with websockets.sync.client.connect(socket_url, subprotocols=offered) as events:
            assert events.subprotocol == "remapd"
            assert json.loads(events.recv(PATIENCE_S))["type"] == "hello"


def test_pages_of_others_cannot_listen(tmp_path: Path) -> None:
    with LivePlane(maker(tmp_path)) as live:
        url = f"ws://127.0.0.1:{live.port}/api/v1/events"
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            websockets.sync.client.connect(url, origin="https://evil.example")
        assert refused.value.response.status_code == 403
        with websockets.sync.client.connect(url, origin=live.url):
            pass


def test_a_message_that_is_too_large_ends_its_websocket_alone(tmp_path: Path) -> None:
    with live_client(maker(tmp_path)) as (live, client):
        with websockets.sync.client.connect(f"ws://127.0.0.1:{live.port}/api/v1/events") as events:
            events.send("x" * (MAX_MESSAGE_BYTES + 1))
            list(_rest_of(events))
            assert events.close_code == 1009
        assert client.get("/healthz").status_code == 200


def _rest_of(connection: websockets.sync.client.ClientConnection) -> Iterator[object]:
    """All messages until the connection is closed."""
    with contextlib.suppress(websockets.exceptions.ConnectionClosed):
        while True:
            yield connection.recv(PATIENCE_S)


def _is_closed(peer: socket.socket) -> bool:
    """Wait for the end of a connection."""
    peer.settimeout(PATIENCE_S)
    try:
        while peer.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


def _is_refused(peer: socket.socket, piece: bytes, pause_s: float) -> bool:
    """Send a piece again and again until the other end no longer takes any."""
    deadline = time.monotonic() + PATIENCE_S
    peer.settimeout(PATIENCE_S)
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < deadline:
            peer.sendall(piece)
            time.sleep(pause_s)
        return False
    return True


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /heal",
        b"PUT " + GAIN.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
    ],
)
def test_who_keeps_the_server_waiting_is_let_go(tmp_path: Path, beginning: bytes) -> None:
    limits = ConnectionLimits(head_s=0.2, stall_s=0.2, idle_s=0.2)
    with LivePlane(maker(tmp_path), limits=limits) as live, socket.create_connection(("127.0.0.1", live.port)) as peer:
        peer.sendall(beginning)
        assert _is_closed(peer)


def test_a_websocket_on_which_the_client_says_nothing_stays(tmp_path: Path) -> None:
    limits = ConnectionLimits(head_s=0.2, stall_s=0.2, idle_s=0.2)
    with LivePlane(maker(tmp_path), limits=limits) as live:
        url = f"ws://127.0.0.1:{live.port}/api/v1/events?topics=meters&rate_hz=20"
        with websockets.sync.client.connect(url) as events:
            begun = time.monotonic()
            while time.monotonic() < begun + 1.0:
                assert events.recv(PATIENCE_S)


def test_a_head_that_comes_byte_by_byte_has_no_more_time(tmp_path: Path) -> None:
    limits = ConnectionLimits(head_s=0.3)
    with LivePlane(maker(tmp_path), limits=limits) as live, socket.create_connection(("127.0.0.1", live.port)) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert _is_refused(peer, b"x", 0.02)


def test_a_head_that_never_ends_is_refused(tmp_path: Path) -> None:
    with live_client(maker(tmp_path)) as (live, client):
        with socket.create_connection(("127.0.0.1", live.port)) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\n")
            assert _is_refused(peer, b"X-More: " + b"x" * 1000 + b"\r\n", 0.0)
        assert client.get("/healthz").status_code == 200


def test_who_does_not_read_its_answers_is_let_go(tmp_path: Path) -> None:
    limits = ConnectionLimits(stall_s=0.2)
    with live_client(maker(tmp_path), limits=limits) as (live, client), socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", live.port))
        request = b"GET /api/v1/tree?describe=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        assert _is_refused(peer, request, 0.001)
        assert client.get("/healthz").status_code == 200


def test_too_many_connections_are_refused_and_those_that_are_there_served(tmp_path: Path) -> None:
    limits = ConnectionLimits(total=4, per_address=4)
    with live_client(maker(tmp_path), limits=limits) as (live, client):
        assert client.get("/healthz").status_code == 200
        others = [socket.create_connection(("127.0.0.1", live.port)) for _ in range(3)]
        with socket.create_connection(("127.0.0.1", live.port)) as late:
            assert _is_closed(late)
        assert live.plane.http is not None
        assert live.plane.http.refused_connections == 1
        assert client.get("/healthz").status_code == 200
        for other in others:
            other.close()


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x02\x00\x01\x00", b"\r\n" * 50, b"GET\r\n\r\n", bytes(range(256))])
def test_nonsense_does_no_harm(tmp_path: Path, nonsense: bytes) -> None:
    with live_client(maker(tmp_path)) as (live, client):
        with socket.create_connection(("127.0.0.1", live.port)) as peer:
            peer.sendall(nonsense)
            peer.shutdown(socket.SHUT_WR)
            assert _is_closed(peer)
        assert client.get("/healthz").status_code == 200


def test_the_server_ends_with_its_connections_and_may_be_stopped_twice(tmp_path: Path) -> None:
    async def run() -> None:
        plane = make_plane(tmp_path)
        async with running(plane):
            server = make_server(plane)
            await server.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            assert server.connections == 1
            await server.stop()
            await server.stop()
            await reader.read()
            writer.close()
            with pytest.raises(OSError, match=r".*"):
                await asyncio.open_connection("127.0.0.1", server.port)
            await server.start()
            await server.stop()

    asyncio.run(run())


def test_no_answer_waits_for_an_acknowledgement(tmp_path: Path) -> None:
    async def run() -> None:
        plane = make_plane(tmp_path)
        async with running(plane):
            server = make_server(plane)
            await server.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await reader.readline()
            (connection,) = server._server.server_state.connections
            accepted = connection.transport.get_extra_info("socket")
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) <= 1 << 16
            writer.close()
            await server.stop()

    asyncio.run(run())


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            server = HttpServer(lambda *_: asyncio.sleep(0), "127.0.0.1", port)
            with pytest.raises(RemapdError, match=rf"port {port}.*http\.port"):
                await server.start()
            await server.stop()

    asyncio.run(run())


def test_the_config_says_who_may_do_what(tmp_path: Path) -> None:
    settings = {"http": {"port": 0, "host": "0.0.0.0", "allowed_hosts": ["desk.local"], "rate_hz": 7.0}}
    plane = make_plane(tmp_path, settings=settings)
    with pytest.raises(FieldError, match=r"http\.host"):
        make_server(plane)
    policy = make_policy(plane.config, TOKEN, ["Stage.local."])
    assert {"desk.local", "stage.local", socket.gethostname().lower()} <= set(policy.hosts)
    assert (policy.token, policy.rate_hz) == (TOKEN, 7.0)
    plain = make_policy(make_plane(tmp_path).config, "")
    assert plain.hosts == ()


def test_osc_peers_on_the_list_may_use_oscquery_without_a_token(tmp_path: Path) -> None:
    osc = {"enabled": True, "allow": ["192.168.7.0/24"]}
    policy = make_policy(make_plane(tmp_path, settings={"osc": osc}).config, TOKEN)
    assert policy.trusted("192.168.7.9")
    assert policy.trusted("::ffff:192.168.7.9")
    for address in ("192.168.8.1", "127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1"):
        assert not policy.trusted(address)
    for osc in ({"enabled": False, "allow": ["192.168.7.0/24"]}, {"enabled": True}):
        closed = make_policy(make_plane(tmp_path, settings={"osc": osc}).config, TOKEN)
        assert not closed.trusted("192.168.7.9")


def test_figures_of_the_server_are_in_the_metrics(tmp_path: Path) -> None:
    async def run() -> None:
        plane = make_plane(tmp_path)
        async with running(plane):
            server = make_server(plane)
            await server.start()
            async with httpx.AsyncClient(base_url=server.url) as client:
                await client.get("/healthz", headers={"Host": "evil.example"})
                text = (await client.get("/metrics")).text
            await server.stop()
        assert 'remapd_http_refused_total{reason="host"} 1.0' in text
        assert "remapd_http_requests_total 1.0" in text
        assert "remapd_http_connections 1.0" in text

    asyncio.run(run())
