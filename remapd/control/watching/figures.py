"""What the parts of the control plane count, shown with the metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from remapd.control.plane import Plane

#: Of what OSC counts, these go up and down.
_OSC_LEVELS = ("waiting", "peers", "connections")


def register_figures(plane: Plane) -> None:
    """Show the queues of all parts, what went through them, and what was dropped."""
    metrics, feed, osc, midi = plane.metrics, plane.feed, plane.osc, plane.midi
    metrics.level("remapd_watchers", "WebSockets that watch the events.", lambda: len(feed))
    metrics.level("remapd_change_subscriptions", "Who is told of changes.", lambda: len(plane.hub))
    metrics.level("remapd_queue_depth", "What waits, by queue.", lambda: _depths(plane), "queue")
    metrics.count("remapd_dropped", "What was dropped, by queue.", lambda: _drops(plane), "queue")
    metrics.count("remapd_replaced_frames", "Meters that gave way to newer ones.", lambda: feed.replaced_frames)
    metrics.count("remapd_osc_events", "What OSC brought, by what became of it.", lambda: _grown(osc.counts()), "kind")
    metrics.level("remapd_osc_peers", "Who gets feedback by UDP.", lambda: osc.counts()["peers"])
    metrics.level("remapd_osc_connections", "OSC connections by TCP.", lambda: osc.counts()["connections"])
    metrics.count("remapd_midi_events", "What MIDI brought, by what became of it.", lambda: midi.counts, "kind")
    _register_sinks(plane)
    metrics.level("remapd_tree_revision", "Changes of the tree so far.", lambda: plane.controller.revision)


def _register_sinks(plane: Plane) -> None:
    """Show what each sink has done since the engine began, and whether it works."""
    metrics = plane.metrics

    def count(name: str) -> Callable[[], Mapping[str, float]]:
        return lambda: {entry.sink.id: plane.sinks.states[entry.sink.id].count(name) for entry in plane.sinks.list}

    metrics.count("remapd_sink_sent", "Hits that a sink has sent.", count("sent"), "sink")
    metrics.count("remapd_sink_dropped", "Hits that a sink could not send.", count("dropped"), "sink")
    metrics.count("remapd_sink_coalesced", "Controllers that gave way to newer ones.", count("coalesced"), "sink")
    metrics.level("remapd_sink_open", "1 while a sink can send.", lambda: _open_sinks(plane), "sink")


def _open_sinks(plane: Plane) -> dict[str, float]:
    states = plane.sinks.states
    return {e.sink.id: float(states[e.sink.id].state == "open") for e in plane.sinks.list if e.sink.enabled}


def _depths(plane: Plane) -> dict[str, float]:
    return {
        "events of the slowest watcher": plane.feed.waiting,
        "planned OSC bundles": plane.osc.counts()["waiting"],
        "training jobs": plane.jobs.waiting(),
    }


def _drops(plane: Plane) -> dict[str, float]:
    osc = plane.osc.counts()
    return {
        "events of watchers": plane.feed.lost_messages,
        "log": plane.logs.dropped,
        "OSC in": osc["over_rate"] + osc["overflowed"],
        "OSC out": osc["dropped_replies"],
        "MIDI in": plane.midi.counts["overflows"],
    }


def _grown(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if name not in _OSC_LEVELS}
