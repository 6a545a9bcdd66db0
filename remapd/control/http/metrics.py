"""``/metrics``: figures for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import Response

from remapd.control.watching.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from remapd.control.plane import Plane


def router(plane: Plane) -> APIRouter:
    """Route of the metrics, at the root."""
    routes = APIRouter(tags=["status"])

    @routes.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses={200: {"description": "Text in the format of Prometheus.", "content": {"text/plain": {}}}},
    )
    async def metrics() -> Response:
        """Tell hits, rejected candidates, load, late blocks, latencies, queues and what was dropped."""
        return Response(plane.metrics.text(), media_type=CONTENT_TYPE)

    return routes
