"""Options that several commands have, and what they stand for."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from remapd.errors import FieldError
from remapd.mapping.default_model import DEFAULT_MODEL

if TYPE_CHECKING:
    from rich.console import Console

    from remapd.engine.control import TrackSetup

Command = TypeVar("Command", bound=Callable[..., Any])


def sound_options(command: Command) -> Command:
    """Add ``--model``, ``--preset`` and ``--set``, whose values `track_setup` takes."""
    for option in (
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            help="A parameter; `remapd parameters` lists them. Repeatable.",
        ),
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

    loaded = load_model_named(model)
    chosen = load_preset_named(preset) if preset is not None else None
    return TrackSetup(loaded, chosen, input_channel, parsed_settings(settings, loaded.synth))


def parsed_track(text: str, model: str, preset: str | None, settings: tuple[str, ...]) -> TrackSetup:
    """Set up a track from ``CHANNEL[,NAME=VALUE...]`` and what holds for every track.

    Raises
    ------
    RemapdError
        If the channel is no whole number from 1, or a name or value does not fit.
    """
    channel, *own = (part.strip() for part in text.split(","))
    if not channel.isdecimal() or int(channel) < 1:
        raise FieldError("--track", "an input channel from 1, and then NAME=VALUE after commas", text)
    named = dict(part.partition("=")[::2] for part in own)
    model, preset = named.pop("model", model), named.pop("preset", preset)
    parameters = [f"{name}={value}" for name, value in named.items()]
    return track_setup(model, preset, (*settings, *parameters), int(channel) - 1)


def parsed_channel(text: str) -> int:
    """Channel of a file, from 0, or `MIX`, from a number from 1 or ``mix``.

    Raises
    ------
    FieldError
        If it is neither.
    """
    from remapd.audio.file import MIX

    name = text.strip()
    if name == "mix":
        return MIX
    if not (name.isascii() and name.isdecimal() and int(name) >= 1):
        raise FieldError("channel", "a whole number from 1, or mix", text)
    return int(name) - 1


def parsed_settings(settings: Iterable[str], synth: str) -> dict[str, float]:
    """Values by name, from texts like ``neurality=1.5`` or ``lock.osc1.freq=1``, for a track that plays `synth`.

    Raises
    ------
    FieldError
        If one has no ``=``, its name is unknown, or its value is no number or out of range.
    """
    from remapd.engine.controls import track_settings

    table = track_settings(synth)
    parameters: dict[str, float] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise FieldError("--set", "NAME=VALUE", setting)
        parameter = table.parameters[table.index(name.strip(), "--set")]
        parameters[parameter.name] = parameter.check(_number(text), f"--set {parameter.name}")
    return parameters


def option_settings(options: Mapping[str, tuple[str, float | None]]) -> tuple[str, ...]:
    """Settings, as ``--set`` has them, of options that stand for a parameter; one without a value is left out.

    Raises
    ------
    FieldError
        If a value is out of range; it names the option.
    """
    from remapd.engine.controls import TRACK_PARAMETERS

    given = {option: (name, value) for option, (name, value) in options.items() if value is not None}
    return tuple(f"{name}={TRACK_PARAMETERS[name].check(value, option)}" for option, (name, value) in given.items())


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does, so that half-written files are removed."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def console_for_pipes() -> Console:
    """Make a console that falls silent when nobody reads on (``| head``), so that the rest of the work is done."""
    from rich.console import Console

    class Pipe(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True
            # What is still in the buffer would fail once more at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return Pipe()


def tell_of_compilation() -> None:
    """Say that the audio code is about to be compiled, if it is; before anything is imported that begins to."""
    from remapd.dsp.kernel import is_cached

    if not is_cached():
        click.echo("Compiling the audio code, once (about a minute)…", err=True)
