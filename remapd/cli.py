"""The command line: one group, each command in a module of its own that is imported when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from remapd import __version__
from remapd.errors import RemapdError

#: Command and what it is for; the module ``remapd.commands.<name>`` holds a click command ``command``.
COMMANDS = {
    "demo": "Play the built-in performance and show what is heard.",
    "render": "Turn a recording into what the synthesiser makes of it.",
    "run": "Play live.",
    "train": "Make a model from recordings.",
    "experiment": "Train and compare recipes over many drums and presets.",
    "models": "List, show, verify, import and export models.",
    "osc": "Show OSC that arrives, and what OSC sinks send.",
    "midi": "List MIDI ports, show what comes in, and play what a sink would send.",
    "profiles": "List, show and verify device profiles, and make them of tables.",
    "clients": "Make layouts for control surfaces: TouchOSC, Open Stage Control.",
    "parameters": "List every parameter.",
    "config": "Show the settings of `run`, or an example of all of them.",
    "devices": "List audio devices.",
    "latency": "Measure the latency of a device and of all that remapd adds.",
    "doctor": "Say what works on this machine, and how to mend what does not.",
}

_FAILED = 1


class _Group(click.Group):
    """Commands by name; importing one does not import the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"remapd.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RemapdError as error:
            click.echo(f"remapd: {error}", err=True)
            sys.exit(_FAILED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="remapd")
def main() -> None:
    """Turn what a drummer plays into what a synthesiser does."""
