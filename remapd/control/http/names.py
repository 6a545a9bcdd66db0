"""Names in URLs: those of `checked_name`, never paths."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field

from remapd.fields import NAME_PATTERN

_PATTERN = f"^{NAME_PATTERN}$"
_DESCRIPTION = "1 to 64 letters, digits, blanks and _ . + -, the first a letter or digit"

#: Parameter of a route.
Name = Annotated[str, Path(pattern=_PATTERN, description=_DESCRIPTION, examples=["snare_1"])]
#: Member of a body.
NewName = Annotated[str, Field(pattern=_PATTERN, description=_DESCRIPTION, examples=["my snare"])]
