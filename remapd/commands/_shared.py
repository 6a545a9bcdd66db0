"""Options that several commands have, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from remapd.errors import FieldError

if TYPE_CHECKING:
    from remapd.engine.control import TrackSetup

DEFAULT_MODEL = "velocity"

Command = TypeVar("Command", bound=Callable[..., Any])


def sound_options(command: Command) -> Command:
    """Add ``--model``, ``--preset`` and ``--set``, whose values `track_setup` takes."""
    for option in (
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A track parameter; repeatable."),
        click.option("--preset", metavar="NAME|FILE", help="Preset in place of the model's own."),
        click.option("--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|FILE", help="Model that maps."),
    ):
        command = option(command)
    return command


def track_setup(model: str, preset: str | None, settings: Iterable[str], input_channel: int = 0) -> TrackSetup:
    """Load what the options name.

    Raises
    ------
    RemapdError
        If a model or preset is unknown or damaged, or a setting does not fit.
    """
    from remapd.engine.control import TrackSetup
    from remapd.mapping.library import load_model_named, load_preset_named

    parameters = parsed_settings(settings)
    chosen = load_preset_named(preset) if preset is not None else None
    return TrackSetup(load_model_named(model), chosen, input_channel, parameters)


def parsed_settings(settings: Iterable[str]) -> dict[str, float]:
    """Track parameters by name, from texts like ``neurality=1.5``.

    Raises
    ------
    FieldError
        If one has no ``=``, its name is unknown, or its value is no number or out of range.
    """
    from remapd.engine.controls import TRACK_PARAMETERS

    parameters: dict[str, float] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise FieldError("--set", "NAME=VALUE", setting)
        parameter = TRACK_PARAMETERS.parameters[TRACK_PARAMETERS.index(name.strip(), "--set")]
        parameters[parameter.name] = parameter.check(_number(text), f"--set {parameter.name}")
    return parameters


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
