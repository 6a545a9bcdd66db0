"""Packets from bytes. Any bytes either are a packet or raise `FieldError`; work, depth and size are bounded."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from remapd.errors import FieldError, Told
from remapd.osc.arguments import IMPULSE, Argument, Char, MidiMessage, Rgba, Symbol
from remapd.osc.timetag import TimeTag
from remapd.osc.wire import BUNDLE, DOUBLE, FLOAT, INT32, INT64, is_plain

#: Largest packet: no UDP packet is longer.
MAX_PACKET_BYTES = 65_535
MAX_ADDRESS_LENGTH = 255
#: Bundles in bundles, and arrays in arrays.
MAX_DEPTH = 8
#: Messages and bundles in one packet, and arguments of one message: what a millisecond or two can take in.
MAX_ELEMENTS = 1024
MAX_ARGUMENTS = 256

_BYTES = struct.Struct(">4B")


@dataclass(frozen=True, slots=True)
class Message:
    """An address, or a pattern of addresses, and arguments."""

    address: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Packets that belong together, and when they are meant."""

    time_tag: TimeTag
    elements: tuple[Packet, ...]


Packet = Message | Bundle


def decode(data: bytes) -> Packet:
    """Packet that these bytes are.

    Raises
    ------
    FieldError
        If they are none, or one that is too long or too deep.
    """
    if len(data) > MAX_PACKET_BYTES:
        raise FieldError("packet", f"at most {MAX_PACKET_BYTES} bytes", Told(f"{len(data)}"))
    return _Elements().decode(data, MAX_DEPTH)


class _Elements:
    """Decodes the elements of one packet and counts them."""

    def __init__(self) -> None:
        self._count = 0

    def decode(self, data: bytes, depth: int) -> Packet:
        """Element, in which there may be bundles `depth` deep."""
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise FieldError("packet", f"at most {MAX_ELEMENTS} messages and bundles", Told("more"))
        if len(data) % 4 or not data:
            raise FieldError("packet", "a length that is a multiple of 4, and not 0", Told(f"{len(data)} bytes"))
        return self._bundle(data, depth) if data.startswith(BUNDLE) else _decode_message(data)

    def _bundle(self, data: bytes, depth: int) -> Bundle:
        if depth == 0:
            raise FieldError("bundle", f"at most {MAX_DEPTH} bundles in one another", Told("more"))
        elements = []
        time_tag, at = _time_tag(data, len(BUNDLE))
        while at < len(data):
            (size,), at = INT32.unpack_from(data, at), at + 4
            if not 0 < size <= len(data) - at:
                raise FieldError("bundle.element", f"1 to {len(data) - at} bytes, which is what follows", size)
            elements.append(self.decode(data[at : at + size], depth - 1))
            at += size
        return Bundle(time_tag, tuple(elements))


def _decode_message(data: bytes) -> Message:
    address, at = _text(data, 0, "address")
    if address[:1] != "/" or len(address) > MAX_ADDRESS_LENGTH or not is_plain(address):
        raise FieldError("address", f"/ and up to {MAX_ADDRESS_LENGTH - 1} printable ASCII characters", address)
    if at == len(data):
        return Message(address)  # Old senders leave the types out where there are no arguments.
    types, at = _text(data, at, "types")
    if types[:1] != ",":
        raise FieldError("types", "a text that begins with a comma", types)
    if len(types) > MAX_ARGUMENTS + 1:
        raise FieldError("types", f"at most {MAX_ARGUMENTS} arguments", Told(f"{len(types) - 1}"))
    if "[" in types or "]" in types:
        return Message(address, _arrays(data, at, types))
    arguments = []
    for kind in types[1:]:
        argument, at = _argument(kind, data, at)
        arguments.append(argument)
    return Message(address, tuple(arguments))


def _arrays(data: bytes, at: int, types: str) -> tuple[Argument, ...]:
    """Arguments of a message with arrays."""
    open_arrays: list[list[Argument]] = [[]]
    for kind in types[1:]:
        if kind == "[" and len(open_arrays) <= MAX_DEPTH:
            open_arrays.append([])
        elif kind == "]" and len(open_arrays) > 1:
            inner = open_arrays.pop()
            open_arrays[-1].append(tuple(inner))
        elif kind in "[]":
            raise FieldError("types", f"arrays that match, at most {MAX_DEPTH} in one another", types)
        else:
            argument, at = _argument(kind, data, at)
            open_arrays[-1].append(argument)
    if len(open_arrays) > 1:
        raise FieldError("types", "a ] for each [", types)
    return tuple(open_arrays[0])


def _argument(kind: str, data: bytes, at: int) -> tuple[Argument, int]:
    reader = _READERS.get(kind)
    if reader is None:
        raise FieldError("types", f"of {''.join(_READERS)}[]", kind)
    try:
        return reader(data, at)
    except struct.error:
        raise FieldError("arguments", f"as many bytes as the type {kind} has", Told("a packet that ends")) from None


def _text(data: bytes, at: int, field: str = "string") -> tuple[str, int]:
    """Text up to its zero, and where the next thing begins."""
    end = data.find(0, at)
    if end < 0:
        raise FieldError(field, "a text that ends with a zero byte", Told("none"))
    try:
        return data[at:end].decode(), (end // 4 + 1) * 4
    except UnicodeDecodeError:
        raise FieldError(field, "UTF-8", Told("other bytes")) from None


def _blob(data: bytes, at: int) -> tuple[bytes, int]:
    (size,), at = INT32.unpack_from(data, at), at + 4
    if not 0 <= size <= len(data) - at:
        raise FieldError("blob", f"0 to {len(data) - at} bytes, which is what follows", size)
    return data[at : at + size], at + size + -size % 4


def _char(data: bytes, at: int) -> tuple[Char, int]:
    (code,) = INT32.unpack_from(data, at)
    if not 0 <= code < 128:
        raise FieldError("char", "an ASCII character", code)
    return Char(chr(code)), at + 4


def _time_tag(data: bytes, at: int) -> tuple[TimeTag, int]:
    if len(data) < at + 8:
        raise FieldError("time tag", "8 bytes", Told("a packet that ends"))
    return TimeTag(int.from_bytes(data[at : at + 8])), at + 8


_Reader = Callable[[bytes, int], tuple[Argument, int]]


def _number(form: struct.Struct) -> _Reader:
    unpack, size = form.unpack_from, form.size
    return lambda data, at: (unpack(data, at)[0], at + size)


def _constant(value: Argument) -> _Reader:
    return lambda data, at: (value, at)


def _symbol(data: bytes, at: int) -> tuple[Symbol, int]:
    text, at = _text(data, at)
    return Symbol(text), at


_READERS: dict[str, _Reader] = {
    "i": _number(INT32),
    "f": _number(FLOAT),
    "d": _number(DOUBLE),
    "h": _number(INT64),
    "s": _text,
    "S": _symbol,
    "b": _blob,
    "T": _constant(True),
    "F": _constant(False),
    "N": _constant(None),
    "I": _constant(IMPULSE),
    "t": _time_tag,
    "r": lambda data, at: (Rgba(*_BYTES.unpack_from(data, at)), at + 4),
    "c": _char,
    "m": lambda data, at: (MidiMessage(*_BYTES.unpack_from(data, at)), at + 4),
}
