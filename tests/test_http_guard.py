"""The guard before the application: Host, Origin, token, bounds, headers, problems."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import httpx
import pytest
from fastapi import Body, FastAPI, WebSocket
from pydantic import BaseModel, ConfigDict
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from remapd.control.http import problems
from remapd.control.http.limits import MAX_ADDRESSES, Places, RateLimiter
from remapd.control.http.names import NewName
from remapd.control.http.policy import Policy, check_binding, is_loopback
from remapd.control.http.security import Guard
from remapd.errors import (
    BusyError,
    ConflictError,
    DeviceError,
    DiskFullError,
    FieldError,
    ModelError,
    NotFoundError,
    NotInstalledError,
    TooLargeError,
)
from remapd.fields import NAME_TEXT

TOKEN = "a-token-that-nobody-guesses"


class _Named(BaseModel):
    """Body with a name."""

    model_config = ConfigDict(extra="forbid")
    name: NewName


def make_app(policy: Policy, refused: list[str] | None = None) -> FastAPI:
    """Application that shows what reaches it."""
    app = FastAPI()

    @app.get("/where")
    async def where() -> str:
        return "here"

    @app.post("/echo")
    async def echo(body: dict[str, float] = Body()) -> dict[str, float]:  # noqa: B008
        return body

    @app.get("/ui/{file}")
    async def page(file: str) -> str:
        return file

    @app.websocket("/")
    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
        await websocket.send_json({"headers": sorted(websocket.headers), "offered": websocket.scope["subprotocols"]})
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.receive_text()

    problems.install(app)
    app.add_middleware(Guard, policy=policy, count=(refused if refused is not None else []).append)
    return app


def client(policy: Policy | None = None, base: str = "http://127.0.0.1:8000", **more) -> TestClient:
    return TestClient(make_app(policy or Policy(), **more), base_url=base, follow_redirects=False)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "192.168.1.7", "stage.local"])
def test_own_names_and_any_address_are_served(host: str) -> None:
    assert client(Policy(hosts=("stage.local",))).get("/where", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost@evil", ""])
def test_another_name_is_refused_because_of_dns_rebinding(host: str) -> None:
    answer = client().get("/where", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["field"] == "Host"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9000", "http://[", ",,"])
def test_pages_of_others_may_not_change_anything_nor_listen(origin: str) -> None:
    served = client()
    assert served.post("/echo", json={}, headers={"Origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect), served.websocket_connect("/socket", headers={"Origin": origin}):
        pass


def test_the_own_page_allowed_ones_and_programs_may() -> None:
    served = client(Policy(origins=("https://desk.example",)))
    for headers in ({"Origin": "http://127.0.0.1:8000"}, {"Origin": "https://desk.example"}, {}):
        assert served.post("/echo", json={"a": 1}, headers=headers).json() == {"a": 1}
        with served.websocket_connect("/socket", headers={**headers, "Host": "127.0.0.1:8000"}) as socket:
            socket.receive_json()


def test_pages_of_others_may_lead_here_but_not_fetch_anything() -> None:
    served = client()
    for site in ("cross-site", "same-site"):
        for mode in ("no-cors", "cors", "same-origin", ""):
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
            assert served.get("/where", headers=headers).status_code == 403
            assert served.post("/echo", json={}, headers=headers).status_code == 403
        link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        assert served.get("/where", headers=link).status_code == 200
        assert served.post("/echo", json={}, headers=link).status_code == 403
    for site in ("none", "same-origin"):
        assert served.get("/where", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors"}).status_code == 200


def test_no_answer_allows_pages_of_others_anything() -> None:
    answer = client().options("/where", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_token_is_wanted_in_the_header_and_nowhere_else() -> None:
    served = client(Policy(token=TOKEN))
    assert served.get("/where", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for attempt in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Cookie": TOKEN}):
        answer = served.get("/where", headers=attempt)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert served.get(f"/where?token={TOKEN}").status_code == 401


def test_token_of_a_websocket_comes_as_subprotocol_and_goes_no_further() -> None:
    served = client(Policy(token=TOKEN))
    headers = {"Host": "127.0.0.1"}
    with pytest.raises(WebSocketDisconnect), served.websocket_connect("/socket", headers=headers):
        pass
    offered = ["remapd", f"remapd.token.{TOKEN}"]
    with served.websocket_connect("/socket", subprotocols=offered, headers=headers) as socket:
        seen = socket.receive_json()
        assert socket.accepted_subprotocol == "remapd"
    assert seen["offered"] == ["remapd"]
    assert "sec-websocket-protocol" not in seen["headers"]


def test_page_and_its_address_need_no_token_but_nothing_else_does() -> None:
    served = client(Policy(token=TOKEN))
    assert served.get("/ui/app.js").status_code == 200
    redirect = served.get("/", headers={"Accept": "text/html,*/*"})
    assert (redirect.status_code, redirect.headers["location"]) == (307, "/ui/")
    assert served.get("/", headers={"Accept": "application/json"}).status_code == 401
    assert served.get("/?VALUE", headers={"Accept": "text/html"}).status_code == 401
    assert served.get("/uix").status_code == 401
    assert served.post("/ui/app.js").status_code == 401


def test_trusted_peers_need_no_token_for_oscquery_and_for_nothing_else() -> None:
    policy = Policy(token=TOKEN, trusted=lambda address: address == "192.168.7.9")
    for address, expected in (("192.168.7.9", 404), ("192.168.7.10", 401)):
        served = TestClient(make_app(policy), base_url="http://127.0.0.1", client=(address, 5000))
        for path in ("/?VALUE", "/remapd", "/remapd/track/1"):
            assert served.get(path).status_code == expected, (address, path)
            assert served.get(path, headers={"Host": "evil.example"}).status_code == 421
        for path in ("/where", "/remapdx", "/api/v1/tree"):
            assert served.get(path).status_code == 401
        assert served.post("/remapd/track/1").status_code == 401
        for path, is_open in (("/socket", False), ("/", expected == 404)):
            with contextlib.ExitStack() as stack:
                if not is_open:
                    stack.enter_context(pytest.raises(WebSocketDisconnect))
                stack.enter_context(served.websocket_connect(path, headers={"Host": "127.0.0.1"})).receive_json()


def test_guessing_of_tokens_is_slowed_down_but_not_the_owner() -> None:
    served = client(Policy(token=TOKEN, failures_hz=0.001, failures_burst=3.0))
    statuses = [served.get("/where").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert served.get("/where", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_no_token_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    policy = Policy(token=TOKEN)
    with client(policy) as served:
        served.get("/where", headers={"Authorization": f"Bearer {TOKEN}"})
        wrong = served.get("/where", headers={"Authorization": f"Bearer x{TOKEN}"})
    assert TOKEN not in wrong.text
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(policy)


def test_body_is_bounded_whether_its_length_is_told_or_not() -> None:
    served = client(Policy(body_bytes=100, larger_bodies=(("POST /echo/large", 10_000),)))
    assert served.post("/echo", content=b"x" * 101).status_code == 413
    assert served.post("/echo", content=iter([b"x" * 60, b"x" * 60])).status_code == 413
    assert served.post("/echo", content=b'{"a": 1}', headers={"Content-Type": "application/json"}).status_code == 200
    larger = Policy(body_bytes=5, larger_bodies=(("PUT /a/", 7),))
    assert [larger.body_limit(*request) for request in (("PUT", "/a/b"), ("POST", "/a/b"), ("PUT", "/b"))] == [7, 5, 5]


def test_rate_of_one_address_is_bounded() -> None:
    refused: list[str] = []
    served = client(Policy(rate_hz=0.001, burst=2.0), refused=refused)
    answers = [served.get("/where") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    assert refused == ["rate"]


def test_websockets_are_counted_and_given_back() -> None:
    served = client(Policy(max_websockets=1))
    headers = {"Host": "127.0.0.1"}
    with served.websocket_connect("/socket", headers=headers) as first:
        first.receive_json()
        with pytest.raises(WebSocketDisconnect), served.websocket_connect("/socket", headers=headers):
            pass
        first.send_text("bye")
    with served.websocket_connect("/socket", headers=headers) as again:
        again.receive_json()


def test_every_answer_tells_the_browser_to_be_careful() -> None:
    served = client()
    for answer in (
        served.get("/where"),
        served.get("/nowhere"),
        served.get("/where", headers={"Host": "evil.example"}),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src 'self'" in served.get("/ui/app.js").headers["content-security-policy"]


def test_wider_than_loopback_needs_a_token() -> None:
    for host in ("127.0.0.1", "127.0.0.53", "::1", "localhost"):
        assert is_loopback(host)
        check_binding(host, "")
    for host in ("0.0.0.0", "::", "192.168.1.7", "stage.local", ""):
        assert not is_loopback(host)
        check_binding(host, TOKEN)
        with pytest.raises(FieldError, match=r"http\.host"):
            check_binding(host, "")
    with pytest.raises(FieldError, match=r"http\.token"):
        Policy(token="short")


def test_rate_limiter_fills_again_and_forgets_who_was_silent_for_longest() -> None:
    now = 0.0
    limiter = RateLimiter(2.0, 1.0, lambda: now)
    assert limiter.wait_s("a") == 0.0
    assert limiter.wait_s("a") == pytest.approx(0.5)
    now = 0.5
    assert limiter.wait_s("a") == 0.0
    for number in range(MAX_ADDRESSES):
        limiter.wait_s(str(number))
    assert limiter.wait_s("a") == 0.0


def test_places_are_given_back() -> None:
    places = Places(1)
    assert places.take()
    assert not places.take()
    places.give_back()
    assert places.take()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FieldError("gain", "a number", "x"), 422),
        (ModelError("it is damaged"), 422),
        (NotFoundError("model", "a name", "x"), 404),
        (ConflictError("model", "a free name", "x"), 409),
        (TooLargeError("too large"), 413),
        (NotInstalledError("pip install"), 501),
        (BusyError("later"), 503),
        (DeviceError("no engine"), 503),
        (DiskFullError("full"), 507),
        (OSError(28, "No space left on device"), 507),
        (RecursionError(), 422),
    ],
)
def test_errors_have_their_status_and_fields(error: Exception, status: int) -> None:
    app = make_app(Policy())

    @app.get("/error")
    async def fail() -> None:
        raise error

    answer = TestClient(app, base_url="http://127.0.0.1").get("/error")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = problems.Problem.model_validate(answer.json())
    assert problem.status == status
    if isinstance(error, FieldError):
        assert (problem.field, problem.expected, problem.got) == (error.field, error.expected, repr(error.got))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a": "x"}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"\\ud800": "\\ud800"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b"[]",
    ],
)
def test_bodies_that_make_no_sense_are_told_of_in_one_line(body: bytes) -> None:
    answer = client(Policy(body_bytes=10**6)).post("/echo", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    problem = problems.Problem.model_validate(answer.json())
    assert problem.detail.isprintable()
    assert len(answer.content) < 2000


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain"])
def test_json_that_does_not_say_what_it_is_is_told_to(media_type: str) -> None:
    answer = client(Policy()).post("/echo", content=b'{"a": 1}', headers={"Content-Type": media_type})
    assert answer.status_code == 422
    told = {key: answer.json()[key] for key in ("field", "expected", "got")}
    assert told == {"field": "Content-Type", "expected": "application/json", "got": media_type}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"name": "kit é"}, f"name: expected {NAME_TEXT}, got 'kit é'"),
        ({}, "name: expected a value, got nothing"),
        ({"name": "kit", "gian": 1}, "gian: expected no member of that name, got 1"),
        ({"name": 3}, "name: expected a valid string, got 3"),
        ([], "body: expected a JSON object, got []"),
    ],
)
def test_what_does_not_fit_is_told_in_words_of_no_programmer(body: object, detail: str) -> None:
    app = make_app(Policy())

    async def named(body: _Named) -> None:
        """Take a name."""

    app.post("/named")(named)

    answer = TestClient(app, base_url="http://127.0.0.1").post("/named", json=body)
    assert answer.json()["detail"] == detail


def test_a_method_that_there_is_not_is_answered_with_all_that_there_are() -> None:
    app = make_app(Policy())

    @app.put("/where")
    async def move() -> None:
        """Another method of the same path."""

    answer = TestClient(app, base_url="http://127.0.0.1").delete("/where")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")


def test_what_can_be_read_has_a_head() -> None:
    served = client()
    assert served.head("/where").headers["content-length"] == served.get("/where").headers["content-length"]
    assert served.head("/nowhere").status_code == 404


def test_a_fault_of_ours_is_told_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(Policy())

    @app.get("/fault")
    async def fail() -> None:
        raise ValueError("a secret of the code")

    answer = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False).get("/fault")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "a secret of the code" in caplog.text


def test_unknown_paths_and_methods_are_problems_too() -> None:
    served = client()
    assert problems.Problem.model_validate(served.get("/nowhere").json()).status == 404
    answer = served.put("/where")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_a_lifespan_message_passes() -> None:
    async def run() -> None:
        transport = httpx.ASGITransport(make_app(Policy()))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            assert (await client.get("/where")).json() == "here"

    asyncio.run(run())
