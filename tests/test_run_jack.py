"""``remapd run`` on a JACK server of its own (dummy driver), with a drummer that is another client."""

import signal

import numpy as np
import pytest

from tests.engines import hits
from tests.jack_drummer import drummer
from tests.jack_server import JackServer, jack_server
from tests.live_run import LiveRun
from tests.service_run import ServiceRun

TIMES_S = [0.3 + 0.15 * i for i in range(20)]


def complaint(run):
    """The one line that says why it ended; before it only the addresses of the service are told."""
    *others, last = run.lines
    assert all(line.startswith("page and REST at ") for line in others)
    assert last.startswith("remapd: ")
    return last


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
    assert complaint(run)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--sample-rate", "44100"], "the JACK server runs at 48000 Hz, not at 44100 Hz"),
        (["--device", "sistem"], "(did you mean system?)"),
        (["--host-api", "none"], "no host API is called 'none'"),
    ],
)
def test_what_the_server_cannot_do_is_refused_in_one_line(options, text):
    with jack_server() as server, LiveRun("--host-api", "JACK", *options, environment=server.environment) as run:
        assert run.wait() == 1
    assert text in complaint(run)


def test_it_can_be_stopped_while_the_device_is_away():
    with jack_server() as server, LiveRun(environment=server.environment) as run:
        run.await_text("playing")
        server.kill()
        run.await_text("no audio")
        assert run.end(signal.SIGINT) == 0


def test_it_can_wait_for_a_server_that_is_not_there_yet():
    with jack_server() as server:
        server.stop()
        with LiveRun("--host-api", "JACK", "--wait", environment=server.environment) as run:
            assert "trying again" in run.await_text("no audio")
            again = JackServer(name=server.name)
            try:
                run.await_text("playing")
                assert run.end(signal.SIGINT) == 0
            finally:
                again.stop()


def test_a_track_whose_channel_is_not_there_is_silent_and_the_others_play(tmp_path):
    with jack_server() as server, ServiceRun(tmp_path, "--track", "1", "--track", "9", environment=jack(server)) as run:
        run.await_text("track 2 listens to channel 9; system has 2, so it is silent")
        status = run.await_status(lambda status: status["state"] == "playing")
        assert status["device"]["input_channels"] == 2
        answer = run.http.put("/api/v1/tree/track/1/input_channel", json={"value": 7})
        assert answer.status_code == 200
        assert run.status()["engine"]["starts"] == status["engine"]["starts"]
        assert run.stop() == 0


def jack(server):
    """What makes a client find the server."""
    names = ("JACK_DEFAULT_SERVER", "JACK_NO_AUDIO_RESERVATION")
    return {name: server.environment[name] for name in names}
