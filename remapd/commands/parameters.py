"""``remapd parameters``: every parameter there is, straight from the tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from remapd.parameters import ParameterTable


@click.command("parameters")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> None:
    """List what --set takes: parameters of a track, and base values of its synth's parameters.

    Each parameter X of the synth also has depth.X (0 to 1, how far the mapper may move it) and lock.X (0 or 1).
    """
    from remapd.engine.controls import TRACK_PARAMETERS
    from remapd.synth.registry import SYNTHS

    tables = {"track": TRACK_PARAMETERS, **{name: synth.table for name, synth in SYNTHS.items()}}
    if as_json:
        click.echo(json.dumps({title: _rows(table) for title, table in tables.items()}, indent=2))
        return
    for title, table in tables.items():
        _show(title, table)


def _rows(table: ParameterTable) -> list[dict[str, Any]]:
    fields = ("name", "unit", "minimum", "maximum", "default", "curve", "description")
    return [{field: getattr(parameter, field) for field in fields} for parameter in table]


def _show(title: str, table: ParameterTable) -> None:
    from rich.console import Console
    from rich.table import Table

    sheet = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column, justify in (("name", "left"), ("from", "right"), ("to", "right"), ("default", "right")):
        sheet.add_column(column, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    sheet.add_column("unit", no_wrap=True)
    sheet.add_column("what it does")
    for p in table:
        sheet.add_row(p.name, f"{p.minimum:g}", f"{p.maximum:g}", f"{p.default:g}", p.unit, p.description)
    Console().print(sheet)
