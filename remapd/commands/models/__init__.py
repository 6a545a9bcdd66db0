"""``remapd models``: list, show, verify and exchange models."""

from __future__ import annotations

import click

from remapd.commands.models.interchange import export_model, import_model
from remapd.commands.models.listing import list_command
from remapd.commands.models.show import show
from remapd.commands.models.verify import verify


@click.group("models")
def command() -> None:
    """List, show, verify, import and export models.

    A model is named as `--model` does: by the name of its file in a folder that is searched, or by its path.
    """


for _command in (list_command, show, verify, import_model, export_model):
    command.add_command(_command)
