"""Sinks of a real service, with the engine in its process and receivers on real sockets."""

import os
import signal
import socket

import pytest
from pythonosc.osc_message import OscMessage

from tests.service_run import ServiceRun
from tests.test_service import plays, virtual

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

PATIENCE_S = 60.0


class Receiver:
    """A UDP socket that counts hits."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)
        self.port = self._socket.getsockname()[1]

    def hit(self):
        """Wait for the next message; gives its address, the number of the hit, and its velocity."""
        message = OscMessage(self._socket.recv(65536))
        number, velocity, *_ = message.params
        return message.address, number, velocity

    def numbers(self, count):
        """Numbers of the next hits, all of the first track."""
        found = []
        for _ in range(count):
            address, number, velocity = self.hit()
            assert address == "/remapd/1/hit"
            assert 0.0 <= velocity <= 1.0
            found.append(number)
        return found

    def forget(self):
        """Drop what has come."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(65536)
        except BlockingIOError:
            self._socket.settimeout(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def other():
    with Receiver() as receiver:
        yield receiver


def osc(receiver, **more):
    return {"kind": "osc", "host": "127.0.0.1", "port": receiver.port, **more}


def done(answer, status=200):
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def await_sink(service, identity, is_wanted):
    """Ask until a sink's status fits; returns it."""
    found = {}

    def look(status):
        found.update(service.get(f"/sinks/{identity}")["status"])
        return is_wanted(found)

    service.await_status(look)
    return found


def test_hits_go_where_an_option_says_also_after_a_crash_of_the_engine(tmp_path, receiver):
    with ServiceRun(tmp_path, *virtual(tmp_path), "--osc-out", f"127.0.0.1:{receiver.port}") as service:
        numbers = receiver.numbers(6)
        assert numbers == list(range(1, 7))
        (sink,) = service.get("/sinks")["sinks"]
        assert (sink["id"], sink["origin"]) == ("osc-out-1", "flag")
        assert service.get("/session")["sinks"] == []
        counted = await_sink(service, "osc-out-1", lambda status: status["sent"] >= 6)
        assert (counted["state"], counted["dropped"]) == ("open", 0)
        (hit,) = service.get("/events/recent?kind=hits&most=1")["events"]
        assert hit["latency_ms"]["rendered"] >= 0.0
        assert hit["latency_ms"]["wire"] >= 0.0
        assert service.status()["latency"]["wire"]["hits"] > 0
        metrics = service.http.get("/metrics").text
        assert 'remapd_latency_seconds_bucket{le="0.001",stage="wire"}' in metrics
        assert 'remapd_sink_open{sink="osc-out-1"} 1.0' in metrics
        os.kill(service.status()["engine"]["pid"], signal.SIGKILL)
        while receiver.hit()[1] != 1:  # The next engine counts anew.
            pass
        assert receiver.numbers(3) == [2, 3, 4]
        assert service.stop() == 0


def test_clients_and_sessions_switch_sinks(tmp_path, receiver, other):
    with ServiceRun(tmp_path, *virtual(tmp_path)) as service:
        service.await_status(plays)
        refused = service.http.post("/api/v1/sinks", json=osc(receiver, host="no-such-host.invalid"))
        assert (refused.status_code, refused.json()["field"]) == (422, "sink.host")
        done(service.http.post("/api/v1/sinks", json=osc(receiver, host="localhost")), 201)
        assert receiver.numbers(2) == [1, 2]
        done(service.http.post("/api/v1/sessions", json={"name": "one"}), 201)
        done(service.http.put("/api/v1/sinks/1", json=osc(other)))
        assert other.numbers(2) == [3, 4]  # It is the same sink, at another place.
        receiver.forget()
        done(service.http.post("/api/v1/sessions/one/load"))
        receiver.numbers(2)
        other.forget()
        assert service.get("/sinks/1")["port"] == receiver.port
        await_sink(service, "1", lambda status: status["state"] == "open")
        done(service.http.post("/api/v1/sinks/1/test"))
        done(service.http.delete("/api/v1/sinks/1"), 204)
        assert service.get("/sinks") == {"sinks": []}
        assert service.stop() == 0


def test_a_sink_whose_name_is_not_known_waits_and_the_others_send(tmp_path, receiver):
    (tmp_path / "remapd.toml").write_text(
        f"[[sinks]]\nkind = 'osc'\nhost = 'no-such-host.invalid'\n[[sinks]]\nkind = 'osc'\nport = {receiver.port}\n"
    )
    with ServiceRun(tmp_path, *virtual(tmp_path), "--config", str(tmp_path / "remapd.toml")) as service:
        assert receiver.numbers(2) == [1, 2]
        waiting = await_sink(service, "config-1", lambda status: "no-such-host" in status["fault"])
        assert waiting["state"] == "waiting"
        assert {sink["origin"] for sink in service.get("/sinks")["sinks"]} == {"config"}
        assert service.stop() == 0


def test_sinks_outlive_control(tmp_path, receiver):
    folder = tmp_path / "s"
    with ServiceRun(folder, *virtual(tmp_path)) as first:
        first.await_status(plays)
        done(first.http.post("/api/v1/sinks", json=osc(receiver)), 201)
        engine = first.status()["engine"]["pid"]
        receiver.numbers(1)
        first.await_status(lambda status: f'"port": {receiver.port}' in (folder / "state/session.json").read_text())
        first.process.kill()
        first.process.wait()
    begun = receiver.numbers(3)
    with ServiceRun(folder) as second:
        assert second.status()["engine"]["pid"] == engine
        status = await_sink(second, "1", lambda status: status["state"] == "open" and status["sent"] > 3)
        assert status["dropped"] == 0
        last = begun[-1]
        while last < status["sent"]:  # Not one is missing, and none was sent twice.
            assert receiver.numbers(1) == [last + 1]
            last += 1
        assert second.stop() == 0
