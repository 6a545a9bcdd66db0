"""``remapd models list``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the list.")
def list_command(as_json: bool) -> None:
    """List the models that can be named, one a line; one that is damaged is listed with the reason.

    Each with its synth, preset, network (sizes of its layers), the recipe it was made by, licence and file.
    """
    from remapd.mapping.library import list_models

    rows = [_row(name, path) for name, path in list_models().items()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for line in list_lines(rows):
        click.echo(line)


def list_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Format rows as lines of text, in columns where a model is whole."""
    columns = [[str(row[key]) for key in _COLUMNS] for row in rows if "error" not in row]
    widths = [max(len(cell) for cell in column) for column in zip(*columns, strict=True)]
    lines = []
    for row in rows:
        if "error" in row:
            lines.append(f"{row['name']}  damaged: {row['error']}")
        else:
            cells = (f"{row[key]!s:{width}}" for key, width in zip(_COLUMNS, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
    return lines or ["There are no models."]


_COLUMNS = ("name", "synth", "preset", "network", "recipe", "licence", "path")


def _row(name: str, path: Path) -> dict[str, Any]:
    from remapd.errors import RemapdError
    from remapd.mapping.bundle import load_model

    try:
        model = load_model(path)
    except RemapdError as error:
        return {"name": name, "path": str(path), "error": str(error)}
    return {
        "name": name,
        "synth": model.synth,
        "preset": model.preset.name,
        "network": network_text(model.network.kind, model.network.sizes),
        "recipe": model.provenance.get("recipe") or model.provenance.get("method", "unknown"),
        "licence": model.licence,
        "path": str(path),
    }


def network_text(kind: str, sizes: tuple[int, ...] | list[int]) -> str:
    """Kind and sizes of a network in a word or two."""
    return f"{kind} {'-'.join(str(size) for size in sizes)}"
