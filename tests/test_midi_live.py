"""MIDI into a service that plays: learning over REST, sessions by program, and what is there after a restart."""

import time

import pytest

from tests.jack_knobs import Knobs
from tests.jack_server import jack_server
from tests.live_run import PATIENCE_S
from tests.service_run import ServiceRun, drum_loop

pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")

GAIN = "/track/1/gain_db"


@pytest.fixture
def server():
    with jack_server() as server:
        yield server


class Stage(ServiceRun):
    """A service on a virtual audio device, whose MIDI comes from a JACK server."""

    def __init__(self, folder, server):
        options = ("--backend", "virtual", "--input-file", drum_loop(folder), "--loop")
        settings = {"REMAPD_DISCOVERY__ENABLED": "false", "REMAPD_MIDI__PORTS": "knobs"}
        super().__init__(folder, *options, environment={"JACK_DEFAULT_SERVER": server.name, **settings})

    def value(self, path):
        return self.get(f"/tree{path}")["value"]

    def post(self, path, document):
        answer = self.http.post(f"/api/v1{path}", json=document)
        assert answer.is_success, answer.text
        return answer.json()

    def put(self, path, value):
        assert self.http.put(f"/api/v1/tree{path}", json={"value": value}).is_success

    def until(self, condition):
        """Ask again and again, as over HTTP there is nothing to wait for."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return found

    def until_port(self, part):
        self.until(lambda: [name for name in self.get("/midi/ports")["open"] if part in name])


def test_a_knob_is_learnt_moves_the_engine_and_is_known_after_a_restart(tmp_path, server):
    with Knobs(server, "knobs") as knobs:
        with Stage(tmp_path, server) as stage:
            stage.await_status(lambda status: status["state"] == "playing")
            stage.until_port("knobs")
            stage.post("/midi/learn", {"path": GAIN, "minimum": -20, "maximum": 0})
            knobs.send((0xB0, 70, 64))
            stage.until(lambda: not stage.get("/midi/learn")["waiting"])
            knobs.send((0xB0, 70, 0))
            stage.until(lambda: stage.value(GAIN) == -20.0)
            assert stage.stop() == 0
        with Stage(tmp_path, server) as stage:
            assert [m["path"] for m in stage.get("/midi/mappings")["mappings"]] == [GAIN]
            stage.until_port("knobs")
            knobs.send((0xB0, 70, 127))
            stage.until(lambda: stage.value(GAIN) == 0.0)
            assert stage.stop() == 0


def test_programs_load_sessions_one_after_the_other_and_hits_go_on(tmp_path, server):
    with Knobs(server, "knobs") as knobs, Stage(tmp_path, server) as stage:
        stage.await_status(lambda status: status["state"] == "playing")
        for name, gain in (("song 1", -3.0), ("song 2", -6.0)):
            stage.put(GAIN, gain)
            stage.post("/sessions", {"name": name})
        stage.post("/midi/mappings", {"path": "session", "source": {"kind": "program"}})
        stage.until_port("knobs")
        for program, gain in ((0, -3.0), (1, -6.0), (0, -3.0)):
            knobs.send((0xC0, program))
            stage.until(lambda gain=gain: stage.value(GAIN) == gain)
        hits = stage.status()["tracks"][0]["hits"]
        stage.await_status(lambda status: status["tracks"][0]["hits"] > hits)
        assert stage.stop() == 0
