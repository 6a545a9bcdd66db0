"""``remapd clients touchosc`` and ``remapd clients open-stage-control``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from remapd.layouts.touchosc.screens import RECEIVE_PORT, SCREENS
from remapd.mapping.default_model import DEFAULT_MODEL

if TYPE_CHECKING:
    from remapd.layouts.surface import Surface

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _options(default_file: str) -> Callable[[_Command], _Command]:
    """Options of every layout: where it goes, and what it is made from."""

    def add(command: _Command) -> _Command:
        for option in (
            click.option("--tracks", type=click.IntRange(1), help="How many tracks; the last model is on the rest."),
            click.option("--model", "models", multiple=True, metavar="NAME|FILE", help="Of a track. Repeatable."),
            click.option("--token-file", type=click.Path(path_type=Path), help="With the token, if it asks for one."),
            click.option("--url", metavar="URL", help="A daemon that runs, such as http://127.0.0.1:8808."),
            click.option(
                "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=default_file,
                show_default=True, help="File to write.",
            ),
        ):  # fmt: skip
            command = option(command)
        return command

    return add


@click.command("touchosc")
@_options("remapd.tosc")
@click.option("--screen", type=click.Choice(list(SCREENS)), default="tablet", show_default=True, help="What it is for.")
@click.option(
    "--receive-port",
    type=click.IntRange(1, 65535),
    default=RECEIVE_PORT,
    show_default=True,
    help="Where TouchOSC receives.",
)
def touchosc(output: Path, screen: str, receive_port: int, **source: Any) -> None:
    """Make a layout for TouchOSC: a page for each track, faders and switches that follow the daemon."""
    from remapd.layouts.touchosc.layout import touchosc_layout

    surface = _surface(**source)
    _write(output, touchosc_layout(surface, screen, receive_port), surface)


@click.command("open-stage-control")
@_options("remapd.json")
def open_stage_control(output: Path, **source: Any) -> None:
    """Make a session for Open Stage Control: a tab for each track, faders and switches that follow the daemon."""
    from remapd.layouts.open_stage_control import open_stage_control_session

    surface = _surface(**source)
    _write(output, open_stage_control_session(surface), surface)


def _surface(url: str | None, token_file: Path | None, models: tuple[str, ...], tracks: int | None) -> Surface:
    from remapd.layouts.running import running_controls
    from remapd.layouts.surface import surface_of

    if url is None:
        if token_file is not None:
            raise click.UsageError("--token-file goes with --url.")
        return surface_of(_built(models, tracks))
    if models or tracks:
        raise click.UsageError("--url takes the tracks of the daemon; leave out --model and --tracks.")
    return surface_of(running_controls(url, _token(token_file)))


def _built(models: tuple[str, ...], tracks: int | None) -> Any:
    """Controls of a daemon with these models."""
    from remapd.control.tree import build_tree
    from remapd.engine.layout import MAX_TRACKS
    from remapd.errors import FieldError
    from remapd.mapping.library import load_model_named

    synths = [load_model_named(model).synth for model in models or (DEFAULT_MODEL,)]
    count = tracks or len(synths)
    if not len(synths) <= count <= MAX_TRACKS:
        raise FieldError("--tracks", f"{len(synths)} to {MAX_TRACKS}", count)
    synths += synths[-1:] * (count - len(synths))
    return build_tree(synths).values()


def _token(path: Path | None) -> str:
    from remapd.files import read_capped

    return read_capped(path, 4096, "token").decode(errors="replace").strip() if path is not None else ""


def _write(path: Path, content: bytes, surface: Surface) -> None:
    from remapd.files import replace_file

    replace_file(path, content, "layout")
    tracks = len(surface.tracks)
    click.echo(f"{click.format_filename(path)}: {tracks} track{'s' * (tracks != 1)}")
