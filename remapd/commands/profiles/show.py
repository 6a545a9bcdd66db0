"""``remapd profiles show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import click

from remapd.commands._shared import console_for_pipes
from remapd.commands.midi.text import address_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.table import Table

    from remapd.sinks.profiles.profile import Instrument, Mapping, Profile


@click.command("show")
@click.argument("name", metavar="NAME|FILE")
@click.argument("instrument", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the tables.")
@click.option("--toml", "as_text", is_flag=True, help="The file itself: what to begin with for one of your own.")
@click.option("--sink", "as_sink", is_flag=True, help="The MIDI sink that it stands for, as JSON.")
def show(name: str, instrument: str | None, as_json: bool, as_text: bool, as_sink: bool) -> None:
    """Show a profile: its drums, what to set on the device, and what of a hit moves what.

    With an INSTRUMENT, all that moves its sound. To write a profile of your own, begin with the file of one that is
    near (`--toml`), put it where `remapd profiles list` says, and let `remapd profiles verify` check it.
    """
    from remapd.sinks.profiles.library import find_profile, load_profile
    from remapd.sinks.profiles.sinks import sinks_from_profile

    path = find_profile(name)
    profile = load_profile(path)
    chosen = profile.instrument(instrument) if instrument else None
    if as_text:
        click.echo(path.read_text("utf-8-sig"), nl=False)
    elif as_sink:
        click.echo(json.dumps(sinks_from_profile(profile, instrument or ""), indent=2))
    elif as_json:
        click.echo(json.dumps({"path": str(path), **profile.describe()}, indent=2))
    else:
        console = console_for_pipes()
        for table in _of_instrument(profile, chosen) if chosen else _overview(profile, str(path)):
            console.print(table)
            console.print()


def _overview(profile: Profile, path: str) -> Iterator[Table]:
    yield _table(profile.title, ("", ""), _general(profile, path))
    yield _table("Drums", ("name", "drum", "channel", "note", "nearest to"), _drums(profile))
    if profile.mappings:
        yield _table(_MOVES, ("synth", "moves", "of", "by", "from", "to"), _moves(profile))


_MOVES = "What of a hit moves what"


def _of_instrument(profile: Profile, instrument: Instrument) -> Iterator[Table]:
    title = f"{profile.title}: {instrument.name}, {instrument.title or 'drum'}"
    place = f"note {instrument.note} on channel {instrument.channel}"
    columns = ("control", "sent as", "from", "to", "what you hear")
    yield _table(f"{title} ({place})", columns, _controls(instrument))
    moves = list(_moves(profile, instrument))
    if moves:
        yield _table(_MOVES, ("synth", "moves", "by", "from", "to"), moves)


def _general(profile: Profile, path: str) -> Iterator[tuple[str, str]]:
    yield "profile", profile.name
    yield "file", path
    for source in profile.sources:
        yield "written from", source
    yield "licence", profile.licence
    if profile.attribution:
        yield "attribution", profile.attribution
    yield from (("", ""), *(("note", item) for item in _items(profile.notes))) if profile.notes else ()


def _items(notes: str) -> Iterator[str]:
    """Items that begin with a hyphen, each in one line; what has none is one item."""
    for item in f"\n{notes}".split("\n- "):
        if line := " ".join(item.split()):
            yield line


def _drums(profile: Profile) -> Iterator[tuple[str, ...]]:
    for one in profile.instruments:
        yield one.name, one.title, str(one.channel), str(one.note), ", ".join(one.synths)


def _controls(instrument: Instrument) -> Iterator[tuple[str, ...]]:
    for control in instrument.controls:
        yield (
            control.name,
            address_text(control.kind, control.number),
            str(control.minimum),
            str(control.maximum),
            (control.sounds),
        )


def _moves(profile: Profile, instrument: Instrument | None = None) -> Iterator[tuple[str, ...]]:
    """Lines by synthesiser, those for all others last."""
    from remapd.synth.registry import SYNTHS

    lines = [line for line in profile.mappings if instrument is None or line.holds_for(instrument)]
    special = {line.control for line in lines if line.synths}
    for synth in (*SYNTHS, ""):
        for line in lines:
            if synth in line.synths or not (synth or line.synths):
                of = () if instrument is not None else (", ".join(line.instruments) or "all",)
                plays = synth or ("anything else" if line.control in special else "anything")
                yield plays, line.control, *of, *_follows(line)


def _follows(line: Mapping) -> tuple[str, str, str]:
    """What a control follows, and from where to where."""
    from remapd.sinks.sources import parse_source

    source, settings = parse_source(line.source), dict(line.settings)
    low, high = source.range()
    ends = [settings.get("source_minimum", low), settings.get("source_maximum", high)]
    unit = source.parameter().unit if line.source.startswith(("values.", "features.")) else ""
    unit = "" if unit == "ratio" else unit
    first, last = (f"{end:g} {unit}".strip() for end in (reversed(ends) if settings.get("invert") else ends))
    return line.source.partition(".")[2] or line.source, first, last


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", show_header=any(columns), box=None, padding=(0, 2, 0, 0))
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in _NUMBERS else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column in _WHOLE)
    for row in rows:
        # As text: a name in a file may look like markup.
        table.add_row(*(Text(cell) for cell in row))
    return table


_NUMBERS = ("channel", "note", "from", "to")
#: Columns of names, which are not broken.
_WHOLE = ("control", "moves", "by")
