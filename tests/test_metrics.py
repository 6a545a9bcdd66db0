"""Metrics: what Prometheus reads is what the engine counted, with latencies as histograms."""

import asyncio
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from remapd.audio.backend import StreamInfo
from remapd.control.events import EventHub
from remapd.control.watching.figures import register_figures
from remapd.control.watching.latency_window import WINDOW_HITS, LatencyWindow
from remapd.control.watching.metrics import Metrics
from remapd.engine_process import Playing
from tests.demo_events import status
from tests.engines import hits, make_engine, play
from tests.plane import make_plane

PLAYING = Playing(StreamInfo("drum", "amplifier", 48000.0, 64, 1, 2, 0.001, 0.002), 64, False, False)


def read(metrics):
    """Every sample by name and labels, as an independent reader of the format finds it."""
    families = text_string_to_metric_families(metrics.text().decode())
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *sorted(sample.labels.items())): sample.value for sample in samples}


@pytest.fixture
def engine():
    return make_engine(2)


@pytest.fixture
def metrics(engine):
    host = SimpleNamespace(playing=PLAYING, starts=3)
    return Metrics(engine.status, host, EventHub(engine.shared.record))


def test_counts_of_the_engine_are_shown_by_track_and_reason(engine, metrics):
    play(engine, hits([0.3, 0.6], 1.0))
    samples = read(metrics)
    counted = engine.status()
    assert counted.hits == [2, 2]
    for number in (1, 2):
        assert samples["remapd_hits_total", ("track", str(number))] == 2
    for reason, count in counted.rejected.items():
        assert samples["remapd_rejected_total", ("reason", reason)] == count
    assert samples["remapd_engine_playing",] == 1
    assert samples["remapd_engine_starts_total",] == 3
    assert samples["remapd_sample_rate_hertz",] == 48000
    assert samples["process_resident_memory_bytes",] > 0


def test_levels_and_durations_are_in_seconds():
    host = SimpleNamespace(playing=None, starts=0)
    samples = read(Metrics(lambda: status(xruns=4), host, EventHub(make_engine().shared.record)))
    assert samples["remapd_xruns_total",] == 4
    assert samples["remapd_callback_seconds", ("quantile", "0.99")] == pytest.approx(14e-6)
    assert samples["remapd_engine_load",] == 0.0068
    assert samples["remapd_engine_playing",] == 0


def test_latencies_of_hits_fill_histograms_from_start_to_stop(engine):
    events = EventHub(engine.shared.record)
    metrics = Metrics(engine.status, SimpleNamespace(playing=PLAYING, starts=1), events)
    asyncio.run(metrics.start())
    play(engine, hits([0.3, 0.6], 1.0))
    events.poll()
    asyncio.run(metrics.stop())
    play(engine, hits([0.3], 1.0))
    events.poll()
    samples = read(metrics)
    for stage in ("detection", "window", "sound", "input", "output"):
        assert samples["remapd_latency_seconds_count", ("stage", stage)] == 4
    assert samples["remapd_latency_seconds_sum", ("stage", "input")] == pytest.approx(4 * 0.001)
    assert samples["remapd_latency_seconds_bucket", ("le", "0.05"), ("stage", "sound")] == 4
    summary = metrics.latency.summary()
    assert summary["input"] == {"hits": 4, "p50_ms": 1.0, "p99_ms": 1.0, "max_ms": 1.0}
    assert "processing" not in summary


def test_other_parts_show_their_own_figures(metrics):
    waiting = {"osc": 3.0, "midi": 0.0}
    metrics.count("remapd_osc_messages", "Messages that came.", lambda: 7)
    metrics.level("remapd_queue_depth", "What waits.", lambda: waiting, "queue")
    samples = read(metrics)
    assert samples["remapd_osc_messages_total",] == 7
    assert samples["remapd_queue_depth", ("queue", "osc")] == 3
    waiting["osc"] = 0.0
    assert read(metrics)["remapd_queue_depth", ("queue", "osc")] == 0


def test_one_figure_that_cannot_be_read_does_not_hide_the_others(metrics, caplog):
    metrics.level("remapd_broken", "Fails.", lambda: 1 / 0)
    metrics.level("remapd_fine", "Does not.", lambda: 1)
    assert read(metrics)["remapd_fine",] == 1
    assert "remapd_broken" in caplog.text


def test_of_latencies_the_last_are_summed_up():
    window = LatencyWindow()
    for number in range(WINDOW_HITS + 100):
        window.add({"sound": float(number)})
    assert window.summary() == {"sound": {"hits": 512, "p50_ms": 355.0, "p99_ms": 606.0, "max_ms": 611.0}}
    assert LatencyWindow().summary() == {}


def test_queues_and_drops_of_all_parts_are_shown(tmp_path):
    plane = make_plane(tmp_path)
    register_figures(plane)
    samples = read(plane.metrics)
    depths = {key[1][1]: value for key, value in samples.items() if key[0] == "remapd_queue_depth"}
    drops = {key[1][1]: value for key, value in samples.items() if key[0] == "remapd_dropped_total"}
    assert set(depths) == {"events of the slowest watcher", "planned OSC bundles", "training jobs"}
    assert set(drops) == {"events of watchers", "log", "OSC in", "OSC out", "MIDI in"}
    assert not any([*depths.values(), *drops.values()])
    assert samples["remapd_osc_events_total", ("kind", "messages")] == 0
    assert samples["remapd_midi_events_total", ("kind", "messages")] == 0
    assert samples["remapd_tree_revision",] == plane.controller.revision
