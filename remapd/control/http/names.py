"""Names in URLs: those of `checked_name`, never paths."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from remapd.fields import NAME_PATTERN

Name = Annotated[
    str,
    Path(pattern=f"^{NAME_PATTERN}$", description="1 to 64 letters, digits, blanks and _ . + -", examples=["snare_1"]),
]
