"""From a sink to packets: everything that does not depend on the hit is put in place once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from remapd.errors import FieldError, Told
from remapd.osc.encoding import encode, encode_bundle
from remapd.osc.wire import BUNDLE, INT32
from remapd.sinks.osc.messages import Message
from remapd.sinks.osc.sink import OscSink
from remapd.sinks.wire.packet import MAX_PACKET_BYTES, Field, Packet, Patch, Source
from remapd.synth.base import Synth

MAX_ADDRESS_LENGTH = 255
#: Most messages of one hit.
MAX_MESSAGES = 256

#: SuperCollider's groups of everybody: the root, and the one in which the language plays unless told otherwise.
_SHARED_GROUPS = (0, 1)
#: The beginning of a bundle, and its time tag.
_BUNDLE_HEAD_BYTES = len(BUNDLE) + 8


def messages(sink: OscSink, track: int, synth: Synth) -> list[Message]:
    """Give what a sink sends for a hit of a track, from 1, that plays a synthesiser.

    Raises
    ------
    FieldError
        If that is more than a packet may have.
    """
    taken, size = [], _BUNDLE_HEAD_BYTES
    for message in _all_messages(sink, track, synth):
        taken.append(message)
        size += INT32.size + _checked_size(message)
        if len(taken) > MAX_MESSAGES:
            raise FieldError("messages", f"at most {MAX_MESSAGES} for a hit", Told(f"more with {synth.name}"))
        if size > MAX_PACKET_BYTES:
            raise FieldError("messages", f"at most {MAX_PACKET_BYTES} bytes for a hit", Told(f"more with {synth.name}"))
    return taken


def _all_messages(sink: OscSink, track: int, synth: Synth) -> Iterator[Message]:
    """Messages of a sink; whoever has enough of them stops."""
    for template in sink.templates():
        yield from template.messages(track, synth)


def _checked_size(message: Message) -> int:
    if len(message.address) > MAX_ADDRESS_LENGTH:
        raise FieldError("messages", f"addresses of at most {MAX_ADDRESS_LENGTH} characters", message.address)
    return message.size


def packets(sink: OscSink, track: int, synth: Synth) -> tuple[Packet, ...]:
    """Packets of a sink for one track and one synthesiser, in the order in which they are sent.

    Parameters
    ----------
    sink : OscSink
        The sink.
    track : int
        From 1.
    synth : Synth
        Which the track plays.

    Raises
    ------
    FieldError
        If they have more than `MAX_PACKET_BYTES`, or too many messages.
    """
    single = [_packet(message) for message in messages(sink, track, synth)]
    needs_bundle = sink.latency_ms is not None or len(single) > 1
    return (_bundle(single, sink.latency_ms),) if single and needs_bundle and sink.bundle else tuple(single)


def silencing(sink: OscSink) -> tuple[bytes, ...]:
    """Packets that end what the hits of a sink have begun: SuperCollider's synths in a group of their own.

    In a group that others play in too nothing is ended: drums end by themselves, and pads of others are not ours.
    """
    if sink.form == "supercollider" and sink.group not in _SHARED_GROUPS:
        return (encode("/g_freeAll", (sink.group,)),)
    return ()


def _packet(message: Message) -> Packet:
    """One message as a packet."""
    # Address and types are both texts; as an argument, a text has a head of eight bytes.
    data = bytearray(encode(message.address)[: -INT32.size] + encode("/", (message.types,))[8:])
    patches = []
    for piece in message.pieces:
        if piece.patch is not None:
            patches.append(_moved(piece.patch, len(data)))
        data += piece.data
    return Packet(bytes(data), tuple(patches))


def _moved(patch: Patch, by: int) -> Patch:
    """Patch with its bytes further on."""
    p = patch
    return Patch(p.position + by, p.field, p.source, p.index, p.scale, p.offset, p.log_of, p.modulo)


def _bundle(parts: Iterable[Packet], latency_ms: float | None) -> Packet:
    """Packets as one, with a time tag so long after the onset, or that of no delay."""
    parts = list(parts)
    patches = [] if latency_ms is None else [_time_tag(latency_ms)]
    start = _BUNDLE_HEAD_BYTES
    for part in parts:
        start += INT32.size
        patches += [_moved(patch, start) for patch in part.patches]
        start += len(part.data)
    data = encode_bundle([part.data for part in parts])
    if latency_ms is not None:
        data = BUNDLE + bytes(_BUNDLE_HEAD_BYTES - len(BUNDLE)) + data[_BUNDLE_HEAD_BYTES:]
    return Packet(data, tuple(patches))


def _time_tag(latency_ms: float) -> Patch:
    return Patch(len(BUNDLE), Field.TIME_TAG, Source.ONSET_NTP_S, offset=1e-3 * latency_ms)
