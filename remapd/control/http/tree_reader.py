"""What the tree answers to those who read it: values with their entity tags, or descriptions of controls."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from starlette.responses import Response

from remapd.control.http.description import ControlDescription, descriptions_json
from remapd.control.http.etag import etag_of, is_known, not_modified
from remapd.control.http.problems import from_field_error
from remapd.control.tree import Control, Value
from remapd.errors import FieldError, RemapdError

if TYPE_CHECKING:
    from remapd.control.controller import Controller
    from remapd.control.plane import Plane
    from remapd.control.store.library import Library

#: Values as they may be sent.
EXAMPLE: JsonDict = {"/track/1/neurality": 1.5, "/track/1/mute": False}


class Values(BaseModel):
    """Values of controls by path."""

    model_config = ConfigDict(json_schema_extra={"example": {"revision": 17, "values": EXAMPLE}})
    revision: int = Field(description="Grows with every change of anything in the tree.")
    values: dict[str, Value]


class ControlValue(BaseModel):
    """Value of one control."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"revision": 17, "path": "/track/1/neurality", "value": 1.5}}
    )
    revision: int = Field(description="Grows with every change of anything in the tree.")
    path: str
    value: Value | None = Field(description="Null for an action.")


class Descriptions(BaseModel):
    """Controls with all their attributes and values, in the order of the tree."""

    revision: int
    controls: list[ControlDescription]


class TreeReader:
    """Reads the tree, a part of it or a control."""

    def __init__(self, plane: Plane) -> None:
        self._plane, self._controller = plane, plane.controller

    async def read(self, path: str, describe: bool, if_none_match: str | None) -> Response:
        """Answer with what there is at a path."""
        controller = self._controller
        control = None if controller.tree.is_container(path) else control_at(controller, path)
        if describe:
            return await self._description(path)
        tag = value_tag(controller, control) if control else etag_of(controller.revision)
        if is_known(if_none_match, tag):
            return not_modified(tag)
        if control is not None:
            return _json(controller, tag, path=path, value=_value(controller, control))
        return values_response(controller, controller.values(path))

    async def _description(self, path: str) -> Response:
        choices = await choices_for(self._plane, self._controller.tree.under(path))
        revision, values = self._controller.revision, self._controller.values(path)
        text = await descriptions_json(self._controller.tree.under(path), values, choices)
        return Response(f'{{"revision": {revision}, "controls": {text}}}', media_type="application/json")


async def choices_for(plane: Plane, controls: Iterable[Control]) -> dict[str, list[str]]:
    """Names that models and presets of tracks may have, by path; files are read off the loop.

    Parameters
    ----------
    plane : Plane
        Has the library.
    controls : iterable of Control
        Those whose choices come from elsewhere are told of.
    """
    wanted = {control.path: _synth_of(plane.controller, control) for control in controls if control.choices_of}
    library, synths = plane.library, set(wanted.values())
    names = await asyncio.to_thread(lambda: {synth: _names(library, synth) for synth in synths})
    return {path: names[synth] for path, synth in wanted.items()}


def _synth_of(controller: Controller, control: Control) -> str:
    return controller.sound(control.track).model.synth if control.choices_of == "presets" else ""


def control_at(controller: Controller, path: str) -> Control:
    """Control of a path in the URL; 404 if there is none."""
    try:
        return controller.tree[absolute(path)]
    except FieldError as error:
        raise from_field_error(error, 404) from None


def absolute(path: str) -> str:
    """Path in the tree of a path in the URL."""
    return "/" + path.strip("/")


def value_tag(controller: Controller, control: Control) -> str:
    """Entity tag of a control: that of its value."""
    return etag_of(json.dumps(_value(controller, control)))


def values_response(controller: Controller, values: Mapping[str, Value]) -> Response:
    """Answer with values, and the entity tag of the tree."""
    return _json(controller, etag_of(controller.revision), values=values)


def _value(controller: Controller, control: Control) -> Value | None:
    return None if control.kind == "action" else controller.value(control.path)


def _json(controller: Controller, tag: str, **members: Any) -> Response:
    content = json.dumps({"revision": controller.revision, **members})
    return Response(content, headers={"ETag": tag}, media_type="application/json")


def _names(library: Library, synth: str) -> list[str]:
    """Names of the presets of a synth, or of all models; a file that is damaged is no choice."""
    if not synth:
        return list(library.models())
    names = []
    for name in library.presets():
        with contextlib.suppress(RemapdError):
            if library.preset(name).synth == synth:
                names.append(name)
    return names
