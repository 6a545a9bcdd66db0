"""What a TouchOSC layout is designed for."""

from __future__ import annotations

from dataclasses import dataclass

#: Where TouchOSC receives, unless told otherwise.
RECEIVE_PORT = 9001


@dataclass(frozen=True, slots=True)
class Screen:
    """Size of the design, which TouchOSC scales to the screen, and in how many columns rows stand."""

    width: int
    height: int
    columns: int


SCREENS = {"tablet": Screen(1024, 768, 2), "phone": Screen(480, 960, 1)}
