"""Packets in a stream of bytes: with their length before each (OSC 1.0), or between END bytes (SLIP, OSC 1.1)."""

from __future__ import annotations

from collections.abc import Iterator

from remapd.errors import FieldError, Told
from remapd.osc.decoding import MAX_PACKET_BYTES
from remapd.osc.wire import INT32

_END, _ESCAPE = b"\xc0", b"\xdb"
_ESCAPED_END, _ESCAPED_ESCAPE = b"\xdb\xdc", b"\xdb\xdd"
#: Twice the longest packet: each of its bytes may be escaped.
_MAX_SLIP_BYTES = 2 * MAX_PACKET_BYTES


class LengthFraming:
    """Each packet has its length before it, in four bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the packets that are complete with `data`.

        Raises
        ------
        FieldError
            At a length that no packet has: where the next one begins cannot be known then.
        """
        self._buffer += data
        at = 0
        while len(self._buffer) - at >= INT32.size:
            (size,) = INT32.unpack_from(self._buffer, at)
            if not 0 < size <= MAX_PACKET_BYTES:
                raise FieldError("frame", f"a length from 1 to {MAX_PACKET_BYTES}", size)
            if len(self._buffer) - at - INT32.size < size:
                break
            yield bytes(self._buffer[at + INT32.size : at + INT32.size + size])
            at += INT32.size + size
        del self._buffer[:at]

    @staticmethod
    def frame(packet: bytes) -> bytes:
        """Give a packet as it is sent."""
        return INT32.pack(len(packet)) + packet


class SlipFraming:
    """Packets lie between END bytes; what a packet has of these is escaped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._is_too_long = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the packets that are complete with `data`; one that is too long is left out."""
        *ended, rest = data.split(_END)
        for part in ended:
            packet = self._ended(part)
            if packet:
                yield packet
        self._append(rest)

    def _ended(self, part: bytes) -> bytes:
        self._append(part)
        packet = b"" if self._is_too_long else bytes(self._buffer)
        self._buffer.clear()
        self._is_too_long = False
        # An escape of the escape comes last, or what it gives could look like another escape.
        return packet.replace(_ESCAPED_END, _END).replace(_ESCAPED_ESCAPE, _ESCAPE)

    def _append(self, part: bytes) -> None:
        self._is_too_long |= len(self._buffer) + len(part) > _MAX_SLIP_BYTES
        if self._is_too_long:
            self._buffer.clear()
        else:
            self._buffer += part

    @staticmethod
    def frame(packet: bytes) -> bytes:
        """Give a packet as it is sent, with an END at both ends."""
        return _END + packet.replace(_ESCAPE, _ESCAPED_ESCAPE).replace(_END, _ESCAPED_END) + _END


Framing = LengthFraming | SlipFraming


def framing_of(first: int) -> Framing:
    """Framing of a stream whose first byte this is.

    A length begins with a zero, as no packet is that long; SLIP with an END, or with the packet itself.

    Raises
    ------
    FieldError
        If it is neither, such as a request of a browser.
    """
    if first == 0:
        return LengthFraming()
    if first in b"\xc0/#":
        return SlipFraming()
    raise FieldError("stream", "packets with their length before them, or in SLIP", Told(f"a first byte {first:#04x}"))
