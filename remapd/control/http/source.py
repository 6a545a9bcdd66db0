"""Who sends a request: its changes are not sent back to the WebSocket of the same page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header
from pydantic.json_schema import SkipJsonSchema

#: Parameter of a route that changes the tree: `client: Client = None`, given to the controller as `source`.
Client = Annotated[
    str | SkipJsonSchema[None],
    Header(
        alias="Remapd-Client",
        pattern="^[0-9a-f]{32}$",
        description="What the events WebSocket greeted this client with; it then does not hear of its own changes.",
    ),
]
