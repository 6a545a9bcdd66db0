"""Latencies of the last hits, stage by stage."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

from remapd.control.watching.latency import STAGES

#: Hits that are remembered.
WINDOW_HITS = 512


class LatencyWindow:
    """The last hits' time in each stage, in ms."""

    def __init__(self) -> None:
        self._stages: dict[str, deque[float]] = {stage: deque(maxlen=WINDOW_HITS) for stage in STAGES}

    def add(self, stages_ms: Mapping[str, float]) -> None:
        """Note one hit."""
        for stage, ms in stages_ms.items():
            self._stages[stage].append(ms)

    def summary(self) -> dict[str, dict[str, float]]:
        """Median, 99th percentile and greatest of each stage in ms, and of how many hits; only stages that were met."""
        return {stage: _summary(sorted(values)) for stage, values in self._stages.items() if values}


def _summary(ordered: list[float]) -> dict[str, float]:
    def quantile(part: float) -> float:
        return round(ordered[max(0, math.ceil(part * len(ordered)) - 1)], 3)

    return {"hits": len(ordered), "p50_ms": quantile(0.5), "p99_ms": quantile(0.99), "max_ms": quantile(1.0)}
