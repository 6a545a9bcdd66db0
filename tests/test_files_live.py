"""What a running service does with its files: they come back, and what happens to them does not stop the sound."""

from __future__ import annotations

import json
import os
import time

import httpx
import pytest
from remapd_client import Problem

from remapd.control.store.session_files import backup_of
from tests.live_run import PATIENCE_S
from tests.models import SHIPPED
from tests.service_run import ServiceRun

CONTENT = (SHIPPED / "snare_2.safetensors").read_bytes()
ON = ("--backend", "virtual")


@pytest.fixture(autouse=True)
def quiet_network(monkeypatch):
    monkeypatch.setenv("REMAPD_DISCOVERY__ENABLED", "false")
    monkeypatch.setenv("REMAPD_MIDI__ENABLED", "false")


def _is_playing(status):
    return status["state"] == "playing"


def _await_saved(path, text):
    """Look until the session says so: the service tells nobody when it has written it."""
    deadline = time.monotonic() + PATIENCE_S
    while not path.is_file() or text not in path.read_text():
        assert time.monotonic() < deadline, path
        time.sleep(0.01)


def test_the_session_is_there_after_a_kill_and_after_damage(tmp_path):
    session = tmp_path / "state" / "session.json"
    with ServiceRun(tmp_path, *ON) as run:
        run.await_status(_is_playing)
        run.remapd.set("/track/1/model", "kick_long")
        run.remapd.set("/track/1/gain_db", -7.5)
        _await_saved(session, '"/track/1/gain_db": -7.5')
        run.process.kill()
        run.wait()
    with ServiceRun(tmp_path, *ON) as run:
        assert run.remapd.get("/track/1/model") == "kick_long"
        assert run.remapd.get("/track/1/gain_db") == -7.5
        run.remapd.set("/track/1/gain_db", -9.5)
        assert run.stop() == 0
    assert json.loads(session.read_bytes())["values"]["/track/1/gain_db"] == -9.5
    os.truncate(session, 100)
    with ServiceRun(tmp_path, *ON) as run:
        assert run.remapd.get("/track/1/model") == "kick_long"
        assert (
            run.remapd.get("/track/1/gain_db")
            == json.loads(backup_of(session).read_bytes())["values"]["/track/1/gain_db"]
        )
        assert session.with_name("session.json.damaged").stat().st_size == 100


def test_a_model_that_is_cut_in_half_is_told_of_and_plays_on(tmp_path):
    with ServiceRun(tmp_path, *ON) as run:
        run.await_status(_is_playing)
        run.remapd.models.put("mine", CONTENT)
        run.remapd.set("/track/1/model", "mine")
        os.truncate(tmp_path / "data" / "models" / "mine.safetensors", len(CONTENT) // 2)
        run.await_text("what is loaded plays on")
        status = run.status()
        assert _is_playing(status)
        assert status["engine"]["starts"] == 1
        assert run.remapd.get("/track/1/model") == "mine"
        with pytest.raises(Problem) as refused:
            run.remapd.models.put("half", CONTENT[: len(CONTENT) // 2])
        assert refused.value.status == 422
        with pytest.raises(Problem) as missing:
            run.remapd.models.get("half")
        assert missing.value.status == 404
        assert run.stop() == 0


def test_a_token_is_asked_for_and_is_in_no_log(tmp_path):
    with ServiceRun(tmp_path, *ON, environment={"REMAPD_HTTP__REQUIRE_TOKEN": "true"}) as run:
        path = tmp_path / "state" / "token"
        assert path.stat().st_mode & 0o777 == 0o600
        token = path.read_text().strip()
        with pytest.raises(Problem) as refused:
            run.remapd.status()
        assert refused.value.status == 401
        with httpx.Client(base_url=run.url, headers={"authorization": f"Bearer {token}"}) as client:
            assert client.get("/api/v1/status").status_code == 200
            assert token not in client.get("/api/v1/logs").text
        assert run.stop() == 0
        assert token not in "\n".join(run.lines)
    assert not any(token in name.read_text() for name in (tmp_path / "state").glob("session.json*"))
