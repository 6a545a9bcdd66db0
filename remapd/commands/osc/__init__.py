"""``remapd osc``: what is sent to receivers of OSC, and what arrives."""

from __future__ import annotations

import click

from remapd.commands.osc.forms import forms
from remapd.commands.osc.monitor import monitor


@click.group("osc")
def command() -> None:
    """Show OSC that arrives, and what OSC sinks send."""


for _command in (monitor, forms):
    command.add_command(_command)
