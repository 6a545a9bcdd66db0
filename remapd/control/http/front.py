"""The HTTP server as the config wants it."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from remapd.control.http.app import PREFIX, create_app
from remapd.control.http.policy import Policy, check_binding, is_loopback
from remapd.control.http.server import ConnectionLimits, HttpServer
from remapd.control.osc.allowed import hearing
from remapd.control.recordings.limits import RecordingLimits
from remapd.mapping.container import MAX_FILE_BYTES

if TYPE_CHECKING:
    from remapd.control.plane import Plane
    from remapd.control.settings.config import Config
    from remapd.control.settings.sections import OscSection
from remapd.control.sinks.limits import MAX_BYTES

#: What may be sent at once is a multiple of what may be sent in a second.
_BURST_S = 2.0


def make_server(plane: Plane, token: str = "", names: Sequence[str] = ()) -> HttpServer:
    """Server for a plane, as its config says; it shows its figures in the plane's metrics.

    Parameters
    ----------
    plane : Plane
        Everything that runs.
    token : str
        What every request must bring; needed unless only this machine can send any.
    names : sequence of str
        Names by which the machine is called, beside those of the system and the config.

    Raises
    ------
    FieldError
        If others could send requests and there is no token.
    """
    section, refused = plane.config.http, Counter[str]()
    check_binding(section.host, token)
    app = create_app(plane, make_policy(plane.config, token, names), lambda reason: refused.update([reason]))
    app.openapi()  # FastAPI makes routes and document when first asked: the loop would wait for a tenth of a second.
    server = HttpServer(
        app, section.host, section.port, ConnectionLimits(section.connections, _for_one(section.connections))
    )
    figures = plane.metrics
    figures.count("remapd_http_refused", "Requests that the guard refused.", lambda: dict(refused), "reason")
    figures.count("remapd_http_requests", "Requests that were answered.", lambda: server.requests)
    refusals = "Connections that were refused, as there were too many."
    figures.count("remapd_http_connections_refused", refusals, lambda: server.refused_connections)
    figures.level("remapd_http_connections", "Connections that are open.", lambda: server.connections)
    return server


def make_policy(config: Config, token: str, names: Sequence[str] = ()) -> Policy:
    """Who may do what, as the config says."""
    section = config.http
    own = () if is_loopback(section.host) else (*_machine_names(), *names)
    return Policy(
        hosts=tuple(name.lower().rstrip(".") for name in (*section.allowed_hosts, *own)),
        origins=tuple(section.allowed_origins),
        token=token,
        trusted=_osc_peers(config.osc),
        rate_hz=section.rate_hz,
        burst=_BURST_S * section.rate_hz,
        max_websockets=section.websockets,
        larger_bodies=(
            (f"PUT {PREFIX}/models/", MAX_FILE_BYTES),
            (f"POST {PREFIX}/models/verify", MAX_FILE_BYTES),
            (f"PUT {PREFIX}/sinks", 2 * MAX_BYTES),
            (f"PUT {PREFIX}/session", 2 * MAX_BYTES),
            (f"PUT {PREFIX}/recordings/", RecordingLimits(**config.recordings).upload_bytes),
        ),
    )


def _for_one(connections: int) -> int:
    """Connections that one address may have, so that it cannot take them all."""
    return max(1, connections - connections // 4)


def _osc_peers(section: OscSection) -> Callable[[str], bool]:
    """Who is on the list of OSC peers beyond this machine, and can read and change the same over OSC.

    This machine is not: a proxy on it may stand for anybody.
    """
    if not section.enabled or not section.allow:
        return lambda address: False
    is_heard = hearing(section.allow)
    return lambda address: not is_loopback(address) and is_heard(address)


def _machine_names() -> tuple[str, ...]:
    name = socket.gethostname()
    return name, f"{name.partition('.')[0]}.local"
