"""Audio devices over REST; they are looked for in a process of its own, as a driver may hang or crash."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from remapd.control.http.answers import json_answer
from remapd.control.http.child import run_child
from remapd.control.http.problems import responses
from remapd.errors import DeviceError

if TYPE_CHECKING:
    from remapd.control.plane import Plane

_PATIENCE_S = 20.0
#: What was found is as good as new for this long.
_FRESH_S = 2.0

Run = Callable[[Sequence[str], float], Awaitable[bytes]]


class AudioDevice(BaseModel):
    """An audio device, named by its index or a part of its name in `/device/input` and `/device/output`."""

    index: int
    name: str
    host_api: str
    inputs: int = Field(description="Channels.")
    outputs: int = Field(description="Channels.")
    default_sample_rate: float = Field(description="In Hz.")
    input_latency_ms: float
    output_latency_ms: float
    is_default_input: bool
    is_default_output: bool
    sample_rates: list[float] = Field(description="Rates in Hz that it takes; empty if it was not asked.")


class HostApi(BaseModel):
    """A host API and its devices."""

    host_api: str
    devices: list[AudioDevice]


class DeviceList:
    """Looks for devices, once for all who ask at the same time.

    Parameters
    ----------
    run : callable
        Runs a command of ours and gives what it prints.
    """

    def __init__(self, run: Run = run_child) -> None:
        self._run, self._turn = run, asyncio.Lock()
        self._found: dict[bool, tuple[float, list[Any]]] = {}

    async def read(self, rates: bool) -> list[Any]:
        """Host APIs with their devices; with `rates` each is asked which it takes.

        Raises
        ------
        DeviceError
            If the system gives no answer.
        """
        async with self._turn:
            when, found = self._found.get(rates, (float("-inf"), []))
            if time.monotonic() - when > _FRESH_S:
                found = await self._look(rates)
                self._found[rates] = (time.monotonic(), found)
            return found

    async def _look(self, rates: bool) -> list[Any]:
        output = await self._run(["devices", "--json", "--rates" if rates else "--no-rates"], _PATIENCE_S)
        try:
            found = json.loads(output)
        except ValueError:
            raise DeviceError("the system does not say which audio devices there are") from None
        return found if isinstance(found, list) else []


def router(plane: Plane) -> APIRouter:
    """Routes of the devices."""
    routes = APIRouter(tags=["status"])
    devices = DeviceList()

    @routes.get("/devices", response_model=list[HostApi], responses=responses(503))
    async def list_devices(
        rates: Annotated[bool, Query(description="Ask each device which rates it takes, which takes longer.")] = False,
    ) -> Response:
        """Audio devices of this machine by host API."""
        return json_answer(await devices.read(rates))

    return routes
