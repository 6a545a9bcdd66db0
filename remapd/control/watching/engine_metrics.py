"""The engine's counts and levels as Prometheus has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from remapd.engine.status import EngineStatus

Families = list[Metric]

_KINDS = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


def family(
    kind: Literal["counter", "gauge"], name: str, description: str, figure: float | Mapping[str, float], label: str = ""
) -> Metric:
    """One metric: a number, or one for each value of `label`."""
    if not isinstance(figure, Mapping):
        return _KINDS[kind](name, description, value=figure)
    metric = _KINDS[kind](name, description, labels=[label])
    for value, number in figure.items():
        metric.add_metric([value], number)
    return metric


def engine_families(status: EngineStatus, is_playing: bool, starts: int) -> Families:
    """Everything of the engine that is counted; its counts begin anew with each engine."""
    callback_s = {
        "0.5": 1e-6 * status.callback_us_p50,
        "0.99": 1e-6 * status.callback_us_p99,
        "1": 1e-6 * status.callback_us_max,
    }
    return [
        family("gauge", "remapd_engine_playing", "1 while an audio device drives the engine.", float(is_playing)),
        family("counter", "remapd_engine_starts", "Engine processes that were started.", starts),
        family("gauge", "remapd_engine_load", "Share of the time that the median callback takes.", status.load),
        family("gauge", "remapd_sample_rate_hertz", "Sample rate.", status.sample_rate),
        family("gauge", "remapd_block_frames", "Frames of the last block.", status.block_frames),
        family("counter", "remapd_callbacks", "Blocks processed.", status.callbacks),
        family("gauge", "remapd_callback_seconds", "Duration of callbacks by quantile.", callback_s, "quantile"),
        family("counter", "remapd_xruns", "Late blocks that the device told of.", status.xruns),
        family("counter", "remapd_non_finite_samples", "Samples of the input that were no numbers.", status.non_finite),
        family("counter", "remapd_hits", "Hits by track.", _by_track(status.hits), "track"),
        family("counter", "remapd_hits_dropped", "Hits that found no room to wait in.", status.hits_dropped),
        family("counter", "remapd_rejected", "Candidates that were no hits, by reason.", status.rejected, "reason"),
    ]


def _by_track(counts: list[int]) -> dict[str, float]:
    return {str(number): count for number, count in enumerate(counts, 1)}
