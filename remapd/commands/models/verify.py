"""``remapd models verify``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from remapd.offline.verify import Check

_FAILED = 1


@click.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the list.")
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Load models completely, and check their numbers, their network and their sound; without a name, all.

    Ends with status 1 if one fails, and says which field of it.
    """
    from remapd.mapping.library import find_model, list_models

    paths = [find_model(name) for name in names] or list(list_models().values())
    results: list[dict[str, Any]] = []
    for path in paths:
        checks = _checks(path)
        results.append({"path": str(path), "ok": all(c.passed for c in checks), "checks": [vars(c) for c in checks]})
        if not as_json:
            _show(path, checks)
    if as_json:
        click.echo(json.dumps(results, indent=2))
    sys.exit(0 if all(result["ok"] for result in results) else _FAILED)


def _checks(path: Path) -> list[Check]:
    from remapd.errors import RemapdError
    from remapd.mapping.bundle import load_model
    from remapd.offline.verify import Check, verify_model

    try:
        model = load_model(path)
    except RemapdError as error:
        return [Check("file", False, str(error))]
    return [Check("file", True, "complete, and every field fits"), *verify_model(model)]


def _show(path: Path, checks: list[Check]) -> None:
    click.echo(str(path))
    for check in checks:
        status = click.style("ok  ", fg="green") if check.passed else click.style("fail", fg="red")
        click.echo(f"  {status} {check.field}: {check.text}")
