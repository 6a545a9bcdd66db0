"""Handing packets to sockets: whole or not at all, never waiting, and with every loss counted.

A stream may take a part of a packet; the rest is kept and sent first. Until it is out, new packets are dropped, so that
what arrives is never out of step.
"""

from __future__ import annotations

from typing import Any

from remapd.dsp.kernel import compiled
from remapd.sinks.wire.native.layout import LATE_BINS, Framing
from remapd.sinks.wire.native.libc import AGAIN, INTERRUPTED, NO_BUFFERS, REFUSED, SEND_FLAGS, last_error, send

_DATAGRAM, _LENGTH, _SLIP = int(Framing.DATAGRAM), int(Framing.LENGTH), int(Framing.SLIP)
_END, _ESCAPE, _ESCAPED_END, _ESCAPED_ESCAPE = 0xC0, 0xDB, 0xDC, 0xDD
#: Times that a send is tried anew: after a signal, or after an earlier datagram was refused.
_TRIES = 2


@compiled
def send_packet(wire: Any, channel: Any, destination: Any, packet: Any, size: int) -> bool:
    """Send one packet in the destination's framing; whether the socket took it."""
    if destination.framing == _LENGTH:
        return _send_bytes(channel, destination, wire.frame, _with_length(packet, size, wire.frame))
    if destination.framing == _SLIP:
        return _send_bytes(channel, destination, wire.frame, _with_ends(packet, size, wire.frame))
    return _send_bytes(channel, destination, packet, size)


@compiled
def _with_length(packet: Any, size: int, frame: Any) -> int:
    for i in range(4):
        frame[i] = (size >> (24 - 8 * i)) & 0xFF
    for i in range(size):
        frame[4 + i] = packet[i]
    return size + 4


@compiled
def _with_ends(packet: Any, size: int, frame: Any) -> int:
    frame[0] = _END
    place = 1
    for i in range(size):
        byte = packet[i]
        if byte in (_END, _ESCAPE):
            frame[place] = _ESCAPE
            byte = _ESCAPED_END if byte == _END else _ESCAPED_ESCAPE
            place += 1
        frame[place] = byte
        place += 1
    frame[place] = _END
    return place + 1


@compiled
def _send_bytes(channel: Any, destination: Any, data: Any, size: int) -> bool:
    if destination.descriptor < 0 or channel.broken != 0:
        channel.unconnected += 1
        return False
    if not flush(channel, destination):
        if channel.broken == 0:
            channel.full += 1
        else:
            channel.unconnected += 1
        return False
    sent = hand_over(channel, destination, data.ctypes, size)
    if sent < 0:
        return False
    _keep_rest(channel, data, sent, size)
    channel.sent += 1
    return True


@compiled
def _keep_rest(channel: Any, data: Any, sent: int, size: int) -> None:
    channel.rest_start = 0
    channel.rest_end = size - sent
    for i in range(size - sent):
        channel.rest[i] = data[sent + i]


@compiled
def flush(channel: Any, destination: Any) -> bool:
    """Send what an earlier packet left; whether all of it is out."""
    left = channel.rest_end - channel.rest_start
    if left == 0:
        return True
    sent = _try(destination, channel.rest[channel.rest_start :].ctypes, left)
    if sent < 0:
        _note_error(channel, destination, last_error(), False)
        return False
    channel.rest_start += sent
    return channel.rest_start == channel.rest_end


@compiled
def hand_over(channel: Any, destination: Any, pointer: Any, size: int) -> int:
    """Give bytes to the socket; how many it took, or below 0 for none, which is then counted."""
    sent = _try(destination, pointer, size)
    if sent < 0 and last_error() == REFUSED and destination.framing == _DATAGRAM:
        channel.refused += 1  # That was said of an earlier one; nothing was sent yet.
        sent = _try(destination, pointer, size)
    if sent < 0:
        _note_error(channel, destination, last_error(), True)
    return sent


@compiled
def _try(destination: Any, pointer: Any, size: int) -> int:
    sent = -1
    for _ in range(_TRIES):
        sent = send(destination.descriptor, pointer, size, SEND_FLAGS)
        if sent >= 0 or last_error() != INTERRUPTED:
            break
    return sent


@compiled
def _note_error(channel: Any, destination: Any, error: int, is_packet: bool) -> None:
    lost = 1 if is_packet else 0
    if error in (AGAIN, NO_BUFFERS):
        channel.full += lost
        return
    channel.failed += lost
    channel.errno = error
    if destination.framing != _DATAGRAM:
        channel.broken = 1


@compiled
def note_delay(channel: Any, delay_ns: int) -> None:
    """Count how late the first packet of a hit was."""
    channel.late_us[min(LATE_BINS - 1, max(0, delay_ns // 1000))] += 1
    channel.late_ns_max = max(channel.late_ns_max, delay_ns)
