"""Whether the service lives, and whether it plays: for whoever starts and watches it. No token is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from remapd.control.http.problems import RefusalError, responses

if TYPE_CHECKING:
    from remapd.control.plane import Plane


class Health(BaseModel):
    """A word."""

    status: Literal["ok", "playing"]


def router(plane: Plane) -> APIRouter:
    """Routes of the health."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def is_alive() -> Health:
        """Whether the control process answers."""
        return Health(status="ok")

    @routes.get("/readyz", responses=responses(503))
    async def is_ready() -> Health:
        """Whether there is audio."""
        if plane.host.playing is None:
            raise RefusalError(503, "no engine plays at the moment")
        return Health(status="playing")

    return routes
