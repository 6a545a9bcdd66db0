"""One OSC sink as the engine process has it: its document, the way to its receiver, its packets, what is told of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from remapd.engine.layout import MAX_TRACKS
from remapd.engine_process.osc_link import Address, OscLink
from remapd.errors import FieldError
from remapd.sinks.document import OscSink
from remapd.sinks.osc.packets import packets, silencing
from remapd.sinks.velocity import STRAIGHT
from remapd.sinks.wire.counts import Counts
from remapd.sinks.wire.packet import Packet
from remapd.sinks.wire.plan import Destination, Routes
from remapd.synth.registry import SYNTHS

_COUNTS = ("hits", "full", "failed", "unconnected", "stale", "lost")


class SinkPackets:
    """Packets of a sink by track and synth, made when they are needed and kept while they are the same.

    Parameters
    ----------
    sink : OscSink
        Whose.
    """

    def __init__(self, sink: OscSink) -> None:
        self._key = _what_packets_say(sink)
        self._sink = sink
        self._made: dict[tuple[int, str], tuple[Packet, ...]] = {}
        self.routes = Routes({})

    def serve(self, sink: OscSink) -> bool:
        """Whether they are those of this sink too, which differs at most in where it sends to and what it hears."""
        return self._key == _what_packets_say(sink)

    def make(self, tracks: Iterable[int]) -> None:
        """Have those of these tracks, from 0.

        Raises
        ------
        FieldError
            If they do not fit.
        """
        missing = [track for track in tracks if all(track != made for made, _ in self._made)]
        for track in missing:
            for synth in SYNTHS.values():
                self._made[track, synth.name] = packets(self._sink, track + 1, synth)
        if missing:
            self.routes = Routes(self._made)


def _what_packets_say(sink: OscSink) -> OscSink:
    return dataclasses.replace(sink, host="", port=1, transport="udp", tracks=(), velocity=STRAIGHT)


@dataclass(eq=False)
class OscPart:
    """An OSC sink at work."""

    sink: OscSink
    link: OscLink
    packets: SinkPackets

    def destination(self, tracks: int) -> Destination:
        """What the sender needs of it, where an engine has so many tracks."""
        heard = tuple(track for track in range(MAX_TRACKS) if self.sink.hears(track + 1))
        # Made-up hits are of its first track, whether there is one or not.
        self.packets.make([track for track in heard if track < tracks or track == heard[0]])
        velocity = self.sink.velocity.table()
        return Destination(self.sink.id, self.link.socket, self.link.framing, heard, self.packets.routes, velocity)

    def is_silenced_by(self, other: OscPart | None) -> bool:
        """Whether what it plays can still be ended by what follows it."""
        return other is not None and other.link is self.link and silencing(other.sink) == silencing(self.sink)

    def report(self, counts: Counts) -> dict[str, Any]:
        """What is told of it; a datagram at whose port nobody listened counts as dropped."""
        refused = counts.refused + self.link.refused
        return {
            "id": self.sink.id,
            "state": self.link.state,
            "fault": self.link.fault,
            "sent": max(0, counts.sent - refused),
            "dropped": counts.dropped + refused,
            **{name: getattr(counts, name) for name in _COUNTS},
            "refused": refused,
            "late_us": {
                "p50": counts.late_us_p50,
                "p99": counts.late_us_p99,
                "max": round(counts.late_us_max, 1),
                "count": counts.late_count,
            },
        }


def part_for(sink: OscSink, address: Address, former: OscPart | None) -> OscPart:
    """A sink at work; of one that was there before it keeps the socket and the packets, if they are the same.

    Raises
    ------
    FieldError
        If it does not fit.
    """
    made = former.packets if former is not None and former.packets.serve(sink) else SinkPackets(sink)
    made.make([(sink.tracks or (1,))[0] - 1])
    if former is not None and former.link.is_for(sink, address):
        return OscPart(sink, former.link, made)
    return OscPart(sink, OscLink(sink, address), made)


def resolved_address(document: Mapping[str, Any], name: str) -> Address:
    """Address that whoever wrote the plan has found for a sink.

    Raises
    ------
    FieldError
        If there is none.
    """
    match document.get("resolved"):
        case [str(host), int(port)] if 0 < port < 65536:
            return host, port
    raise FieldError(f"{name}.resolved", "an address and a port", document.get("resolved"))


def failed_report(name: str, error: Exception) -> dict[str, Any]:
    """What is told of a sink that cannot be set up."""
    return {"id": name, "state": "failed", "fault": (str(error) or type(error).__name__)[:500]}
