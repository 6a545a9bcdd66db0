"""Device profiles over REST: from these a MIDI sink can be made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response

from remapd.control.http.answers import json_answer
from remapd.control.http.names import Name
from remapd.control.http.problems import responses
from remapd.control.http.sink_documents import ProfileSummary, ProfileTable
from remapd.errors import RemapdError

if TYPE_CHECKING:
    from remapd.control.plane import Plane


def router(plane: Plane) -> APIRouter:
    """Routes of the profiles."""
    routes = APIRouter(tags=["sinks"])

    @routes.get("/profiles", response_model=ProfileTable)
    async def list_profiles() -> Response:
        """Devices that a MIDI sink can be made for; a file that does not fit is left out."""
        return json_answer({"profiles": await asyncio.to_thread(_summaries)})

    @routes.get("/profiles/{name}", response_model=ProfileSummary, responses=responses(404))
    async def read_profile(name: Name) -> Response:
        """A device: its instruments, what moves their sound, and what of a hit moves it."""
        return json_answer(await asyncio.to_thread(_description, name))

    return routes


def _summaries() -> list[dict[str, Any]]:
    from remapd.sinks.profiles.library import list_profiles, load_profile

    found = []
    for path in list_profiles().values():
        try:
            found.append(load_profile(path).summary())
        except RemapdError:  # `remapd profiles` tells what is wrong with it.
            continue
    return found


def _description(name: str) -> dict[str, Any]:
    from remapd.sinks.profiles.library import load_profile_named

    return load_profile_named(name).describe()
