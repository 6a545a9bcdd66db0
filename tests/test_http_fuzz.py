"""Whatever bytes come over a connection: the server answers or closes it, serves others, and logs no fault."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plane import PATIENCE_S, LivePlane, make_plane

_METHODS = st.sampled_from(
    ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "gEt", "\x00", "PRI"]
)
_PATHS = st.sampled_from(
    [
        "/", "*", "//", "/api/v1/tree", "/api/v1/tree/track/1/pan", "/api/v1/models/x", "/api/v1/events", "/%", "/%00",
        "/remapd?VALUE", "/ui/../../etc/passwd", "/ui/%2e%2e/%2e%2e/etc/passwd", "http://evil.example/",
        "/api/v1/recordings/x", "/metrics?" + "a=b&" * 500, "/" + "a/" * 2000,
    ]
)  # fmt: skip
_HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Origin", "If-Match", "If-None-Match",
             "Range", "Accept", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Authorization",
             "Sec-WebSocket-Protocol", "Remapd-Client", "Expect", "X"]
        ),
        st.one_of(
            st.sampled_from(["127.0.0.1", "chunked", "5", "-1", "9" * 30, "application/json", "websocket", "Upgrade",
                             "13", "null", "*", 'W/"x", "y"', "bytes=0-", "bytes=9-1,,", "100-continue"]),
            st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
        ),
    ),
    max_size=8,
)  # fmt: skip


class Faults(logging.Handler):
    """Keeps what is logged as a fault of ours."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlane]:
    folder, faults = tmp_path_factory.mktemp("plane"), Faults()
    loggers = [logging.getLogger(name) for name in ("remapd", "uvicorn", "asyncio")]
    with LivePlane(lambda: make_plane(folder)) as live:
        live.faults = faults.lines
        for logger in loggers:
            logger.addHandler(faults)
        yield live
    for logger in loggers:
        logger.removeHandler(faults)


def send(live: LivePlane, content: bytes) -> bytes:
    """Send bytes and nothing more; returns what comes back until the server closes the connection."""
    answer = b""
    with socket.create_connection(("127.0.0.1", live.port), PATIENCE_S) as peer:
        try:
            peer.sendall(content)
            peer.shutdown(socket.SHUT_WR)
            while piece := peer.recv(65536):
                answer += piece
        except ConnectionError:
            pass
    return answer


def check(live: LivePlane, content: bytes) -> None:
    answer = send(live, content)
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 500"), answer
    assert httpx.get(f"{live.url}/healthz").json() == {"status": "ok"}
    assert not live.faults


@settings(max_examples=60)
@given(content=st.binary(max_size=3000))
def test_any_bytes(live: LivePlane, content: bytes) -> None:
    check(live, content)


@settings(max_examples=150)
@given(method=_METHODS, path=_PATHS, headers=_HEADERS, body=st.binary(max_size=60), has_host=st.booleans())
def test_requests_of_strange_parts(
    live: LivePlane, method: str, path: str, headers, body: bytes, has_host: bool
) -> None:
    lines = [f"{method} {path} HTTP/1.1", *(["Host: 127.0.0.1"] if has_host else [])]
    lines += [f"{name}: {value}" for name, value in headers]
    check(live, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
