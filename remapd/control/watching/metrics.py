"""Figures for Prometheus: counts and levels are read when they are asked for, latencies are noted with each hit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

import remapd
from remapd.control.events import EventHub
from remapd.control.host import EngineHost
from remapd.control.watching.engine_metrics import Families, engine_families, family
from remapd.control.watching.latency import stages_ms
from remapd.control.watching.latency_window import LatencyWindow
from remapd.engine.events import Event, HitEvent
from remapd.engine.status import EngineStatus

_log = logging.getLogger("remapd.metrics")

CONTENT_TYPE = CONTENT_TYPE_LATEST

#: A number, or one for each value of a label.
Figure = float | Mapping[str, float]

#: Borders in seconds: of a good setup's stages most lie between 0.01 and 10 ms.
_BORDERS_S = (
    1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4,
    1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3, 8e-3, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1,
)  # fmt: skip


class Metrics:
    """Everything that is counted, in a registry of its own.

    Parameters
    ----------
    status : callable
        Gives the engine's meters and counts.
    host : EngineHost
        Keeps the engine alive.
    events : EventHub
        Hits and rejected candidates.

    Attributes
    ----------
    latency : LatencyWindow
        Latencies of the last hits, stage by stage.
    """

    def __init__(self, status: Callable[[], EngineStatus], host: EngineHost, events: EventHub) -> None:
        self._status, self._host, self._events = status, host, events
        self._registered: list[tuple[str, Callable[[], Metric]]] = []
        self._unsubscribe: Callable[[], None] | None = None
        self.latency = LatencyWindow()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._stages = Histogram(
            "remapd_latency_seconds",
            "Time that a hit spends in each stage.",
            ["stage"],
            buckets=_BORDERS_S,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self.level("remapd_info", "1; the label has the version.", lambda: {remapd.__version__: 1.0}, "version")
        self.count(
            "remapd_events_lost", "Events that the ring overwrote before control read them.", lambda: events.lost
        )

    async def start(self) -> None:
        """Begin to note latencies."""
        self._unsubscribe = self._events.subscribe(self._note)

    async def stop(self) -> None:
        """Note no more."""
        end, self._unsubscribe = self._unsubscribe, None
        if end is not None:
            end()

    def count(self, name: str, description: str, read: Callable[[], Figure], label: str = "") -> None:
        """Show a number that only grows.

        Parameters
        ----------
        name : str
            With its unit, without ``_total``, which is added: ``remapd_osc_messages``.
        description : str
            One sentence.
        read : callable
            Gives the number, or numbers by the value of `label`; called in the loop's thread.
        label : str
            Name of the label, if there is one.
        """
        self._registered.append((name, lambda: family("counter", name, description, read(), label)))

    def level(self, name: str, description: str, read: Callable[[], Figure], label: str = "") -> None:
        """Show a number that goes up and down; the parameters are those of `count`."""
        self._registered.append((name, lambda: family("gauge", name, description, read(), label)))

    def text(self) -> bytes:
        """Put everything into Prometheus's words, of the type `CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def collect(self) -> Families:
        """Give what is read at the moment; the registry asks for it."""
        families = engine_families(self._status(), self._host.playing is not None, self._host.starts)
        for name, read in self._registered:
            try:
                families.append(read())
            except Exception:
                _log.exception("%s cannot be read", name)
        return families

    def describe(self) -> Families:
        """Give nothing: names are known only when they are read."""
        return []

    def _note(self, events: Sequence[Event], lost: int) -> None:
        playing, now_ns = self._host.playing, time.monotonic_ns()
        for event in events:
            if not isinstance(event, HitEvent):
                continue
            stages = stages_ms(event, playing, now_ns)
            self.latency.add(stages)
            for stage, ms in stages.items():
                self._stages.labels(stage).observe(1e-3 * ms)
