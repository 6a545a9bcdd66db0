"""``/logs``: the last lines of the log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from remapd.control.tree import LOG_LEVELS
from remapd.control.watching.log_lines import KEPT_LINES

if TYPE_CHECKING:
    from remapd.control.plane import Plane

_LEAST = Annotated[str, Query(pattern=f"^({'|'.join(LOG_LEVELS)})$", description="Least weight of a line.")]


class LogLineDocument(BaseModel):
    """One line of the log."""

    time: datetime
    level: str = Field(examples=["warning"])
    part: str = Field(description="Which part of the service said it.", examples=["remapd.osc"])
    text: str


class LogDocument(BaseModel):
    """The last lines, oldest first."""

    level: str = Field(description="Least weight of what is logged; /log_level in the tree sets it.")
    dropped: int = Field(ge=0, description="Lines that were kept here but that the log's stream was too slow for.")
    lines: list[LogLineDocument]


def router(plane: Plane) -> APIRouter:
    """Route of the log."""
    routes = APIRouter(tags=["status"])

    @routes.get("/logs", summary="The last lines of the log")
    async def logs(
        level: _LEAST = LOG_LEVELS[0],
        most: Annotated[int, Query(ge=1, le=KEPT_LINES, description="Of more, the newest.")] = 200,
    ) -> LogDocument:
        """Tell what was logged lately; secrets are struck out."""
        lines = plane.logs.lines(level, most)
        return LogDocument(
            level=plane.logs.level,
            dropped=plane.logs.dropped,
            lines=[LogLineDocument.model_validate(line.as_dict()) for line in lines],
        )

    return routes
