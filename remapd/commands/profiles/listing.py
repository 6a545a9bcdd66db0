"""``remapd profiles list``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

#: More drums of a device are counted.
_NAMED = 16


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the list.")
def list_command(as_json: bool) -> None:
    """List the profiles that can be named, with their instruments; one that does not fit is listed with the reason.

    Your own lie in the folder that the last line names, and hide shipped ones of the same name.
    """
    from remapd.sinks.profiles.library import list_profiles, user_folder

    rows = [_row(name, path) for name, path in list_profiles().items()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['name']:{width}}  {_text(row)}")
    click.echo(f"Your own: {click.format_filename(user_folder())}")


def _text(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"does not fit: {row['error']}"
    drums = row["instruments"]
    more = f" and {len(drums) - _NAMED} more" if len(drums) > _NAMED else ""
    return f"{row['manufacturer']} {row['device']}: {' '.join(drums[:_NAMED])}{more}"


def _row(name: str, path: Path) -> dict[str, Any]:
    from remapd.errors import RemapdError
    from remapd.sinks.profiles.library import load_profile

    try:
        return load_profile(path).summary() | {"name": name, "path": str(path)}
    except RemapdError as error:
        return {"name": name, "path": str(path), "error": str(error)}
