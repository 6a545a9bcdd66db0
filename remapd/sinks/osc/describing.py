"""What a sink sends, in words: derived from its templates and the tables that declare the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from remapd.osc.decoding import Message as Decoded
from remapd.osc.decoding import decode
from remapd.osc.encoding import encode
from remapd.parameters import ParameterTable
from remapd.sinks.osc.packets import messages, packets
from remapd.sinks.osc.pieces import Piece
from remapd.sinks.osc.sink import OscSink
from remapd.sinks.sources import parse_source
from remapd.sinks.wire.packet import Patch, Source
from remapd.synth.base import Synth


class ArgumentText(NamedTuple):
    """An argument in words.

    Parameters
    ----------
    tag : str
        Its type in OSC.
    source : str
        The name of its source, empty for a constant.
    constant : object
        Its value, None for a number of the hit.
    unit : str
        Unit of the number.
    minimum, maximum : float or None
        Range of the number as it is sent.
    description : str
        What it is.
    """

    tag: str
    source: str
    constant: object
    unit: str
    minimum: float | None
    maximum: float | None
    description: str


class MessageText(NamedTuple):
    """A message in words."""

    address: str
    types: str
    arguments: tuple[ArgumentText, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {
            "address": self.address,
            "types": self.types,
            "arguments": [argument._asdict() for argument in self.arguments],
        }


def describe(sink: OscSink, track: int, synth: Synth) -> tuple[MessageText, ...]:
    """What a sink sends for a hit of a track, from 1, that plays a synthesiser."""
    return tuple(_messages(sink, track, synth))


def packet_sizes(sink: OscSink, track: int, synth: Synth) -> list[int]:
    """Bytes of each packet of a hit."""
    return [len(packet.data) for packet in packets(sink, track, synth)]


def _messages(sink: OscSink, track: int, synth: Synth) -> Iterator[MessageText]:
    for message in messages(sink, track, synth):
        arguments = tuple(_argument(piece, synth.table) for piece in message.pieces)
        yield MessageText(message.address, message.types, arguments)


def _argument(piece: Piece, table: ParameterTable) -> ArgumentText:
    if piece.patch is None:
        return ArgumentText(piece.tag, "", _value(piece), "", None, None, "Always the same.")
    source = parse_source(piece.source)
    parameter = source.parameter(table)
    raw = source.range(table) if not source.as_position else (parameter.minimum, parameter.maximum)
    # The last digits of a scaled number are noise.
    ends = sorted(round(_sent(piece.patch, end), 9) + 0.0 for end in raw)
    # A position or a scaled feature is a number of its own kind, whatever the unit of what it is a part of.
    is_plain = source.as_position or source.kind in (Source.SCALED, Source.MODULATION)
    return ArgumentText(
        piece.tag, piece.source, None, "" if is_plain else parameter.unit, ends[0], ends[1], parameter.description
    )


def _value(piece: Piece) -> object:
    """Value of a constant."""
    message = decode(encode("/")[:-4] + ("," + piece.tag).encode().ljust(4, b"\0") + piece.data)
    assert isinstance(message, Decoded)
    return message.arguments[0]


def _sent(patch: Patch, x: float) -> float:
    """What becomes of an end of a range."""
    if patch.modulo > 0:
        x = min(x, patch.modulo - 1.0)
    if patch.log_of > 0.0:
        x = math.log(max(x, patch.log_of) / patch.log_of)
    return patch.offset + patch.scale * x
