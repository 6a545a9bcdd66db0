"""Having a track play a model or preset, and refusing to delete what plays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from remapd.control.http.problems import RefusalError
from remapd.engine.layout import MAX_TRACKS

if TYPE_CHECKING:
    from remapd.control.controller import Controller


def _whole(value: object) -> object:
    """JSON has one kind of numbers: 1.0 is as whole as 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: Member of a body.
TrackNumber = Annotated[
    int, BeforeValidator(_whole), Field(ge=1, le=MAX_TRACKS, description="Number of the track, from 1.")
]


class Activation(BaseModel):
    """Which track shall play it."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"example": {"track": 1}})
    track: TrackNumber = 1


def check_track(controller: Controller, track: int) -> None:
    """Refuse a track that is not there.

    Raises
    ------
    FieldError
        With the numbers that there are.
    """
    controller.sound(track)


def check_unused(controller: Controller, kind: Literal["model", "preset"], name: str) -> None:
    """Refuse to take away what a track plays.

    Raises
    ------
    RefusalError
        409 with the number of the track.
    """
    for number in range(1, controller.tracks + 1):
        if controller.value(f"/track/{number}/{kind}") == name:
            expected = f"a {kind} that no track plays"
            raise RefusalError(409, f"track {number} plays the {kind} {name!r}", kind, expected, name)
