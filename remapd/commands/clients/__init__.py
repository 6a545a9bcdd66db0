"""``remapd clients``: layouts for control surfaces, made from the tree of controls."""

from __future__ import annotations

import click

from remapd.commands.clients.layouts import open_stage_control, touchosc


@click.group("clients")
def command() -> None:
    """Make layouts for control surfaces.

    They have what the daemon has: with `--url` the tracks and synths of one that runs, else those of `--model`.
    """


for _command in (touchosc, open_stage_control):
    command.add_command(_command)
