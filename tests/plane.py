"""A whole control plane for tests: real parts on a real shared block, with a host that only pretends to run an engine.

    async with served(make_plane(tmp_path)) as client:
        answer = await client.get("/api/v1/tree")

`LivePlane` serves it by uvicorn on a free port of the loopback interface, its loop in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from remapd.control.building import build_plane
from remapd.control.http.app import create_app
from remapd.control.http.policy import Policy
from remapd.control.http.server import ConnectionLimits, HttpServer
from remapd.control.plane import Plane
from remapd.control.settings.config import load_config
from remapd.engine.control import EngineControl
from remapd.engine.shared import SharedBlock
from tests.fake_host import FakeHost

ADDRESS = "http://127.0.0.1"
PATIENCE_S = 120.0
#: Nothing is opened but what a test opens itself.
_QUIET = {
    "http": {"port": 0},
    "osc": {"enabled": False},
    "midi": {"enabled": False},
    "discovery": {"enabled": False},
}
Result = TypeVar("Result")


def make_plane(
    folder: Path,
    values: Mapping[str, object] | None = None,
    settings: Mapping[str, Any] | None = None,
    host: FakeHost | None = None,
    engine: EngineControl | None = None,
) -> Plane:
    """A plane whose files are all in `folder`.

    Parameters
    ----------
    folder : Path
        An empty one.
    values : mapping, optional
        What it begins with, by path; by default one track with the model `velocity`.
    settings : mapping, optional
        Of the config, by section.
    host : FakeHost, optional
        In place of one that plays.
    engine : EngineControl, optional
        On a shared block that an engine may play; by default one that no engine plays.
    """
    paths = {name: str(folder / name) for name in ("data", "state", "config", "runtime")}
    config = load_config(None, {**_QUIET, **(settings or {}), "paths": paths})
    directories = config.directories()
    directories.make()
    engine, host = engine or EngineControl(SharedBlock.private()), host or FakeHost()
    plane = build_plane(config, directories, engine, host, io.StringIO())
    plane.controller.begin({"values": values or {"/track/1/model": "velocity"}}, lenient=False)
    return plane


@contextlib.asynccontextmanager
async def running(plane: Plane) -> AsyncIterator[Plane]:
    """Start what a plane needs to serve, and stop it."""
    plane.bulletin.attach(asyncio.get_running_loop())
    async with contextlib.AsyncExitStack() as stack:
        watching = (plane.events, plane.feed, plane.metrics)
        for part in (*watching, plane.recordings, plane.jobs, plane.sinks, plane.midi, plane.osc):
            stack.push_async_callback(part.stop)
            await part.start()
        yield plane


@contextlib.asynccontextmanager
async def served(plane: Plane, policy: Policy | None = None, **client: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the plane's application, without a network."""
    async with running(plane):
        transport = httpx.ASGITransport(create_app(plane, policy))
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, **client) as http:
            yield http


def with_client(plane: Plane, act: Callable[[httpx.AsyncClient], Awaitable[Result]], **options: Any) -> Result:
    """Run `act` with a client of the plane, in a loop of its own."""

    async def run() -> Result:
        async with served(plane, **options) as client:
            return await asyncio.wait_for(act(client), PATIENCE_S)

    return asyncio.run(run())


class LivePlane:
    """A plane served on a free port; a context manager.

    Parameters
    ----------
    plane : callable
        Makes it, in the thread of its loop.
    policy : Policy, optional
        Who may do what.
    limits : ConnectionLimits, optional
        Bounds of connections.

    Attributes
    ----------
    plane : Plane
        Only its loop may touch it: see `call`.
    url : str
        Without a slash at the end.
    """

    def __init__(
        self, plane: Callable[[], Plane], policy: Policy | None = None, limits: ConnectionLimits | None = None
    ) -> None:
        self._make, self._policy, self._limits = plane, policy, limits
        self._ready, self._fault = threading.Event(), None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="live plane", daemon=True)

    def __enter__(self) -> LivePlane:
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        if self._fault is not None:
            raise self._fault
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def call(self, act: Callable[[], Result]) -> Result:
        """Do something in the plane's loop and wait for it."""

        async def run() -> Result:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE_S)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with self._serving():
                self._ready.set()
                await self._stop.wait()
        except BaseException as error:
            self._fault = error
            raise
        finally:
            self._ready.set()

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        self.plane = self._make()
        async with running(self.plane):
            server = HttpServer(create_app(self.plane, self._policy), "127.0.0.1", 0, self._limits)
            await server.start()
            self.plane.http, self.port = server, server.port
            self.url = f"{ADDRESS}:{server.port}"
            try:
                yield
            finally:
                await server.stop()


@contextlib.contextmanager
def live_client(plane: Callable[[], Plane], **options: Any) -> Iterator[tuple[LivePlane, httpx.Client]]:
    """A live plane and a client of it."""
    with LivePlane(plane, **options) as live, httpx.Client(base_url=live.url, timeout=PATIENCE_S) as client:
        yield live, client
