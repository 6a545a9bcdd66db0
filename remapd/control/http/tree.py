"""The tree over REST: read and written one by one, or many as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr
from starlette.responses import Response

from remapd.control.http.etag import ETAG_HEADER, IfMatch, IfNoneMatch, check_if_match, etag_of
from remapd.control.http.problems import RefusalError, responses
from remapd.control.http.source import Client
from remapd.control.http.tree_reader import (
    EXAMPLE,
    ControlValue,
    Descriptions,
    TreeReader,
    Values,
    absolute,
    control_at,
    value_tag,
    values_response,
)

if TYPE_CHECKING:
    from remapd.control.plane import Plane

#: What may be sent: never converted, so that `true` is no number and "1" is a text.
Sent = StrictBool | StrictInt | StrictFloat | StrictStr

_PATH = Annotated[str, Path(description="Path of a control or of a part of the tree.", examples=["track/1/gain_db"])]
_DESCRIBE = Annotated[bool, Query(description="Tell unit, range, curve, choices and so on of each control.")]


class NewValue(BaseModel):
    """What a control shall be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"value": 1.5}})
    value: Sent


_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}, 304: {"description": "Not Modified"}}
_TAGGED_PART = {**_TAGGED, **responses(404)}
_WRITTEN: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}, **responses(404, 412, 503)}


def router(plane: Plane) -> APIRouter:
    """Routes of the tree."""
    routes = APIRouter(tags=["tree"])
    controller = plane.controller
    reader = TreeReader(plane)

    @routes.get("/tree", response_model=Values | Descriptions, responses=_TAGGED)
    async def read_tree(describe: _DESCRIBE = False, if_none_match: IfNoneMatch = None) -> Response:
        """All values, or with `describe` all controls."""
        return await reader.read("/", describe, if_none_match)

    @routes.get("/tree/{path:path}", response_model=Values | ControlValue | Descriptions, responses=_TAGGED_PART)
    async def read_part(path: _PATH, describe: _DESCRIBE = False, if_none_match: IfNoneMatch = None) -> Response:
        """One value, the values of a part of the tree, or with `describe` its controls."""
        return await reader.read(absolute(path), describe, if_none_match)

    @routes.patch("/tree", response_model=Values, responses=_WRITTEN)
    async def change_values(
        changes: Annotated[dict[str, Sent], Body(examples=[EXAMPLE])], if_match: IfMatch = None, client: Client = None
    ) -> Response:
        """Change any values, all of them or, if one does not fit, none; answers what is different now.

        A new model brings its own preset, and a preset the values of the synth; what is sent besides holds.
        """

        def check() -> None:
            check_if_match(if_match, etag_of(controller.revision))

        check()
        return values_response(controller, await controller.change(changes, client, check))

    @routes.put("/tree/{path:path}", response_model=Values, responses=_WRITTEN)
    async def change_value(path: _PATH, new: NewValue, if_match: IfMatch = None, client: Client = None) -> Response:
        """Change one value; answers what is different now."""
        control = control_at(controller, path)

        def check() -> None:
            check_if_match(if_match, value_tag(controller, control_at(controller, path)))

        check()
        return values_response(controller, await controller.change({control.path: new.value}, client, check))

    @routes.post("/tree/{path:path}", status_code=204, responses=responses(404, 409, 503))
    async def do_action(path: _PATH, client: Client = None) -> None:
        """Do an action, such as `panic`."""
        control = control_at(controller, path)
        if control.kind != "action":
            raise RefusalError(409, f"{control.path} has a value and is no action", "path", "an action", path)
        controller.trigger(control.path, client)

    return routes
