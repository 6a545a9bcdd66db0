"""``remapd midi``: ports, what comes in, and what the controls of an instrument sound like."""

from __future__ import annotations

import click

from remapd.commands.midi.monitor import monitor
from remapd.commands.midi.ports import ports
from remapd.commands.midi.test import test


@click.group("midi")
def command() -> None:
    """List MIDI ports, show what comes in, and play what a sink would send."""


for _command in (ports, monitor, test):
    command.add_command(_command)
