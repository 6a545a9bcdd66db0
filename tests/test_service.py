"""The service as people use it: real processes, real sockets, real peers; and deaths of each of its processes."""

import os
import signal
import socket

import psutil
import pytest

from tests.service_run import ServiceRun, drum_loop

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def virtual(folder, *more):
    """Options for a virtual device that hears four hits a second."""
    return ("--backend", "virtual", "--input-file", drum_loop(folder), "--loop", *more)


def plays(status):
    return status["state"] == "playing" and status["tracks"][0]["hits"] > 0


def hits(status):
    return status["tracks"][0]["hits"]


def is_gone(pid):
    """Whether a process has ended; one that nobody asked after has, too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_rest_and_osc_change_the_same_tree(tmp_path):
    with ServiceRun(tmp_path, *virtual(tmp_path)) as service:
        service.await_status(plays)
        service.remapd.set("/track/1/neurality", 2.5)
        with service.remapd.osc() as osc:
            osc.set("/track/1/pan", 0.25)
        service.await_status(lambda status: service.remapd.get("/track/1/pan") == 0.25)
        assert service.remapd.get("/track/1/neurality") == 2.5
        assert service.http.get("/remapd/track/1/pan?VALUE").json() == {"VALUE": [0.25]}
        assert service.stop() == 0


def test_a_killed_engine_plays_again_with_its_state(tmp_path):
    with ServiceRun(tmp_path, *virtual(tmp_path)) as service:
        before = service.await_status(plays)
        service.remapd.set("/track/1/gain_db", -7.0)
        os.kill(before["engine"]["pid"], signal.SIGKILL)
        after = service.await_status(lambda status: status["engine"]["starts"] == 2 and plays(status))
        assert after["engine"]["pid"] != before["engine"]["pid"]
        assert service.remapd.get("/track/1/gain_db") == -7.0
        assert service.stop() == 0


def test_a_killed_control_process_leaves_the_engine_playing_for_the_next(tmp_path):
    options = virtual(tmp_path)
    with ServiceRun(tmp_path, *options) as first:
        before = first.await_status(plays)
        first.remapd.set("/track/1/neurality", 3.0)
        first.remapd.set("/track/1/synth/osc1/freq", 222.0)
        first.await_status(lambda status: b"222.0" in (tmp_path / "state" / "session.json").read_bytes())
        first.process.kill()
        first.process.wait()
    with ServiceRun(tmp_path, *options) as second:
        after = second.await_status(lambda status: plays(status) and hits(status) > hits(before))
        assert after["engine"]["pid"] == before["engine"]["pid"]
        assert after["engine"]["seconds"] > before["engine"]["seconds"]
        assert second.remapd.get("/track/1/neurality") == 3.0
        assert second.remapd.get("/track/1/synth/osc1/freq") == 222.0
        second.await_line(lambda line: "options of device and tracks do not hold" in line)
        assert second.stop() == 0
    assert is_gone(before["engine"]["pid"])


def test_it_hands_the_engine_over(tmp_path):
    with ServiceRun(tmp_path, *virtual(tmp_path)) as first:
        before = first.await_status(plays)
        assert first.end(signal.SIGUSR2) == 0
    with ServiceRun(tmp_path) as second:
        assert second.await_status(plays)["engine"]["pid"] == before["engine"]["pid"]
        assert second.stop() == 0


def test_a_killed_daemon_whose_engine_is_gone_comes_back_as_it_was(tmp_path):
    with ServiceRun(tmp_path, *virtual(tmp_path)) as first:
        engine = first.await_status(plays)["engine"]["pid"]
        first.remapd.set("/track/1/gain_db", -9.0)
        first.await_status(lambda status: b"-9.0" in (tmp_path / "state" / "session.json").read_bytes())
        first.process.kill()
        first.process.wait()
        os.kill(engine, signal.SIGKILL)
    with ServiceRun(tmp_path, *virtual(tmp_path)) as second:
        second.await_status(plays)
        assert second.remapd.get("/track/1/gain_db") == -9.0


def test_random_packets_do_no_harm(tmp_path):
    with ServiceRun(tmp_path, *virtual(tmp_path)) as service:
        before = service.await_status(plays)
        port = service.http.get("/?HOST_INFO").json()["OSC_PORT"]
        flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for size in range(3000):
            flood.sendto(os.urandom(size % 300), ("127.0.0.1", port))
        flood.close()
        after = service.await_status(lambda status: hits(status) > hits(before) + 2)
        assert after["engine"]["pid"] == before["engine"]["pid"]
        assert after["faults"]["hits_dropped"] == 0
        assert service.stop() == 0
