"""``remapd run`` on a JACK server of its own (dummy driver), with a drummer that is another client."""

import signal

import numpy as np
import pytest

from tests.engines import hits
from tests.jack_drummer import drummer
from tests.jack_server import JackServer, jack_server
from tests.live_run import LiveRun

TIMES_S = [0.3 + 0.15 * i for i in range(20)]


@pytest.fixture
def performance(tmp_path):
    path = tmp_path / "performance.npy"
    np.save(path, hits(TIMES_S, 3.6))
    return path


def test_every_hit_arrives_and_ctrl_c_ends_it_cleanly(performance):
    with jack_server() as server, LiveRun("--track", "1", environment=server.environment) as run:
        line = run.await_text("playing")
        assert "system -> system, 48000 Hz, blocks of 64 frames" in line
        assert drummer(server, performance).wait(120) == 0
        run.await_hits(len(TIMES_S))
        assert run.end(signal.SIGINT) == 0
        assert run.hits == len(TIMES_S)
        assert f"{len(TIMES_S)} hits" in "\n".join(run.lines)


def test_goes_on_after_the_server_died_and_came_back(performance):
    with jack_server() as server, LiveRun("--neurality", "2", environment=server.environment) as run:
        run.await_text("playing")
        server.kill()
        assert "trying again until it is back" in run.await_text("no audio")
        again = JackServer(name=server.name, rate=44100, period=128)
        try:
            assert "44100 Hz, blocks of 128 frames" in run.await_text("playing again")
            assert drummer(again, performance).wait(120) == 0
            run.await_hits(len(TIMES_S))
            assert run.end(signal.SIGTERM) == 0
            assert sum("no audio" in line for line in run.lines) == 1
        finally:
            again.stop()


def test_without_a_server_it_says_so_in_one_line(tmp_path):
    environment = {"JACK_DEFAULT_SERVER": "remapd-test-none"}
    with jack_server() as server, LiveRun(environment={**server.environment, **environment}) as run:
        status = run.wait()
    if any(line.startswith("playing") for line in run.lines):
        pytest.skip("this machine has another audio device")
    assert status == 1
    assert len(run.lines) == 1
    assert run.lines[0].startswith("remapd: ")
