"""``remapd run``: play live, with the engine in a supervised process of its own and the control plane in this one."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remapd.errors import FieldError, Told

if TYPE_CHECKING:
    from remapd.control.settings.config import Config
    from remapd.daemon.composition import Daemon

_DEVICE_OPTIONS = (
    click.option("--device", metavar="NAME|INDEX", help="Input and output device, by part of the name or index."),
    click.option("--input-device", metavar="NAME|INDEX", help="Input device, if it is another."),
    click.option("--output-device", metavar="NAME|INDEX", help="Output device, if it is another."),
    click.option("--host-api", metavar="NAME", help="ALSA, JACK, Core Audio, WASAPI...; JACK if its server runs."),
    click.option("--sample-rate", type=float, metavar="HZ", help="In Hz; by default what suits the device."),
    click.option("--block-size", type=int, help="In frames, 64 by default; a JACK server has its own."),
    click.option("--output-channels", type=int, default=2, show_default=True),
    click.option("--backend", type=click.Choice(["portaudio", "virtual"]), help="virtual needs no sound card."),
    click.option("--input-file", metavar="FILE", help="What a virtual device hears."),
    click.option("--loop", is_flag=True, help="Start the input file again at its end."),
    click.option("--wait", is_flag=True, help="Wait for the device if it is not there yet."),
)
_SOUND_OPTIONS = (
    click.option("--track", "tracks", multiple=True, metavar="CHANNEL[,NAME=VALUE...]",
                 help="Input channel of a track, from 1; with model, preset or parameters of its own. Repeatable."),
    click.option("--model", metavar="NAME|FILE", help="Model that maps; snare_1 if none was chosen before."),
    click.option("--preset", metavar="NAME|FILE", help="Preset in place of the model's own."),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                 help="A parameter of every track; `remapd parameters` lists them. Repeatable."),
    click.option("--neurality", type=float, help="How far the mapper moves the preset, 0 to 4."),
)  # fmt: skip
_SINK_OPTIONS = (
    click.option("--osc-out", "osc_outs", multiple=True, metavar="HOST:PORT[=FORM]",
                 help="Send hits as OSC, in the form vector, parameters, supercollider or pd. Repeatable."),
    click.option("--midi-out", "midi_outs", multiple=True, metavar="PORT[=PROFILE[/INSTRUMENT]]",
                 help="Send hits as MIDI to a port, by part of its name; an empty one is a virtual port of our own. "
                      "Without a profile: note 38 on channel 10, parameters as controllers 102 to 119. Repeatable."),
)  # fmt: skip
_CONTROL_OPTIONS = (
    click.option("--config", "config_file", type=click.Path(path_type=Path, readable=False), metavar="FILE",
                 help="Config in place of the usual one; `remapd config` shows both."),
    click.option("--fresh", is_flag=True, help="Do not take up what was set when remapd last ended."),
    click.option("--host", metavar="ADDRESS", help="Where HTTP is served; 0.0.0.0 is every address, with a token."),
    click.option("--http-port", type=int, metavar="PORT", help="Of the page and REST; 0 takes any that is free."),
    click.option("--osc-port", type=int, metavar="PORT", help="Of OSC, UDP and TCP; 0 takes any that is free."),
    click.option("--duration", type=float, metavar="SECONDS", help="Stop after this time."),
    click.option("--quiet", is_flag=True, help="Do not show hits; write a log instead."),
)  # fmt: skip


def _options(function: Any) -> Any:
    for option in reversed((*_SOUND_OPTIONS, *_SINK_OPTIONS, *_DEVICE_OPTIONS, *_CONTROL_OPTIONS)):
        function = option(function)
    return function


@click.command("run")
@_options
def command(
    config_file: Path | None,
    tracks: tuple[str, ...],
    model: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    neurality: float | None,
    osc_outs: tuple[str, ...],
    midi_outs: tuple[str, ...],
    duration: float | None,
    wait: bool,
    fresh: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Play live until Ctrl-C, and be controlled over HTTP, OSC and MIDI meanwhile.

    A JACK server, a sound card, or `--backend virtual`, which needs neither. If the device goes away, remapd waits
    until it is back. What was set when remapd last ended comes back; options hold above it.
    """
    from remapd.commands import _run_flags
    from remapd.commands._shared import option_settings
    from remapd.daemon.composition import Daemon
    from remapd.demo.signals import stop_signals

    _refuse_what_would_be_ignored(duration, **options)
    config = _config(config_file, **options)
    # Models named below may lie in a folder that the config names.
    config.directories().export()
    settings = (*settings, *option_settings({"--neurality": ("neurality", neurality)}))
    sinks = _run_flags.parsed_sinks(osc_outs, midi_outs)
    flags = _run_flags.parsed_flags(tracks, model, preset, settings, _device(**options), sinks)
    fixed = {name: options[name] for name in ("input_file", "loop", "output_channels")}
    say = _sayer()
    with contextlib.ExitStack() as open_files:
        # In the foreground people read notices; the log can be had over HTTP.
        log = None if quiet else open_files.enter_context(open(os.devnull, "w"))
        notice = (lambda line: None) if quiet else say
        with stop_signals() as stop, Daemon(config, flags, fixed, notice, wait, fresh, log) as daemon:
            _hand_over_on_signal(daemon, stop)
            lines = _play(daemon, stop, duration, quiet)
    for line in lines:
        say(line)


def _hand_over_on_signal(daemon: Daemon, stop: threading.Event) -> None:
    """SIGUSR2 ends this process but not the engine, which the next `remapd run` takes over."""

    def hand_over(number: int, frame: object) -> None:
        daemon.hands_over = True
        stop.set()

    if hasattr(signal, "SIGUSR2"):
        signal.signal(signal.SIGUSR2, hand_over)


def _play(daemon: Daemon, stop: Any, duration: float | None, quiet: bool) -> list[str]:
    from remapd.daemon.session import TrackNames, play, summary
    from remapd.demo.display import make_display

    if quiet:
        tally = play(daemon, lambda status, events: None, stop, duration)
    else:
        with make_display(_console(), f"remapd: {daemon.title}", TrackNames(daemon)) as display:
            tally = play(daemon, display.update, stop, duration)
    return summary(tally, daemon.control.status(), daemon.control.events.lost, daemon.supervisor.block_frames)


def _console() -> Any:
    from rich.console import Console

    return Console()


def _sayer() -> Callable[[str], None]:
    console = _console()
    return lambda text: console.print(text, soft_wrap=True, markup=False, highlight=False)


def _config(path: Path | None, host: str | None, http_port: int | None, osc_port: int | None, **_: Any) -> Config:
    """The config, with what options say of the servers."""
    from remapd.control.settings.config import load_config

    http = {"host": host, "port": http_port}
    osc = {"udp_port": osc_port, "tcp_port": osc_port}
    sections: dict[str, dict[str, Any]] = {"http": http, "osc": osc}
    said = {name: {k: v for k, v in section.items() if v is not None} for name, section in sections.items()}
    return load_config(path, {name: section for name, section in said.items() if section})


def _device(
    device: str | None, input_device: str | None, output_device: str | None, sample_rate: float | None, **others: Any
) -> dict[str, object]:
    """What options say of the device, by the names of its controls."""
    names = {"input": input_device or device, "output": output_device or device, "sample_rate_hz": sample_rate}
    return {**names, **{name: others[name] for name in ("backend", "host_api", "block_size")}}


def _open_once(path: Path) -> None:
    """Refuse a file that the engine could not read, before anything is opened."""
    from remapd.audio.file import AudioReader

    AudioReader(path).close()


def _refuse_what_would_be_ignored(duration: float | None, **options: Any) -> None:
    if duration is not None and not duration > 0.0:
        raise FieldError("--duration", "more than 0 s", duration)
    if options["loop"] and options["input_file"] is None:
        raise FieldError("--loop", "an --input-file to start again", Told("none"))
    if options["input_file"] is not None:
        if options["backend"] != "virtual":
            raise FieldError(
                "--input-file", "--backend virtual with it, which alone plays files", options["input_file"]
            )
        _open_once(Path(options["input_file"]))
    for name in ("device", "input_device", "output_device", "host_api"):
        if options["backend"] == "virtual" and options[name] is not None:
            raise FieldError(f"--{name.replace('_', '-')}", "no such choice with --backend virtual", options[name])
