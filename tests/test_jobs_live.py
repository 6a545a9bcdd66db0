"""Recording and training while a real service plays: whatever ends them, the music goes on."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.live_run import PATIENCE_S
from tests.service_run import ServiceRun, drum_loop
from tests.training_takes import take, write

SHORT = {"recordings": ["take"], "recipe": "nime2024", "epochs": 2, "name": "mine"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMAPD_DISCOVERY__ENABLED", "false")
    monkeypatch.setenv("REMAPD_MIDI__ENABLED", "false")


@contextlib.contextmanager
def playing(folder: Path) -> Iterator[ServiceRun]:
    arguments = ("--backend", "virtual", "--input-file", drum_loop(folder), "--loop")
    with ServiceRun(folder / "service", *arguments) as run:
        run.await_status(lambda status: status["state"] == "playing")
        yield run


@contextlib.contextmanager
def news(run: ServiceRun, *topics: str) -> Iterator[ClientConnection]:
    place = run.url.replace("http", "ws", 1) + f"/api/v1/events?topics={','.join(topics)}"
    with connect(place, max_size=1 << 22) as socket:
        yield socket


def awaited(socket: ClientConnection, is_wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Read on until something fits."""
    while not is_wanted(message := json.loads(socket.recv(timeout=PATIENCE_S))):
        pass
    return message


def upload(run: ServiceRun, folder: Path) -> None:
    content = write(folder / "take.wav", take()).read_bytes()
    assert run.http.put("/api/v1/recordings/take", content=content).status_code == 201


def submit(run: ServiceRun, **fields: Any) -> str:
    answer = run.http.post("/api/v1/jobs", json={**SHORT, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def trainers(parent: int) -> list[int]:
    """Numbers of the training processes that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) != parent:
                continue
            if b"\0train\0" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def await_end(pid_file: int) -> None:
    """Wait for the end of a process of which there is a file."""
    ready, _, _ = select.select([pid_file], [], [], PATIENCE_S)
    assert ready
    os.close(pid_file)


def hits_go_on(run: ServiceRun) -> None:
    with news(run, "hits") as socket:
        for _ in range(4):
            awaited(socket, lambda message: message["type"] == "hit")


def test_a_take_is_recorded_while_it_plays(tmp_path):
    with playing(tmp_path) as run, news(run, "hits", "recordings") as socket:
        begun = run.http.post("/api/v1/recorder/start", json={"name": "take", "format": "flac"})
        assert begun.json()["state"] == "recording", begun.text
        for _ in range(8):
            awaited(socket, lambda message: message["type"] == "hit")
        assert run.http.post("/api/v1/recorder/stop").json()["name"] == "take"
        row = run.get("/recordings/take")
        assert row["info"]["duration_s"] > 1.0
        assert row["info"]["peaks"][0] > 0.01
        assert run.get("/recorder")["dropped_frames"] == 0


def test_a_model_is_trained_and_played_without_a_pause(tmp_path):
    pytest.importorskip("torch")
    with playing(tmp_path) as run, news(run, "jobs") as socket:
        upload(run, tmp_path)
        job = submit(run)
        awaited(socket, lambda message: message.get("id") == job and message.get("stage") == "training")
        (pid,) = trainers(run.process.pid)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 15)
        assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) == 1000
        done = awaited(socket, lambda message: message.get("id") == job and message["state"] != "running")
        assert (done["state"], done["model"]) == ("done", "mine"), done["error"]
        answer = run.http.post("/api/v1/models/mine/activate", json={"track": 1})
        assert answer.json()["values"]["/track/1/model"] == "mine"
        assert "report/index.html" in run.get(f"/jobs/{job}/files")
        hits_go_on(run)
        assert run.status()["engine"]["starts"] == 1


def test_kill_9_of_the_training_and_then_of_the_service(tmp_path):
    pytest.importorskip("torch")
    with playing(tmp_path) as run:
        with news(run, "jobs") as socket:
            upload(run, tmp_path)
            job = submit(run, epochs=100_000)
            awaited(socket, lambda message: message.get("id") == job and message["progress"])
            os.kill(trainers(run.process.pid)[0], signal.SIGKILL)
            failed = awaited(socket, lambda message: message.get("id") == job and message["state"] != "running")
            assert (failed["state"], "was killed" in failed["error"]["text"]) == ("failed", True)
            hits_go_on(run)
            again = submit(run, epochs=100_000, name="again")
            awaited(socket, lambda message: message.get("id") == again and message["progress"])
            (pid,) = trainers(run.process.pid)
        pid_file = os.pidfd_open(pid)
        run.process.kill()
        await_end(pid_file)
        run.wait()
    with playing(tmp_path) as run:
        states = {one["id"]: (one["state"], one["error"]["text"]) for one in run.get("/jobs")}
        assert states[again] == ("failed", "remapd ended while this job ran; start it again")
        folder = tmp_path / "service" / "state" / "jobs" / again
        assert [path.name for path in folder.iterdir()] == ["job.json"]
        hits_go_on(run)
