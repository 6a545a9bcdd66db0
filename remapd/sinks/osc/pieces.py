"""The arguments of one message on one track, as they lie in a packet: their types, their bytes, and the patches."""

from __future__ import annotations

import functools
import math
import struct
from dataclasses import dataclass
from typing import NamedTuple

from remapd.osc.encoding import encode
from remapd.parameters import Parameter, ParameterTable
from remapd.sinks.osc.words import control_name
from remapd.sinks.sources import SCALED_NAMES, SourceRef
from remapd.sinks.wire.packet import Field, Patch, Source
from remapd.synth.base import Synth


class NumberType(NamedTuple):
    """How a number is sent.

    Parameters
    ----------
    field : Field
        Its form in a packet.
    tag : str
        Its type in OSC.
    form : struct.Struct
        Its bytes.
    """

    field: Field
    tag: str
    form: struct.Struct


#: Types of numbers by the name that documents have for them.
NUMBER_TYPES = {
    "int": NumberType(Field.INT32, "i", struct.Struct(">i")),
    "float": NumberType(Field.FLOAT32, "f", struct.Struct(">f")),
    "long": NumberType(Field.INT64, "h", struct.Struct(">q")),
    "double": NumberType(Field.FLOAT64, "d", struct.Struct(">d")),
}


_WHOLE = (Field.INT32, Field.INT64)


class Piece(NamedTuple):
    """One argument in a packet.

    Parameters
    ----------
    tag : str
        Its type.
    data : bytes
        Its bytes; zeros where a patch goes.
    patch : Patch or None
        Its number, with a position relative to `data`.
    source : str
        Name of its source, or empty for a constant.
    """

    tag: str
    data: bytes
    patch: Patch | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a message is sent.

    Parameters
    ----------
    track : int
        From 1.
    synth : Synth
        Which the track plays.
    at : int, optional
        Which parameter or feature it is about, where it is sent for each.
    """

    track: int
    synth: Synth
    at: int = 0

    def words(self) -> dict[str, str]:
        """What stands for words in braces."""
        names = self.synth.table.names
        parameter = names[self.at] if self.at < len(names) else ""
        return {
            "track": str(self.track),
            "synth": self.synth.name,
            "parameter": parameter,
            "control": control_name(parameter),
            "feature": SCALED_NAMES[self.at] if self.at < len(SCALED_NAMES) else "",
        }


@functools.lru_cache(maxsize=4096)
def constant(value: float | str, kind: str = "") -> Piece:
    """Argument that never changes: a text, or a number of a type.

    Without a type, a whole number is sent as one, whichever way it was written.
    """
    if isinstance(value, str):
        return Piece("s", encode("/", (value,))[8:])
    number_type = NUMBER_TYPES[kind or _type_of(value)]
    return Piece(number_type.tag, number_type.form.pack(round(value) if number_type.field in _WHOLE else value))


@functools.lru_cache(maxsize=4096)
def number(
    source: SourceRef, kind: str, table: ParameterTable, scale: float = 1.0, offset: float = 0.0, modulo: int = 0
) -> Piece | None:
    """Argument that is ``offset + scale * source``; None if a synthesiser with this table lacks it."""
    index = source.resolve(table)
    if index is None:
        return None
    field, tag, form = NUMBER_TYPES[kind]
    log_of = 0.0
    if source.as_position:
        inner_scale, inner_offset, log_of = _along_curve(source.parameter(table))
        scale, offset = scale * inner_scale, offset + scale * inner_offset
    patch = Patch(0, field, source.kind, index, scale, offset, log_of, modulo)
    return Piece(tag, bytes(form.size), patch, source.text)


def natural_type(source: SourceRef) -> str:
    """Type of a source unless another is asked for."""
    if source.kind in (Source.TRACK, Source.HIT):
        return "int"
    # A float cannot tell milliseconds apart after a few hours.
    return "double" if source.kind in (Source.ONSET_S, Source.TRIGGER_S) else "float"


def _along_curve(parameter: Parameter) -> tuple[float, float, float]:
    """Scale, offset and `Patch.log_of` that make a value its position 0..1."""
    if parameter.curve == "log":
        return 1.0 / math.log(parameter.maximum / parameter.minimum), 0.0, parameter.minimum
    span = parameter.maximum - parameter.minimum
    return 1.0 / span, -parameter.minimum / span, 0.0


def _type_of(value: float) -> str:
    if value != round(value):
        return "float"
    return "int" if abs(value) < 2**31 else "long"
