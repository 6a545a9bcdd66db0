"""Who may send what: checked on every request before anything of it is looked at.

The service listens on the loopback interface unless told otherwise, and anything wider needs a token. Browsers are the
danger even then, as any page that somebody visits can send requests to this machine. So the name in ``Host`` must be
one of ours (a page whose name was bound to our address anew has another), and what changes something, or opens a
WebSocket, must come from our own page if it comes from a page at all. There is no CORS.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remapd.control.http.limits import Places, RateLimiter, capped
from remapd.control.http.policy import PAGE, Policy, is_oscquery
from remapd.control.http.problems import MEDIA_TYPE, RefusalError, problem_bytes
from remapd.errors import Told

_log = logging.getLogger("remapd.http")

#: A browser cannot send a header with a WebSocket: it offers these two subprotocols, and the first is chosen.
SUBPROTOCOL = "remapd"
TOKEN_SUBPROTOCOL = "remapd.token."

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_NOTHING = b"default-src 'none'; frame-ancestors 'none'"
#: The page loads nothing but its own files, and talks to nobody else.
_PAGE_CONTENT = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Guard:
    """ASGI application before the application: refuses what is not allowed and bounds what is.

    Parameters
    ----------
    app : ASGI application
        What it guards.
    policy : Policy
        What is allowed.
    count : callable
        Called with a word for each request that is refused.
    """

    def __init__(self, app: ASGIApp, policy: Policy, count: Callable[[str], None] = lambda reason: None) -> None:
        self._app, self.policy, self._count = app, policy, count
        self._rate = RateLimiter(policy.rate_hz, policy.burst)
        self._failures = RateLimiter(policy.failures_hz, policy.failures_burst)
        self._websockets = Places(policy.max_websockets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except RefusalError as refusal:
            self._count(title_word(refusal.status))
            await _refuse(scope, receive, send, refusal)
            return
        if _wants_page(scope):
            await _redirect(send, PAGE)
        elif scope["type"] == "websocket":
            await self._serve_websocket(_without_token(scope), receive, send)
        else:
            limited = capped(receive, self.policy.body_limit(scope["method"], scope["path"]))
            await self._app(_as_get(_without_token(scope)), limited, _with_headers(scope, send))

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._websockets.take():
            self._count("websockets")
            full = RefusalError(503, f"{self._websockets.most} WebSockets are open, and no more are allowed")
            await _refuse(scope, receive, send, full)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._websockets.give_back()

    def _check(self, scope: Scope) -> None:
        headers = _Headers(scope)
        self._check_rate(scope)
        self._check_host(headers)
        self._check_origin(scope, headers)
        if _wants_page(scope):
            return
        self._check_token(scope, headers)
        self._check_length(scope, headers)

    def _check_rate(self, scope: Scope) -> None:
        if (wait_s := self._rate.wait_s(_address(scope))) > 0.0:
            detail = f"more than {self.policy.rate_hz:g} requests a second"
            raise RefusalError(429, detail, headers={"Retry-After": f"{wait_s + 1.0:.0f}"})

    def _check_host(self, headers: _Headers) -> None:
        host = headers.one("host")
        match = _HOST.fullmatch(host)
        if match is None or not self.policy.is_our_name(match[1].lower()):
            expected = "a name or address of this machine; http.allowed_hosts in the configuration adds names"
            raise RefusalError(421, f"Host: expected {expected}", "Host", expected, host)

    def _check_origin(self, scope: Scope, headers: _Headers) -> None:
        origin = headers.one("origin")
        if origin and self.policy.is_own_page(origin, headers.one("host")):
            return
        if _is_safe(scope):
            if headers.one("sec-fetch-site") in _ELSEWHERE and headers.one("sec-fetch-mode") != "navigate":
                raise _foreign_page("Sec-Fetch-Site", Told("another"))
        elif origin:
            raise _foreign_page("Origin", origin)
        elif headers.one("sec-fetch-site") in _ELSEWHERE:
            raise _foreign_page("Sec-Fetch-Site", Told("another"))

    def _check_token(self, scope: Scope, headers: _Headers) -> None:
        if not self.policy.token or self._needs_no_token(scope):
            return
        if hmac.compare_digest(_token_of(scope, headers).encode(), self.policy.token.encode()):
            return
        if (wait_s := self._failures.wait_s(_address(scope))) > 0.0:
            headers_ = {"Retry-After": f"{wait_s + 1.0:.0f}"}
            raise RefusalError(429, "too many requests without the right token", headers=headers_)
        _log.warning("a request from %s came without the right token", _address(scope))
        detail = "a token is needed: Authorization: Bearer ..., or the WebSocket subprotocol remapd.token...."
        raise RefusalError(401, detail, headers={"WWW-Authenticate": 'Bearer realm="remapd"'})

    def _needs_no_token(self, scope: Scope) -> bool:
        path, reads = scope["path"], _is_safe(scope)
        if reads and self.policy.is_public(path):
            return True
        speaks_oscquery = is_oscquery(path) and (reads or scope["type"] == "websocket")
        return speaks_oscquery and self.policy.trusted(_address(scope))

    def _check_length(self, scope: Scope, headers: _Headers) -> None:
        limit = self.policy.body_limit(scope.get("method", "GET"), scope["path"])
        length = headers.one("content-length")
        if length.isdecimal() and int(length[:20]) > limit:
            raise too_large(limit)


#: What a browser says of a request that comes from a page of others.
_ELSEWHERE = ("cross-site", "same-site")


def _foreign_page(header: str, got: object) -> RefusalError:
    return RefusalError(403, "pages of others may not do this", header, "the page of this service", got)


def _is_safe(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] in _SAFE_METHODS


def _wants_page(scope: Scope) -> bool:
    """Whether a browser asks for the page by the mere address; others get the tree there."""
    return (
        scope["type"] == "http"
        and scope["path"] == "/"
        and not scope["query_string"]
        and scope["method"] in ("GET", "HEAD")
        and "text/html" in _Headers(scope).one("accept")
    )


def too_large(limit: int) -> RefusalError:
    """Refuse a body of more than `limit` bytes."""
    return RefusalError(413, f"the body is larger than {limit // 1024} KiB")


def title_word(status: int) -> str:
    """Word for the metric of refused requests."""
    return {401: "token", 403: "origin", 413: "length", 421: "host", 429: "rate"}.get(status, "other")


class _Headers:
    """Headers of a request by name."""

    def __init__(self, scope: Scope) -> None:
        self._pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]

    def one(self, name: str) -> str:
        """Value of a header that may occur once; empty where there is none, and if there are several nothing fits."""
        key = name.encode()
        values = [value for found, value in self._pairs if found.lower() == key]
        return values[0].decode("latin-1") if len(values) == 1 else "," * len(values)


def _token_of(scope: Scope, headers: _Headers) -> str:
    scheme, _, token = headers.one("authorization").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = scope.get("subprotocols", ()) if scope["type"] == "websocket" else ()
    return next((text[len(TOKEN_SUBPROTOCOL) :] for text in offered if text.startswith(TOKEN_SUBPROTOCOL)), "")


def _without_token(scope: Scope) -> Scope:
    """The request as those below see it: what they do not have they cannot log."""
    kept = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() not in _SECRET_HEADERS]}
    if scope["type"] == "websocket":
        offered = scope.get("subprotocols", ())
        kept["subprotocols"] = [text for text in offered if not text.startswith(TOKEN_SUBPROTOCOL)]
    return kept


def _as_get(scope: Scope) -> Scope:
    """HEAD is GET whose body the server leaves out."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


_SECRET_HEADERS = (b"authorization", b"sec-websocket-protocol", b"cookie")


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def _with_headers(scope: Scope, send: Send) -> Send:
    """Send with the headers that tell a browser to be careful."""
    is_page = scope["path"].startswith(PAGE)
    policy, caching = (_PAGE_CONTENT, b"no-cache") if is_page else (_NOTHING, b"no-store")

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", ())}
            more = [*_HEADERS, (b"content-security-policy", policy), (b"cache-control", caching)]
            added = [pair for pair in more if pair[0] not in present]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return send_with_headers


async def _redirect(send: Send, place: str) -> None:
    headers = [*_HEADERS, (b"location", place.encode()), (b"content-length", b"0"), (b"vary", b"Accept")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: RefusalError) -> None:
    """Answer with a problem; a WebSocket is refused before it is one."""
    body = problem_bytes(refusal)
    headers = [(name.lower().encode(), text.encode()) for name, text in refusal.headers.items()]
    headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += [*_HEADERS, (b"cache-control", b"no-store"), (b"content-security-policy", _NOTHING)]
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        kind = "websocket.http.response"
        if kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
