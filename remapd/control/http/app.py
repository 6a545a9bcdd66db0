"""The application: all routes, errors as problems, and the guard before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI

import remapd
from remapd.control.http import (
    devices,
    events_file,
    events_socket,
    health,
    jobs,
    logs,
    metrics,
    midi,
    models,
    openapi,
    oscquery,
    presets,
    problems,
    profiles,
    recent_events,
    recordings,
    sessions,
    sinks,
    status,
    tracks,
    tree,
    web,
)
from remapd.control.http.policy import Policy
from remapd.control.http.security import Guard

if TYPE_CHECKING:
    from remapd.control.plane import Plane

PREFIX = "/api/v1"

#: Below `PREFIX`.
API_ROUTERS: tuple[Callable[[Plane], APIRouter], ...] = (
    status.router,
    tree.router,
    tracks.router,
    models.router,
    presets.router,
    sessions.router,
    devices.router,
    recordings.router,
    jobs.router,
    midi.router,
    sinks.router,
    profiles.router,
    events_socket.router,
    recent_events.router,
    events_file.router,
    logs.router,
)
#: At the root of the port.
ROOT_ROUTERS: tuple[Callable[[Plane], APIRouter], ...] = (health.router, metrics.router, web.router, oscquery.router)


def create_app(
    plane: Plane, policy: Policy | None = None, count: Callable[[str], None] = lambda reason: None
) -> FastAPI:
    """Application that shows and changes what is in `plane`.

    Parameters
    ----------
    plane : Plane
        Everything that runs. The application must be served in the loop of its controller.
    policy : Policy, optional
        Who may do what.
    count : callable
        Called with a word for each request that is refused by the policy.
    """
    app = FastAPI(
        title="remapd",
        version=remapd.__version__,
        description=openapi.DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # These pages would load scripts from elsewhere.
        redoc_url=None,
        redirect_slashes=False,
        responses=problems.responses(401, 403, 421, 422, 429),
    )
    for make in API_ROUTERS:
        app.include_router(make(plane), prefix=PREFIX)
    for make in ROOT_ROUTERS:
        app.include_router(make(plane))
    problems.install(app)
    openapi.complete(app)
    app.add_middleware(Guard, policy=policy or Policy(), count=count)
    return app
