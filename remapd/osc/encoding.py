"""Packets in bytes, for what we send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from remapd.errors import FieldError, Told
from remapd.osc.arguments import Argument, Char, Impulse, MidiMessage, Rgba, Symbol
from remapd.osc.timetag import IMMEDIATELY, TimeTag
from remapd.osc.wire import BUNDLE, DOUBLE, FLOAT, INT32, INT64, is_plain

_INT32_MAX, _INT64_MAX = 2**31 - 1, 2**63 - 1


def encode(address: str, arguments: Iterable[Argument] = ()) -> bytes:
    """Message in bytes; the types follow from those of the arguments (see `Argument`).

    A number that does not fit 32 bits is sent in 64.

    Raises
    ------
    FieldError
        If the address or an argument has no form in OSC.
    """
    if address[:1] != "/" or not is_plain(address):
        raise FieldError("address", "/ and printable ASCII characters", address)
    types, content = _encoded(arguments)
    return _padded(address) + _padded("," + types) + content


def encode_bundle(packets: Sequence[bytes], time_tag: TimeTag = IMMEDIATELY) -> bytes:
    """Bundle of encoded packets in bytes."""
    elements = b"".join(INT32.pack(len(packet)) + packet for packet in packets)
    return BUNDLE + time_tag.to_bytes(8) + elements


def _encoded(arguments: Iterable[Argument]) -> tuple[str, bytes]:
    """Types and content of arguments."""
    types, content = "", b""
    for argument in arguments:
        kind, data = _encoded_argument(argument)
        types, content = types + kind, content + data
    return types, content


def _encoded_argument(argument: Any) -> tuple[str, bytes]:
    encoder = _ENCODERS.get(type(argument))
    if encoder is None:
        raise FieldError("argument", "a type that OSC has", argument)
    return encoder(argument)


def _encoded_bool(value: bool) -> tuple[str, bytes]:
    return "T" if value else "F", b""


def _encoded_int(value: int) -> tuple[str, bytes]:
    if -_INT32_MAX - 1 <= value <= _INT32_MAX:
        return "i", INT32.pack(value)
    if -_INT64_MAX - 1 <= value <= _INT64_MAX:
        return "h", INT64.pack(value)
    raise FieldError("argument", "a whole number of at most 64 bits", Told(f"one of {value.bit_length()}"))


def _encoded_float(value: float) -> tuple[str, bytes]:
    try:
        return "f", FLOAT.pack(value)
    except OverflowError:
        return "d", DOUBLE.pack(value)


def _encoded_blob(value: bytes) -> tuple[str, bytes]:
    return "b", INT32.pack(len(value)) + value + bytes(-len(value) % 4)


def _encoded_char(value: Char) -> tuple[str, bytes]:
    if len(value) != 1 or not value.isascii():
        raise FieldError("argument", "one ASCII character", value)
    return "c", INT32.pack(ord(value))


def _encoded_array(value: Sequence[Argument]) -> tuple[str, bytes]:
    types, content = _encoded(value)
    return f"[{types}]", content


def _padded(text: str) -> bytes:
    """Text with one to four zeros behind it, to a multiple of four bytes."""
    data = text.encode()
    if 0 in data:
        raise FieldError("string", "no zero byte", text)
    return data + bytes(4 - len(data) % 4)


_ENCODERS: dict[type, Callable[[Any], tuple[str, bytes]]] = {
    bool: _encoded_bool,
    TimeTag: lambda value: ("t", value.to_bytes(8)),
    int: _encoded_int,
    float: _encoded_float,
    Symbol: lambda value: ("S", _padded(value)),
    Char: _encoded_char,
    str: lambda value: ("s", _padded(value)),
    bytes: _encoded_blob,
    type(None): lambda value: ("N", b""),
    Impulse: lambda value: ("I", b""),
    Rgba: lambda value: ("r", bytes(value)),
    MidiMessage: lambda value: ("m", bytes(value)),
    list: _encoded_array,
    tuple: _encoded_array,
}
