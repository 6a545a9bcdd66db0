"""``remapd osc forms``: what OSC sinks send, from the tables that the sender uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO

import click

if TYPE_CHECKING:
    from remapd.sinks.osc.describing import ArgumentText, MessageText
    from remapd.sinks.osc.sink import OscSink

#: Longest packet that travels over an Ethernet in one piece.
_WHOLE_BYTES = 1472


@click.command("forms")
@click.argument("form", required=False)
@click.option("--track", default=1, show_default=True, type=click.IntRange(1), help="Track on which it is sent.")
@click.option("--synth", default="snare808", show_default=True, help="Synthesiser that the track plays.")
@click.option("--values", default="units", show_default=True, help="units, or unit: 0 to 1 along each curve.")
@click.option("--sink", "file", type=click.File("rb"), help="JSON file with a sink of your own, to check and show.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the text.")
def forms(form: str | None, track: int, synth: str, values: str, file: BinaryIO | None, as_json: bool) -> None:
    """Show the messages of each FORM: addresses, types, and what every argument means.

    All but custom are shown if none is named. What they are made of, which custom messages may be too, is in --json.
    """
    from remapd.sinks.osc.describing import describe
    from remapd.sinks.sources import SINGLE
    from remapd.synth.registry import get_synth

    chosen, number = get_synth(synth, "--synth"), int(SINGLE["track"].check(track, "--track"))
    sinks = [_from_file(file)] if file is not None else _ready_made(form, values)
    if as_json:
        rows = [_as_dict(sink, describe(sink, number, chosen)) for sink in sinks]
        click.echo(json.dumps(rows, indent=2))
        return
    for sink in sinks:
        click.echo("\n".join(_lines(sink, number, synth)))


def _ready_made(form: str | None, values: str) -> list[OscSink]:
    from remapd.fields import checked_choice
    from remapd.sinks.osc.document import parse_osc_sink
    from remapd.sinks.osc.forms import FORMS

    known = [name for name in FORMS if name != "custom"]
    wanted = known if form is None else [checked_choice(form, "form", known)]
    return [parse_osc_sink({"kind": "osc", "form": name, "values": values}) for name in wanted]


def _from_file(file: BinaryIO) -> OscSink:
    from remapd.errors import ConfigError
    from remapd.fields import parsed_json
    from remapd.sinks.osc.document import parse_osc_sink

    try:
        return parse_osc_sink(parsed_json(file.read(1 << 20)))
    except ValueError as error:
        raise ConfigError(f"{file.name}: {error}") from None


def _lines(sink: OscSink, track: int, synth: str) -> list[str]:
    from remapd.sinks.osc.describing import describe, packet_sizes
    from remapd.sinks.osc.forms import FORMS
    from remapd.synth.registry import get_synth

    chosen = get_synth(synth)
    sizes = packet_sizes(sink, track, chosen)
    lines = [f"{sink.form}: {FORMS[sink.form].description}", f"  {_packet_text(sizes)}"]
    for message in describe(sink, track, chosen):
        lines += [f"  {message.address} {message.types}"]
        lines += [f"    {at:3} {_argument_text(argument)}" for at, argument in enumerate(message.arguments, 1)]
    return [*lines, ""]


def _packet_text(sizes: list[int]) -> str:
    text = " + ".join(f"{size} bytes" for size in sizes) or "nothing, as the synthesiser has none of the parameters"
    long = f"; more than {_WHOLE_BYTES} travel in pieces over a network" if max(sizes, default=0) > _WHOLE_BYTES else ""
    return f"{text} for a hit{long}"


def _argument_text(argument: ArgumentText) -> str:
    if not argument.source:
        return f"{argument.tag} {json.dumps(argument.constant)}"
    reach = f"{argument.minimum:.10g} to {argument.maximum:.10g} {argument.unit}".rstrip()
    return f"{argument.tag} {argument.source:26} {reach:24} {argument.description}"


def _as_dict(sink: OscSink, described: tuple[MessageText, ...]) -> dict[str, Any]:
    return {
        "sink": sink.document(),
        "templates": [template.document() for template in sink.templates()],
        "messages": [message.as_dict() for message in described],
    }
