"""Body of requests that rename something."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from remapd.control.http.names import NewName


class Renaming(BaseModel):
    """What it shall be called."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"example": {"new_name": "tight snare"}})
    new_name: NewName
