"""``remapd profiles verify``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

_FAILED = 1


@click.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the list.")
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Check profiles as a sink would take them: each field, each line, each instrument; without a name, all.

    Ends with status 1 if one does not fit, and says which field of which line.
    """
    from remapd.sinks.profiles.library import find_profile, list_profiles

    paths = [find_profile(name) for name in names] or list(list_profiles().values())
    results = [_result(path) for path in paths]
    if as_json:
        click.echo(json.dumps(results, indent=2))
    else:
        for result in results:
            status = click.style("ok  ", fg="green") if result["ok"] else click.style("fail", fg="red")
            click.echo(f"{status} {result['text']}")
    sys.exit(0 if all(result["ok"] for result in results) else _FAILED)


def _result(path: Path) -> dict[str, Any]:
    from remapd.errors import RemapdError
    from remapd.sinks.profiles.library import load_profile

    try:
        profile = load_profile(path)
    except RemapdError as error:
        return {"path": str(path), "ok": False, "text": str(error)}
    text = f"{path}: {len(profile.instruments)} instruments, {len(profile.mappings)} mappings"
    return {"path": str(path), "ok": True, "text": text}
