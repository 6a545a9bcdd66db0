"""``remapd config``: what ``remapd run`` starts with, and what could be said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from remapd.control.settings.config import Config


@click.command("config")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), metavar="FILE", help="File in place of the usual one."
)
@click.option("--default", "as_example", is_flag=True, help="Every setting, explained and with its default.")
@click.option("--check", is_flag=True, help="Load all that is named and say whether it fits.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(path: Path | None, as_example: bool, check: bool, as_json: bool) -> None:
    """Show the settings that hold, from the file, the environment and the defaults.

    `remapd config --default > remapd.toml` makes a file to start from. A setting `port` in the section `http` is
    `REMAPD_HTTP__PORT` in the environment. A token is never shown.
    """
    from remapd.control.settings.config import config_path, load_config
    from remapd.control.settings.text import config_document, effective_text, example_text

    if as_example:
        click.echo(example_text(), nl=False)
        return
    config = load_config(path)
    place = path or config_path()
    if check:
        from remapd.control.settings.check import check_named

        check_named(config)
        verdict = "fits" if place.is_file() else "is not there; the defaults hold"
        click.echo(f"{click.format_filename(place)}: {verdict}")
    elif as_json:
        click.echo(json.dumps(config_document(config), indent=2))
    else:
        click.echo(_heading(config, place) + effective_text(config), nl=False)


def _heading(config: Config, place: Path) -> str:
    lines = [f"file: {place}" + ("" if place.is_file() else " (not there)")]
    if config.http.token is not None:
        lines.append("http.token is set")
    return "".join(f"# {line}\n" for line in lines) + "\n"
