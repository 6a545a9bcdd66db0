"""Names in URLs: those of `checked_name`, never paths."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field

from remapd.fields import NAME_PATTERN, NAME_TEXT

_PATTERN = f"^{NAME_PATTERN}$"

#: Parameter of a route.
Name = Annotated[str, Path(pattern=_PATTERN, description=NAME_TEXT, examples=["snare_1"])]
#: Member of a body.
NewName = Annotated[str, Field(pattern=_PATTERN, description=NAME_TEXT, examples=["my snare"])]
