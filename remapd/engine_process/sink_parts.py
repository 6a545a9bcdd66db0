"""One sink as the engine process has it: its document, the way to its receiver, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from remapd.engine.layout import MAX_TRACKS
from remapd.engine_process.osc_link import Address, OscLink
from remapd.errors import FieldError
from remapd.sinks.document import OscSink
from remapd.sinks.osc.packets import packets
from remapd.sinks.wire.counts import Counts
from remapd.sinks.wire.packet import Packet
from remapd.sinks.wire.plan import Destination
from remapd.synth.registry import SYNTHS

Packets = dict[tuple[int, str], tuple[Packet, ...]]


@dataclass(eq=False)
class OscPart:
    """An OSC sink at work."""

    sink: OscSink
    address: Address
    link: OscLink
    packets: Packets = field(default_factory=dict)

    def destination(self) -> Destination:
        """What the sender needs of it."""
        tracks = tuple(track for track in range(MAX_TRACKS) if self.sink.hears(track + 1))
        velocity = self.sink.velocity.table()
        return Destination(self.sink.id, self.link.socket, self.link.framing, tracks, self.packets, velocity)

    def report(self, counts: Counts) -> dict[str, Any]:
        """What is told of it; a datagram at whose port nobody listened counts as dropped."""
        refused = counts.refused + self.link.refused
        return {
            "id": self.sink.id,
            "state": self.link.state,
            "fault": self.link.fault,
            "sent": max(0, counts.sent - refused),
            "dropped": counts.dropped + refused,
            **{name: getattr(counts, name) for name in ("hits", "full", "failed", "unconnected", "stale", "lost")},
            "refused": refused,
            "late_us": {
                "p50": counts.late_us_p50,
                "p99": counts.late_us_p99,
                "max": round(counts.late_us_max, 1),
                "count": counts.late_count,
            },
        }


def packets_of(sink: OscSink) -> Packets:
    """Packets of a sink for every track that it hears and every synth.

    Raises
    ------
    FieldError
        If they do not fit.
    """
    made = {}
    for track in range(MAX_TRACKS):
        if sink.hears(track + 1):
            for synth in SYNTHS.values():
                made[track, synth.name] = packets(sink, track + 1, synth)
    return made


def resolved_address(document: dict[str, Any], name: str) -> Address:
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
