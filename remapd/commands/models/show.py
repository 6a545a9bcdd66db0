"""``remapd models show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from remapd.commands._shared import console_for_pipes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.table import Table

    from remapd.mapping.bundle import Model


@click.command("show")
@click.argument("name", metavar="NAME|FILE")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the tables.")
@click.option("--markdown", is_flag=True, help="As Markdown, as the cards of the shipped models are.")
def show(name: str, as_json: bool, markdown: bool) -> None:
    """Show a model: what it is, how it was made, its features, network and preset."""
    from remapd.mapping.bundle import load_model
    from remapd.mapping.library import find_model

    path = find_model(name)
    model = load_model(path)
    if as_json:
        click.echo(json.dumps({"path": str(path), **model.describe()}, indent=2))
    elif markdown:
        from remapd.training.cards import card

        click.echo(card(model), nl=False)
    else:
        console = console_for_pipes()
        for table in tables(model, str(path)):
            console.print(table)
            console.print()


def tables(model: Model, path: str) -> Iterator[Table]:
    """Everything of a model but the weights."""
    from remapd.features.descriptors import FEATURES

    yield _table(model.name, ("", ""), _general(model, path))
    yield _table("Provenance", ("", ""), model.provenance.items())
    scaler = model.scaler
    heard = [FEATURES[name] for name in scaler.names]
    scaling = zip(heard, scaler.minimum, scaler.maximum, scaler.reference, strict=True)
    yield _table(
        "Features",
        ("feature", "unit", "becomes 0", "becomes 1", "reference hit"),
        ((p.name, p.unit, f"{low:g}", f"{high:g}", f"{centre:.3f}") for p, low, high, centre in scaling),
    )
    preset = model.preset
    values = zip(preset.table, preset.values, preset.damping, strict=True)
    yield _table(
        f"Preset {preset.name}",
        ("parameter", "value", "unit", "damping"),
        ((p.name, f"{value:g}", p.unit, f"{damping:g}") for p, value, damping in values),
    )


def _general(model: Model, path: str) -> Iterator[tuple[str, str]]:
    from remapd.commands.models.listing import network_text

    network, spec = model.network, model.features
    yield "file", path
    yield "description", model.description
    yield "licence", model.licence
    yield "synth", f"{model.synth}, at {model.sample_rate_hz:g} Hz in training, table {model.table.fingerprint}"
    yield "network", f"{network_text(network.kind, network.sizes)}, {network.parameter_count} weights and biases"
    yield "window", f"{spec.window_ms:.2f} ms, {spec.pre_roll_ms:.2f} ms of it before the onset"
    yield "bandwidth", f"{spec.bandwidth_hz:g} Hz"


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", show_header=any(columns), box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    for row in rows:
        # As text: a name in a file may look like markup.
        table.add_row(*(Text(cell) for cell in row))
    return table


_NUMBERS = ("value", "damping", "becomes 0", "becomes 1", "reference hit")
