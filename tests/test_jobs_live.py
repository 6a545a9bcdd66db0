"""Recording and training while a real service plays: whatever ends them, the music goes on."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from remapd_client import Events, Hit, News

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


def awaited(events: Events, is_wanted: Callable[[Any], object]) -> Any:
    """Read on until something fits."""
    while not is_wanted(message := events.next(PATIENCE_S)):
        pass
    return message


def awaited_job(events: Events, job: str, is_wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Read on until a job is as it should be."""
    news = awaited(events, lambda m: isinstance(m, News) and m.document.get("id") == job and is_wanted(m.document))
    return news.document


def await_hits(events: Events, count: int) -> None:
    """Read on until so many hits were told."""
    for _ in range(count):
        awaited(events, lambda message: isinstance(message, Hit))


def upload(run: ServiceRun, folder: Path) -> None:
    content = write(folder / "take.wav", take()).read_bytes()
    assert run.remapd.recordings.put("take", content)["name"] == "take"


def submit(run: ServiceRun, **fields: Any) -> str:
    return run.remapd.jobs.submit(**{**SHORT, **fields})["id"]


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
    with run.remapd.events() as events:
        await_hits(events, 4)


def test_a_take_is_recorded_while_it_plays(tmp_path):
    with playing(tmp_path) as run, run.remapd.events() as events:
        recordings = run.remapd.recordings
        assert recordings.start("take", "flac")["state"] == "recording"
        await_hits(events, 8)
        assert recordings.stop()["name"] == "take"
        info = recordings.get("take")["info"]
        assert info["duration_s"] > 1.0
        assert info["peaks"][0] > 0.01
        assert recordings.state()["dropped_frames"] == 0


def test_a_model_is_trained_and_played_without_a_pause(tmp_path):
    pytest.importorskip("torch")
    with playing(tmp_path) as run, run.remapd.events(["jobs"]) as events:
        upload(run, tmp_path)
        job = submit(run)
        awaited_job(events, job, lambda row: row.get("stage") == "training")
        (pid,) = trainers(run.process.pid)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 15)
        assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) == 1000
        done = awaited_job(events, job, lambda row: row["state"] != "running")
        assert (done["state"], done["model"]) == ("done", "mine"), done["error"]
        assert run.remapd.models.activate("mine")["/track/1/model"] == "mine"
        assert "report/index.html" in run.remapd.jobs.files(job)
        hits_go_on(run)
        assert run.status()["engine"]["starts"] == 1


def test_kill_9_of_the_training_and_then_of_the_service(tmp_path):
    pytest.importorskip("torch")
    with playing(tmp_path) as run:
        with run.remapd.events(["jobs"]) as events:
            upload(run, tmp_path)
            job = submit(run, epochs=100_000)
            awaited_job(events, job, lambda row: row["progress"])
            os.kill(trainers(run.process.pid)[0], signal.SIGKILL)
            failed = awaited_job(events, job, lambda row: row["state"] != "running")
            assert (failed["state"], "was killed" in failed["error"]["text"]) == ("failed", True)
            hits_go_on(run)
            again = submit(run, epochs=100_000, name="again")
            awaited_job(events, again, lambda row: row["progress"])
            (pid,) = trainers(run.process.pid)
        pid_file = os.pidfd_open(pid)
        run.process.kill()
        await_end(pid_file)
        run.wait()
    with playing(tmp_path) as run:
        states = {one["id"]: (one["state"], one["error"]["text"]) for one in run.remapd.jobs.list()}
        assert states[again] == ("failed", "remapd ended while this job ran; start it again")
        folder = tmp_path / "service" / "state" / "jobs" / again
        assert [path.name for path in folder.iterdir()] == ["job.json"]
        hits_go_on(run)
