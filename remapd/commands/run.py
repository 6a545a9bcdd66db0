"""``remapd run``: play live, with the engine in a supervised process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from remapd.commands._shared import option_settings, parsed_track, sound_options
from remapd.errors import FieldError, Told

if TYPE_CHECKING:
    from remapd.engine.control import TrackSetup

_OPTIONS = (
    click.option("--device", metavar="NAME|INDEX", help="Input and output device, by part of the name or index."),
    click.option("--input-device", metavar="NAME|INDEX", help="Input device, if it is another."),
    click.option("--output-device", metavar="NAME|INDEX", help="Output device, if it is another."),
    click.option("--host-api", metavar="NAME", help="ALSA, JACK, Core Audio, WASAPI...; JACK if its server runs."),
    click.option("--sample-rate", type=float, metavar="HZ", help="In Hz; by default what suits the device."),
    click.option("--block-size", type=int, default=64, show_default=True, help="In frames; a JACK server has its own."),
    click.option("--output-channels", type=int, default=2, show_default=True),
    click.option("--track", "tracks", multiple=True, default=["1"], metavar="CHANNEL[,NAME=VALUE...]",
                 help="Input channel of a track, from 1; with model, preset or parameters of its own. Repeatable."),
    click.option("--neurality", type=float, help="How far the mapper moves the preset, 0 to 4."),
    click.option("--backend", type=click.Choice(["portaudio", "virtual"]), default="portaudio", show_default=True),
    click.option("--input-file", metavar="FILE", help="What a virtual device hears."),
    click.option("--loop", is_flag=True, help="Start the input file again at its end."),
    click.option("--duration", type=float, metavar="SECONDS", help="Stop after this time."),
    click.option("--wait", is_flag=True, help="Wait for the device if it is not there yet."),
    click.option("--quiet", is_flag=True, help="Do not show hits."),
)  # fmt: skip


def _run_options(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return sound_options(function)


@click.command("run")
@_run_options
def command(
    tracks: tuple[str, ...],
    model: str,
    preset: str | None,
    settings: tuple[str, ...],
    neurality: float | None,
    duration: float | None,
    wait: bool,
    quiet: bool,
    **stream: Any,
) -> None:
    """Play live until Ctrl-C.

    A JACK server, a sound card, or `--backend virtual`, which needs neither. If the device goes away, remapd waits
    until it is back.
    """
    from rich.console import Console

    from remapd.daemon.composition import Daemon
    from remapd.daemon.session import play, summary
    from remapd.demo.display import make_display
    from remapd.demo.signals import stop_signals

    _refuse_what_would_be_ignored(duration, **stream)
    settings = (*settings, *option_settings({"--neurality": ("neurality", neurality)}))
    setups = [parsed_track(text, model, preset, settings) for text in tracks]
    console = Console()

    def say(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False, highlight=False)

    names = [f"track {index + 1}" for index in range(len(setups))]
    with stop_signals() as stop, Daemon(_stream_settings(setups, **stream), setups, say, wait) as daemon:
        if quiet:
            tally = play(daemon, lambda status, events: None, stop, duration)
        else:
            with make_display(console, f"remapd: {setups[0].model.name}", names) as display:
                tally = play(daemon, display.update, stop, duration)
        lines = summary(tally, daemon.control.status(), daemon.control.events.lost, daemon.supervisor.block_frames)
    for line in lines:
        say(line)


def _refuse_what_would_be_ignored(duration: float | None, **stream: Any) -> None:
    if duration is not None and not duration > 0.0:
        raise FieldError("--duration", "more than 0 s", duration)
    if stream["loop"] and stream["input_file"] is None:
        raise FieldError("--loop", "an --input-file to start again", Told("none"))
    for name in ("device", "input_device", "output_device", "host_api"):
        if stream["backend"] == "virtual" and stream[name] is not None:
            raise FieldError(f"--{name.replace('_', '-')}", "no such choice with --backend virtual", stream[name])


def _stream_settings(setups: list[TrackSetup], device: str | None, **values: Any) -> Any:
    from remapd.audio.backend import StreamSettings

    for direction in ("input_device", "output_device"):
        values[direction] = values[direction] or device
    return StreamSettings(input_channels=max(setup.input_channel for setup in setups) + 1, **values)
