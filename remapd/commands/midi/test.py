"""``remapd midi test``: every control of an instrument, one after the other, slowly."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remapd.commands.midi._rtmidi import load_rtmidi

if TYPE_CHECKING:
    from remapd.commands.midi.sweeps import Sounds, Sweep
    from remapd.sinks.midi.document import MidiSink
    from remapd.sinks.midi.line import Line
    from remapd.sinks.midi.out_ports import OutPort, OutPorts
    from remapd.sinks.profiles.profile import Profile

#: Between notes.
_NOTE_S = 0.25


@click.command("test")
@click.argument("port")
@click.option("--profile", metavar="NAME|FILE[/INSTRUMENT]", help="Play what this device profile maps.")
@click.option(
    "--sink",
    "sink_file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Play the sinks of this file, TOML or JSON.",
)
@click.option("--virtual", is_flag=True, help="Make a port of this name, for others to connect to, and wait for Enter.")
@click.option("--channel", type=click.IntRange(1, 16), help="MIDI channel in place of the profile's.")
@click.option("--note", type=click.IntRange(0, 127), help="Note in place of the profile's.")
@click.option("--seconds-per-control", default=4.0, show_default=True, type=click.FloatRange(0.0, 600.0, min_open=True))
@click.option("--once", is_flag=True, help="Play all of it once; else again and again until Ctrl-C.")
def test(
    port: str,
    profile: str | None,
    sink_file: str | None,
    virtual: bool,
    channel: int | None,
    note: int | None,
    seconds_per_control: float,
    once: bool,
) -> None:
    """Play each control of a mapping on PORT, up and down, with notes, so that you can hear what it does.

    First come notes alone, from soft to loud; without a profile or a sink there is nothing else. What moves, and what
    it sounds like, is told at the beginning of each sweep. All notes end in the end. PORT is the name of an output or
    a part of it (`remapd midi ports`). It goes round until Ctrl-C, or plays `--once`.
    """
    from remapd.audio.midi_interface import MidiUnavailableError
    from remapd.audio.portaudio_library import silenced_stderr
    from remapd.commands._shared import terminated_like_interrupted
    from remapd.errors import RemapdError
    from remapd.sinks.midi.out_ports import OutPorts

    sinks, sounds = _chosen(profile, sink_file, {"port": port, "virtual": virtual, "channel": channel, "note": note})
    rtmidi = load_rtmidi()
    try:
        with silenced_stderr():
            ports = OutPorts(rtmidi, lambda: None)
    except MidiUnavailableError as error:
        raise RemapdError(f"there is no MIDI: {error}") from None
    try:
        with terminated_like_interrupted():
            _play_all(ports, _opened(ports, port, virtual), sinks, sounds, seconds_per_control, once)
    except KeyboardInterrupt:
        pass
    finally:
        ports.close_all()


def _play_all(
    ports: OutPorts, port: OutPort, sinks: list[MidiSink], sounds: Sounds, length_s: float, once: bool
) -> None:
    """Play every sweep, and end all notes however that ends."""
    from remapd.commands.midi.sweeps import sweeps_of
    from remapd.sinks.midi.line import Line
    from remapd.sinks.midi.port_out import PortOut

    line = Line(port, PortOut(sinks), sinks)
    line.begin(time.monotonic())
    try:
        while True:
            for sweep in (sweep for sink in sinks for sweep in sweeps_of(sink)):
                for text in sweep.lines(sounds):
                    click.echo(text)
                line.change([sweep.sink], time.monotonic())
                _play(ports, line, sweep, length_s)
            if once:
                return
            click.echo("remapd: again from the beginning; Ctrl-C ends it", err=True)
    finally:
        line.silence(time.monotonic())
        click.echo("remapd: all notes are off", err=True)


def _play(ports: OutPorts, line: Line, sweep: Sweep, length_s: float) -> None:
    """Play one sweep; what is due between the notes is sent in time."""
    from remapd.errors import RemapdError

    begun_s = time.monotonic()
    next_s = begun_s
    while (now_s := time.monotonic()) < begun_s + length_s:
        if ports.has_ended:
            raise RemapdError("the JACK server ended")
        if now_s >= next_s:
            next_s += _NOTE_S
            line.hit(sweep.hit((now_s - begun_s) / length_s))
            if line.fault:
                raise RemapdError(f"{line.port.name}: {line.fault}")
        line.send_due(now_s)
        due_s = line.planner.next_due_s
        wake_s = next_s if due_s is None else min(due_s, next_s)
        time.sleep(max(0.0, min(wake_s, begun_s + length_s) - time.monotonic()))


def _opened(ports: OutPorts, name: str, virtual: bool) -> OutPort:
    """Open the port that is meant.

    Raises
    ------
    FieldError
        If it is not there, or may be several.
    RemapdError
        If it cannot be opened.
    """
    from remapd.errors import FieldError, RemapdError
    from remapd.sinks.midi.out_ports import PortError
    from remapd.sinks.midi.port_names import choose

    ports.look()
    try:
        if virtual:
            opened = ports.open_virtual(name)
            click.prompt("Connect to it, then press Enter", default="", show_default=False, prompt_suffix=" ")
            return opened
        choice = choose(name, ports.names)
        if not choice.name:
            raise FieldError("PORT", f"the name of a MIDI output, or a part that no other has ({choice.fault})", name)
        opened = ports.open(choice.name)
    except PortError as error:
        raise RemapdError(f"{name}: {error}") from None
    click.echo(f"remapd: playing on {opened.name} ({ports.interface})", err=True)
    return opened


# -- what is played ----------------------------------------------------------------------------------------------------


def _chosen(profile: str | None, sink_file: str | None, given: dict[str, Any]) -> tuple[list[MidiSink], Sounds]:
    """The sinks, and what the controls of a profile are and sound like.

    Raises
    ------
    RemapdError
        If there is no such profile or file, or it does not fit.
    """
    from remapd.errors import FieldError
    from remapd.sinks.midi.document import parse_midi_sink

    if profile is not None and sink_file is not None:
        raise FieldError("--sink", "either a profile or a sink", sink_file)
    documents: list[dict[str, Any]] = [{"kind": "midi"}]
    sounds: Sounds = {}
    if profile is not None:
        document, sounds = _of_profile(profile)
        documents = [document]
    elif sink_file is not None:
        from remapd.offline.midi_sinks import load_midi_sinks

        documents = [sink.document() for sink in load_midi_sinks(Path(sink_file))]
    members = {name: value for name, value in given.items() if value is not None}
    return [parse_midi_sink({**document, **members}) for document in documents], sounds


def _of_profile(text: str) -> tuple[dict[str, Any], Sounds]:
    from remapd.sinks.profiles.sinks import sinks_from_profile

    profile, name = _profile(text)
    instrument = profile.instrument(name, "--profile") if name else profile.instrument_for("")
    sounds: Sounds = {(c.kind, c.number): (c.name, c.sounds) for c in instrument.controls}
    return sinks_from_profile(profile, instrument.name), sounds


def _profile(text: str) -> tuple[Profile, str]:
    """Profile and name of the instrument; the name of a file may have slashes of its own."""
    from remapd.sinks.profiles.library import find_profile, load_profile

    if text.endswith(".toml"):
        return load_profile(find_profile(text)), ""
    before, _, after = text.rpartition("/")
    if before.endswith(".toml") or (before and "/" not in before):
        return load_profile(find_profile(before)), after
    return load_profile(find_profile(text)), ""
