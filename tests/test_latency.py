"""Measured latency: clicks, where they come in, and the command over JACK with ports in place of a cable."""

import json
import subprocess
import sys

import numpy as np
import pytest

from remapd.latency.arrivals import arrival
from remapd.latency.clicks import LEAD_S, make_clicks
from tests.jack_server import jack_server

RATE = 48000.0


def test_clicks_are_the_same_for_the_same_seed_and_lie_apart():
    clicks, again = make_clicks(20, RATE), make_clicks(20, RATE)
    assert np.array_equal(clicks.samples, again.samples)
    assert clicks.frames[0] == LEAD_S * RATE
    assert np.diff(clicks.frames).min() > 2 * len(clicks.click)
    assert len(set(np.diff(clicks.frames))) > 15
    for frame in clicks.frames:
        assert np.array_equal(clicks.samples[frame : frame + len(clicks.click)], clicks.click)


@pytest.mark.parametrize("gain", [1.0, -0.01])
@pytest.mark.parametrize("delay", [0, 64, 5000])
def test_a_sound_is_found_where_it_comes_in(gain, delay):
    click = make_clicks(1, RATE).click
    heard = 1e-4 * np.random.default_rng(1).standard_normal(12000).astype(np.float32)
    heard[delay : delay + len(click)] += np.float32(gain) * click
    assert arrival(click, heard) == delay


def test_of_a_sound_and_its_echo_the_first_is_taken():
    click = make_clicks(1, RATE).click
    heard = np.zeros(16000, np.float32)
    heard[100 : 100 + len(click)] += click
    heard[9000 : 9000 + len(click)] += click
    assert arrival(click, heard) == 100


def test_what_did_not_come_in_is_not_found():
    click = make_clicks(1, RATE).click
    noise = np.random.default_rng(2).standard_normal(12000).astype(np.float32)
    assert arrival(click, noise) is None
    assert arrival(click, np.zeros(12000, np.float32)) is None
    assert arrival(np.zeros_like(click), noise) is None
    assert arrival(click, click[:-1]) is None


def latency(server, *options):
    command = [sys.executable, "-m", "remapd", "latency", "--host-api", "JACK", "--clicks", "8", *options]
    return subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_loop_through_jack_is_measured_stage_by_stage():
    with jack_server(period=64) as server:
        document = json.loads(latency(server, "--connect", "--json").stdout)
    assert document["clicks"] == document["arrived"] == document["heard"] == 8
    assert document["second_cable"]
    rows = document["rows"]
    assert all(rows[stage]["count"] == 8 for stage in ("device", "window", "sound", "loop", "wire"))
    # A server in step with its clients loses no period: the way round is whole periods, the same for each click.
    assert rows["device"]["jitter"] == 0.0
    assert rows["device"]["p50"] == pytest.approx(1e3 * 64 / RATE * round(rows["device"]["p50"] * RATE / 64e3))
    # The window of the model, less what it begins before the onset.
    assert 4.0 < rows["window"]["p50"] < 6.5
    # A synthesiser's sound round the second cable is as late as the click and the window together.
    assert rows["loop"]["p50"] == pytest.approx(rows["sound"]["p50"], abs=0.001)
    assert rows["wire"]["p50"] > 0.0


def test_without_a_cable_it_says_what_to_do():
    with jack_server(period=64) as server:
        result = latency(server)
    assert result.returncode == 1
    assert "input 1 stayed silent: connect output 1 to input 1" in result.stderr
