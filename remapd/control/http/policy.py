"""What a request may be: names and pages that are ours, the token, bounds."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from remapd.errors import FieldError, Told

#: Where the page is, which a browser is sent to.
PAGE = "/ui/"
#: A shorter token could be guessed.
SHORTEST_TOKEN = 16

_LOCAL_NAMES = ("localhost", "ip6-localhost")


def _nobody(address: str) -> bool:
    return False


@dataclass(frozen=True)
class Policy:
    """What is allowed.

    Parameters
    ----------
    hosts : tuple of str
        Names by which this machine is called, beside its addresses and ``localhost``; lower case, without a port.
    origins : tuple of str
        Pages of others that may change things (``https://desk.example``).
    token : str
        What every request must bring; empty for none.
    public : tuple of str
        Beginnings of the paths that need no token: the page's own files and what a supervisor asks.
    trusted : callable
        Whether who has this address may use OSCQuery without a token, as its programs know none.
    rate_hz, burst : float
        Requests a second from one address in the long run, and at once.
    failures_hz, failures_burst : float
        The same for requests without the right token.
    max_websockets : int
        WebSockets at a time.
    body_bytes : int
        Largest body.
    larger_bodies : tuple of (str, int)
        Beginnings of requests with a limit of their own (``PUT /api/v1/models/``).

    Raises
    ------
    FieldError
        If the token is too short.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    public: tuple[str, ...] = (PAGE, "/healthz", "/readyz")
    trusted: Callable[[str], bool] = _nobody
    rate_hz: float = 1000.0
    burst: float = 2000.0
    failures_hz: float = 1.0
    failures_burst: float = 10.0
    max_websockets: int = 32
    body_bytes: int = 256 * 1024
    larger_bodies: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.token and len(self.token) < SHORTEST_TOKEN:
            raise FieldError("http.token", f"at least {SHORTEST_TOKEN} characters", Told(f"{len(self.token)}"))

    def body_limit(self, method: str, path: str) -> int:
        """Largest body in bytes for a request."""
        request = f"{method} {path}"
        return next((limit for start, limit in self.larger_bodies if request.startswith(start)), self.body_bytes)

    def is_our_name(self, name: str) -> bool:
        """Whether a name cannot be one that somebody else bound to our address: only names can, never addresses."""
        if name in _LOCAL_NAMES or name.rstrip(".") in self.hosts:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def is_own_page(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may change things, asked of us by the name `host`."""
        if origin.lower() in self.origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()

    def is_public(self, path: str) -> bool:
        """Whether a path may be read without a token."""
        return any(path == start or (start.endswith("/") and path.startswith(start)) for start in self.public)


def is_oscquery(path: str) -> bool:
    """Whether OSCQuery is spoken at a path."""
    return path in ("/", "/remapd") or path.startswith("/remapd/")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens on `host`."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        return host.lower() in _LOCAL_NAMES


def check_binding(host: str, token: str) -> None:
    """Refuse to be reachable from other machines without a token.

    Raises
    ------
    FieldError
        If `host` is no loopback address and there is no token.
    """
    if not token and not is_loopback(host):
        raise FieldError("http.host", "a loopback address, as there is no token", host)
