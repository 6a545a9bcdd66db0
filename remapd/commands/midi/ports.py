"""``remapd midi ports``: the MIDI ports of this machine."""

from __future__ import annotations

import json

import click

from remapd.commands.midi._rtmidi import load_rtmidi


@click.command("ports")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the list.")
def ports(as_json: bool) -> None:
    """List MIDI ports, as others see them: inputs are heard by `run`, outputs are what sinks play.

    A port is meant by its name, by the part before or behind its colon, or by any part of it that no other has.
    """
    from remapd.audio.midi_interface import MidiUnavailableError, is_own
    from remapd.audio.portaudio_library import silenced_stderr
    from remapd.control.midi.ports import Ports
    from remapd.errors import RemapdError
    from remapd.sinks.midi.out_ports import OutPorts

    rtmidi = load_rtmidi()
    try:
        with silenced_stderr():
            inputs, outputs = Ports(rtmidi, "", ()), OutPorts(rtmidi, lambda: None)
    except MidiUnavailableError as error:
        raise RemapdError(f"there is no MIDI: {error}") from None
    inputs.scan()
    outputs.look()
    found = {"interface": outputs.interface, "inputs": inputs.available, "outputs": outputs.names}
    outputs.close_all()
    inputs.close()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{outputs.interface}")
    for kind in ("inputs", "outputs"):
        names = found[kind]
        click.echo(f"{kind}:" if names else f"{kind}: none")
        for name in names:
            click.echo(f"  {name}{'  (one of ours)' if is_own(name) else ''}")
