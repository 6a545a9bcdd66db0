"""``remapd demo``."""

from __future__ import annotations

from pathlib import Path

import click

from remapd.commands._shared import console_for_pipes, sound_options, terminated_like_interrupted, track_setup
from remapd.errors import FieldError


@click.command("demo")
@sound_options
@click.option(
    "--output-folder",
    type=click.Path(path_type=Path, readable=False),
    default=Path("remapd-demo"),
    show_default=True,
    help="Where audio, events, MIDI and the picture are written.",
)
@click.option(
    "--device",
    default="default",
    show_default=True,
    metavar="default|virtual|NAME",
    help="Output device (a part of its name, or its index); virtual plays to nobody.",
)
@click.option("--seconds", type=click.FloatRange(1.0, 60.0), help="Break off after this time.")
@click.option("--fast", is_flag=True, help="Do not wait for the clock: a virtual device, as fast as it can.")
def command(
    model: str,
    preset: str | None,
    settings: tuple[str, ...],
    output_folder: Path,
    device: str,
    seconds: float | None,
    fast: bool,
) -> None:
    """Play a built-in performance through the engine and show what is heard.

    A modelled acoustic snare is played for some 16 seconds; the engine hears it in real time and plays the synthesiser.
    """
    from remapd.dsp.kernel import is_cached

    # Asked before anything else is imported, for that may put the first compiled function into the cache.
    is_first_run = not is_cached()
    from remapd.demo.performance import SECONDS
    from remapd.demo.session import DemoSettings, run

    if fast and device not in ("default", "virtual"):
        raise FieldError("--device", "virtual, or nothing, with --fast", device)
    setup = track_setup(model, preset, settings)
    demo = DemoSettings(setup, output_folder, device, seconds or SECONDS, not fast, is_first_run)
    with terminated_like_interrupted():
        run(demo, console_for_pipes())
