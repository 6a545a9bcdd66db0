"""``remapd render``: a recording in, the synthesiser's answer out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remapd.commands._shared import (
    option_settings,
    parsed_channel,
    parsed_track,
    sound_options,
    tell_of_compilation,
    terminated_like_interrupted,
)
from remapd.errors import FieldError

if TYPE_CHECKING:
    from remapd.engine.control import TrackSetup
    from remapd.offline.render_job import RenderSummary
    from remapd.sinks.midi.document import MidiSink

# That a file cannot be read is told with the reason when it is opened.
_FILE = click.Path(path_type=Path, readable=False)

_OPTIONS = (
    click.option("--neurality", type=float, help="How far the mapper moves the preset, 0 to 4."),
    click.option("--mix", "dry_wet", type=float, help="From the input (0) to the synthesiser (1, the default)."),
    click.option("--channel", metavar="NUMBER|mix",
                 help="Channel that is heard, from 1 (the default); mix is the mean of all."),
    click.option("--track", "tracks", multiple=True, metavar="CHANNEL[,NAME=VALUE...]",
                 help="In place of --channel: a track on a channel, with model, preset or parameters of its own. "
                      "Repeatable."),
    click.option("--events", type=_FILE, metavar="FILE", help="Hits, as .jsonl or .csv."),
    click.option("--rejected", type=_FILE, metavar="FILE", help="Candidates that were no hits, with the reason."),
    click.option("--midi", type=_FILE, metavar="FILE", help="Hits as notes and controllers, as .mid."),
    click.option("--midi-sink", type=_FILE, metavar="FILE",
                 help="What --midi writes: a MIDI sink or several, as .toml or .json."),
    click.option("--plot", type=_FILE, metavar="FILE", help="Picture of it all, as .png."),
    click.option("--encoding", type=click.Choice(["16", "24", "float"]), default="24", show_default=True,
                 help="Bits of a sample in the output."),
    click.option("--output-channels", type=int, help="1 or 2; by default as many as the input has, at most 2."),
    click.option("--block-size", type=int, default=4096, show_default=True,
                 help="Frames processed at a time; it changes nothing in the result."),
    click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong."),
)  # fmt: skip


def _render_options(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return sound_options(function)


@click.command("render")
@click.argument("source", type=_FILE, metavar="IN")
@click.argument("output", type=_FILE, metavar="OUT")
@_render_options
def command(
    source: Path,
    output: Path,
    model: str,
    preset: str | None,
    settings: tuple[str, ...],
    neurality: float | None,
    dry_wet: float | None,
    channel: str | None,
    tracks: tuple[str, ...],
    encoding: str,
    output_channels: int | None,
    block_size: int,
    midi_sink: Path | None,
    quiet: bool,
    **files: Path | None,
) -> None:
    """Turn the recording IN into what the synthesiser makes of it, OUT.

    IN is an audio file of any rate, width and number of channels. OUT has the rate of IN and is a .wav, .flac, .aiff or
    .w64 file as its name ends. The same command gives the same bytes each time. All files appear at the end, together;
    if anything fails, or with Ctrl-C, there are none and those that were there stay.
    """
    _check_before_compiling(source, output, encoding, quiet)
    from remapd.offline.render import render
    from remapd.offline.render_job import RenderFiles, RenderSettings

    if channel is not None and tracks:
        raise FieldError("--channel", "nothing next to --track, which names its own channel", channel)
    own = option_settings({"--neurality": ("neurality", neurality), "--mix": ("dry_wet", dry_wet)})
    channels, setups = parsed_tracks(tracks or (channel or "1",), model, preset, (*settings, *own))
    job = RenderSettings(setups, channels, block_size, output_channels, encoding, _midi_sinks(midi_sink, files))
    with terminated_like_interrupted(), _progress(quiet) as progress:
        summary = render(source, RenderFiles(output, **files), job, progress)
    for line in warnings(summary):
        click.echo(f"remapd: warning: {line}", err=True)
    if not quiet:
        click.echo(f"{click.format_filename(output)}: {summary_text(summary)}")
        if not summary.hits:
            from remapd.offline.no_hits import explain_no_hits

            click.echo(explain_no_hits(summary))


def _midi_sinks(path: Path | None, files: Mapping[str, Path | None]) -> tuple[MidiSink, ...]:
    """The sinks of a file, for the MIDI file that must be asked for too."""
    from remapd.offline.midi_sinks import load_midi_sinks

    if path is None:
        return ()
    if files["midi"] is None:
        raise FieldError("--midi-sink", "--midi FILE beside it, where the notes go", str(path))
    return load_midi_sinks(path)


def _check_before_compiling(source: Path, output: Path, encoding: str, quiet: bool) -> None:
    """Announce the wait on a machine's first run, unless a file is at fault already."""
    from remapd.audio.file import AudioReader, audio_format

    audio_format(output, encoding)
    AudioReader(source).close()
    if not quiet:
        tell_of_compilation()


def parsed_tracks(
    texts: tuple[str, ...], model: str, preset: str | None, settings: tuple[str, ...]
) -> tuple[list[int], list[TrackSetup]]:
    """Set up tracks from ``CHANNEL[,NAME=VALUE...]``, where CHANNEL may also be ``mix``.

    Returns the channels of the file that are needed, and the tracks; the input channel of each is a place among these.

    Raises
    ------
    RemapdError
        If a channel is neither a whole number from 1 nor ``mix``, or a name or value does not fit.
    """
    parts = [text.partition(",") for text in texts]
    wanted = [parsed_channel(head) for head, _, _ in parts]
    channels = list(dict.fromkeys(wanted))
    setups = [
        parsed_track(f"{channels.index(channel) + 1}{comma}{rest}", model, preset, settings)
        for channel, (_, comma, rest) in zip(wanted, parts, strict=True)
    ]
    return channels, setups


def summary_text(summary: RenderSummary) -> str:
    """One line on what came of a render."""
    speed = summary.duration_s / max(summary.elapsed_s, 1e-9)
    return (
        f"{_counted(summary.hits, 'hit')}, {summary.rejected} rejected, {summary.duration_s:.2f} s "
        f"at {summary.sample_rate} Hz, {speed:.{0 if speed >= 10.0 else 1}f} times real time"
    )


def warnings(summary: RenderSummary) -> Iterator[str]:
    """What the user should know of the input."""
    if summary.non_finite:
        yield f"silenced {_counted(summary.non_finite, 'sample')} of the input for being infinite or no number"
    if summary.missing_s > 0.0:
        yield f"the input ends {summary.missing_s:.2f} s earlier than its header says"
    if summary.dropped:
        yield f"left out {_counted(summary.dropped, 'hit')}, as too many came at once"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], object] | None]:
    """Show a bar on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("rendering"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("rendering", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
