"""Packets as lines of text, for people and for pipes: each message in one line, whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from remapd.osc.arguments import Argument, Impulse, MidiMessage, Rgba
from remapd.osc.decoding import Message, decode
from remapd.osc.timetag import IMMEDIATELY, TimeTag
from remapd.osc.wire import BUNDLE, INT32

#: Bytes of a blob that are shown.
_SHOWN_BYTES = 32


class Tagged(NamedTuple):
    """A message of a packet.

    Parameters
    ----------
    message : Message
        Its address and arguments.
    types : str
        The types of these, with the comma before them.
    time_tag : TimeTag or None
        That of the bundle in which it is, if it is in one.
    """

    message: Message
    types: str
    time_tag: TimeTag | None


def tagged_messages(data: bytes) -> list[Tagged]:
    """Messages of a packet in their order.

    Raises
    ------
    FieldError
        If these bytes are none.
    """
    decode(data)
    return list(_walk(data, None))


def line_of(tagged: Tagged, arrived_s: float) -> str:
    """One message as text: how far ahead its time tag is, address, types and arguments.

    Parameters
    ----------
    tagged : Tagged
        The message.
    arrived_s : float
        When it came, as `time.time` has it.
    """
    texts = map(_text, tagged.message.arguments)
    return " ".join([_ahead(tagged.time_tag, arrived_s), tagged.message.address, tagged.types, *texts])


def _walk(data: bytes, time_tag: TimeTag | None) -> Iterator[Tagged]:
    """Messages of bytes that are known to be a packet."""
    if not data.startswith(BUNDLE):
        message = decode(data)
        assert isinstance(message, Message)
        yield Tagged(message, _types(data), time_tag)
        return
    at = len(BUNDLE) + 8
    own = TimeTag(int.from_bytes(data[len(BUNDLE) : at]))
    while at < len(data):
        (size,) = INT32.unpack_from(data, at)
        at += INT32.size + size
        yield from _walk(data[at - size : at], own)


def _types(data: bytes) -> str:
    """Types of a message; only the comma where an old sender left them out."""
    start = (data.index(0) // 4 + 1) * 4
    return data[start : data.index(0, start)].decode() if start < len(data) else ","


def _ahead(time_tag: TimeTag | None, arrived_s: float) -> str:
    if time_tag is None:
        return "-"
    return "now" if time_tag <= IMMEDIATELY else f"{1e3 * (time_tag.time_s - arrived_s):+.3f}ms"


def _text(value: Argument) -> str:
    """An argument without blanks, but for those in the quotes of a text."""
    match value:
        case bool():
            return "true" if value else "false"
        case TimeTag():
            return f"{int(value):#018x}"
        case float():
            return f"{value:.7g}"
        case str():
            return json.dumps(str(value))
        case bytes():
            return f"blob[{len(value)}]:{value[:_SHOWN_BYTES].hex()}{'...' if len(value) > _SHOWN_BYTES else ''}"
        case Rgba():
            return f"#{bytes(value).hex()}"
        case MidiMessage():
            return f"midi:{bytes(value).hex()}"
        case tuple() | list():
            return f"[{','.join(map(_text, value))}]"
        case Impulse():
            return "impulse"
        case None:
            return "nil"
    return str(value)
