"""``remapd profiles``: list, show and verify device profiles, and make them of midi.guide's tables."""

from __future__ import annotations

import click

from remapd.commands.profiles.importing import import_profile
from remapd.commands.profiles.listing import list_command
from remapd.commands.profiles.show import show
from remapd.commands.profiles.verify import verify


@click.group("profiles")
def command() -> None:
    """List, show and verify device profiles, and make one of a table of midi.guide.

    A profile says which note plays which drum of a device, what moves its sound, and what of a hit moves it.
    `remapd run --midi-out PORT=PROFILE/INSTRUMENT` makes a MIDI sink of it.
    """


for _command in (list_command, show, verify, import_profile):
    command.add_command(_command)
