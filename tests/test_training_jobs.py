"""Training jobs: their queue, their end whatever it is, and what is left of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from remapd import extras
from remapd.control.bulletin import Bulletin
from remapd.control.jobs.job import Job
from remapd.control.jobs.limits import JobLimits
from remapd.control.jobs.process import TRAIN_COMMAND, JobProcess
from remapd.control.jobs.request import JobRequest
from remapd.control.jobs.training_jobs import TrainingJobs
from remapd.control.store.library import Library
from remapd.errors import (
    BusyError,
    ConflictError,
    DiskFullError,
    FieldError,
    NotFoundError,
    NotInstalledError,
    TrainingError,
)
from remapd.mapping.bundle import load_model
from tests.fake_trainers import LEARNING, fake_trainer, making
from tests.models import SHIPPED
from tests.training_takes import take, write

MAKING = making(str(SHIPPED / "snare_1.safetensors"))


class Recordings:
    """Files of a folder by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("take", "other take"):
            (folder / f"{name}.wav").write_bytes(name.encode())

    def path(self, name: str) -> Path:
        path = self.folder / f"{name}.wav"
        if not path.exists():
            raise NotFoundError("recording", "the name of a recording", name)
        return path


class Bench:
    """Jobs over a folder, and everything that was told of them."""

    def __init__(self, folder: Path, program: str = MAKING, **limits: float) -> None:
        self.folder = folder / "jobs"
        recordings = folder / "recordings"
        self.recordings = Recordings(recordings) if not recordings.exists() else Recordings.__new__(Recordings)
        self.recordings.folder = recordings
        self.library = Library(folder / "own")
        self.news: list[dict[str, Any]] = []
        self._told = asyncio.Event()
        bulletin = Bulletin()
        bulletin.subscribe(self._note)
        command = fake_trainer(program) if program else TRAIN_COMMAND
        self.jobs = TrainingJobs(
            self.folder,
            self.recordings,
            self.library,
            bulletin,
            JobLimits(**limits),
            command,  # type: ignore[arg-type]
        )

    def _note(self, kind: str, data: dict[str, Any]) -> None:
        assert kind == "job"
        self.news.append(json.loads(json.dumps(data, allow_nan=False)))
        self._told.set()

    async def submit(self, *recordings: str, **fields: Any) -> Job:
        return await self.jobs.submit(JobRequest(recordings or ("take",), **fields))

    async def until(self, job: Job, **members: Any) -> None:
        """Wait until what is told of a job has these members."""
        while not any(
            news["id"] == job.id and all(news[name] == value for name, value in members.items()) for news in self.news
        ):
            self._told.clear()
            await asyncio.wait_for(self._told.wait(), 60)

    async def over(self, job: Job) -> Job:
        """Wait until it is told that a job is over."""
        while not any(news["id"] == job.id and news["state"] not in ("queued", "running") for news in self.news):
            self._told.clear()
            await asyncio.wait_for(self._told.wait(), 120)
        return job

    async def learning(self, job: Job) -> int:
        """Wait for the first epoch; returns the number of the process."""
        while not job.progress:
            self._told.clear()
            await asyncio.wait_for(self._told.wait(), 120)
        pid = self.jobs.pid
        assert pid is not None
        return pid

    def left(self, job: Job) -> set[str]:
        return {path.relative_to(self.folder / job.id).as_posix() for path in (self.folder / job.id).rglob("*")}


@contextlib.asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Bench]:
    await bench.jobs.start()
    try:
        yield bench
    finally:
        await bench.jobs.stop()


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: name)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_job_gives_a_model(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            job = await bench.submit("take", "other take", name="mine", preset="snare_1", seed=3)
            await bench.until(job, state="done")
            assert (job.state, job.model) == ("done", "mine")
            assert (job.progress["epoch"], job.progress["left_s"]) == (2, 0.0)
            assert job.hits["hits"] == 20
            assert job.result["ending"] == "finished"
            assert job.created_s <= job.started_s <= job.ended_s
            assert bench.library.model("mine").synth == "snare808"
            files = await bench.jobs.files(job.id)
            assert list(files) == ["model.safetensors", "report/audio/all_hits.wav", "report/index.html"]
            assert bench.left(job) == {*files, "job.json", "report", "report/audio"}
            assert bench.news[0]["state"] == "queued"
            assert {"starting", "reading", "training"} <= {news["stage"] for news in bench.news}

    asyncio.run(go())


def test_what_was_asked_reaches_the_process(tmp_path):
    program = 'say(hits={"options": options, "recordings": recordings})' + MAKING.replace("say(hits=", "dict(hits=")

    async def go() -> None:
        async with running(Bench(tmp_path, program)) as bench:
            request: dict[str, Any] = {"name": "m", "preset": "snare_3", "recipe": "nime2024", "seed": 7, "epochs": 5}
            request |= {"channel": 0, "licence": "CC0-1.0", "onset": {"hold_ms": 30.0}}
            job = await bench.over(await bench.submit("other take", "take", **request))
            assert job.state == "done", job.error
            assert job.hits["recordings"] == ["recordings/other take.wav", "recordings/take.wav"]
            given = job.hits["options"]
            assert given["--preset"] == "./preset.json"
            wanted = {"--name": "m", "--recipe": "nime2024", "--seed": "7", "--epochs": "5", "--channel": "mix"}
            wanted |= {"--licence": "CC0-1.0", "--set": "onset.hold_ms=30.0", "--progress": "json"}
            assert wanted.items() <= given.items()

    asyncio.run(go())


def test_one_after_the_other(tmp_path):
    program = "running = pathlib.Path('../running')\nrunning.touch(exist_ok=False)\n" + MAKING + "running.unlink()\n"

    async def go() -> None:
        async with running(Bench(tmp_path, program)) as bench:
            jobs = [await bench.submit(name=f"m{i}") for i in range(3)]
            assert bench.jobs.waiting() >= 2
            for job in jobs:
                assert (await bench.over(job)).state == "done", job.error
            assert [job.started_s for job in jobs] == sorted(job.started_s for job in jobs)

    asyncio.run(go())


def test_the_queue_is_bounded(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, LEARNING, queue=1)) as bench:
            await bench.learning(await bench.submit(name="a"))
            await bench.submit(name="b")
            with pytest.raises(BusyError, match="waiting already"):
                await bench.submit(name="c")
            assert len(list(bench.folder.iterdir())) == 2

    asyncio.run(go())


def test_a_job_is_cancelled_with_all_it_has_started(tmp_path):
    program = "subprocess.Popen(['sleep', '600'], stdout=open('../../alive', 'w'))\n" + LEARNING
    os.mkfifo(tmp_path / "alive")

    async def go() -> None:
        async with running(Bench(tmp_path, program)) as bench:
            end_of_all = asyncio.create_task(asyncio.to_thread((tmp_path / "alive").read_bytes))
            first, second = await bench.submit(name="a"), await bench.submit(name="b")
            pid = await bench.learning(first)
            assert (await bench.jobs.cancel(second.id)).state == "cancelled"
            assert second.started_s == 0.0
            assert (await bench.jobs.cancel(first.id)).state == "cancelled"
            assert not is_alive(pid)
            await asyncio.wait_for(end_of_all, 30)
            assert bench.left(first) == bench.left(second) == {"job.json"}
            assert bench.jobs.pid is None
            with pytest.raises(ConflictError, match="not over"):
                await bench.jobs.cancel(first.id)

    asyncio.run(go())


def test_a_job_that_is_cancelled_makes_way_for_the_next(tmp_path):
    async def go() -> None:
        program = f"if options['--name'] == 'a':\n    epoch(1, 9)\n    wait_for_parent()\n{MAKING}"
        async with running(Bench(tmp_path, program)) as bench:
            first, second = await bench.submit(name="a"), await bench.submit(name="b")
            await bench.learning(first)
            await bench.jobs.cancel(first.id)
            assert (await bench.over(second)).state == "done"

    asyncio.run(go())


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed; the machine may have run out of memory"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "died of SIGSEGV"),
        ("sys.exit('remapd: nothing to be learnt')", "failed: nothing to be learnt"),
        ("sys.exit(3)", "failed: status 3"),
        ('print("no JSON"); print("[1]"); sys.exit("x" * 100000)', "failed: xxx"),
        ("print('x' * (1 << 21)); sys.exit('much was said')", "much was said"),
        ("pass", "cannot be read"),
        ("pathlib.Path(options['--output']).write_bytes(b'half a model')", "damaged"),
        ("say(error={'text': 'take.wav: only 3 hits'}); sys.exit(1)", "take.wav: only 3 hits"),
        ("subprocess.Popen(['sleep', '600']); sys.exit('left something behind')", "left something behind"),
    ],
)
def test_however_it_ends_it_is_told_and_nothing_is_left(tmp_path, program, words):
    async def go() -> None:
        wasteful = "pathlib.Path(os.environ['TMPDIR'], 'temporary').write_text('x')\n" + program
        async with running(Bench(tmp_path, wasteful)) as bench:
            job = await bench.over(await bench.submit(name="mine"))
            assert job.state == "failed"
            assert words in job.error["text"]
            assert bench.left(job) == {"job.json"}
            assert "mine" not in bench.library.models()

    asyncio.run(go())


def test_kill_9_while_it_learns(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, LEARNING)) as bench:
            job = await bench.submit()
            os.kill(await bench.learning(job), signal.SIGKILL)
            await bench.over(job)
            assert (job.state, "was killed" in job.error["text"]) == ("failed", True)
            assert bench.left(job) == {"job.json"}

    asyncio.run(go())


def test_a_job_that_takes_too_long_is_ended(tmp_path):
    said: list[Any] = []
    process = JobProcess(fake_trainer(LEARNING), tmp_path, said.append, 0.5)
    with pytest.raises(TrainingError, match="longer than 0 s"):
        process.run()
    assert process.pid is None


def test_finishing_keeps_what_was_learnt(tmp_path):
    program = f"""
def finish(*_):
{chr(10).join("    " + line for line in MAKING.splitlines())}
    os._exit(0)
signal.signal(signal.SIGTERM, finish)
say(stage="training")
wait_for_start = sys.stdin
epoch(1, 100)
signal.pause()
"""

    async def go() -> None:
        async with running(Bench(tmp_path, program)) as bench:
            job, later = await bench.submit(name="a"), await bench.submit(name="b")
            with pytest.raises(ConflictError, match="trained for an epoch"):
                bench.jobs.finish(later.id)
            await bench.learning(job)
            bench.jobs.finish(job.id)
            assert (await bench.over(job)).state == "done"
            assert job.model == "a"

    asyncio.run(go())


def test_the_end_of_the_service_ends_the_job_and_is_told_at_the_next_start(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, LEARNING)) as bench:
            job, waiting = await bench.submit(name="a"), await bench.submit(name="b")
            pid = await bench.learning(job)
        assert not is_alive(pid)
        async with running(Bench(tmp_path, MAKING)) as bench:
            again = bench.jobs.job(job.id)
            assert (again.state, "start it again" in again.error["text"]) == ("failed", True)
            assert (await bench.over(bench.jobs.job(waiting.id))).state == "done"

    asyncio.run(go())


def test_what_a_service_that_was_killed_has_left_is_tidied_up(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, LEARNING)) as bench:
            job = await bench.submit(name="a")
            await bench.learning(job)
            card = (bench.folder / job.id / "job.json").read_bytes()
            assert json.loads(card)["state"] == "running"
        (bench.folder / job.id / "job.json").write_bytes(card)
        (bench.folder / job.id / "model.safetensors.checkpoint").write_bytes(b"x")
        (bench.folder / "broken").mkdir()
        (bench.folder / "broken" / "job.json").write_bytes(card[:100])
        async with running(Bench(tmp_path)) as bench:
            assert [one.state for one in bench.jobs.jobs()] == ["failed"]
            assert bench.left(job) == {"job.json"}

    asyncio.run(go())


def test_the_number_of_jobs_is_bounded_and_the_oldest_go(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, kept=2)) as bench:
            jobs = [await bench.over(await bench.submit(name=f"m{i}")) for i in range(3)]
            assert [job.id for job in bench.jobs.jobs()] == [job.id for job in jobs[1:]]
            assert {path.name for path in bench.folder.iterdir()} == {job.id for job in jobs[1:]}
            await bench.jobs.delete(jobs[2].id)
            with pytest.raises(NotFoundError):
                bench.jobs.job(jobs[2].id)
            assert not (bench.folder / jobs[2].id).exists()
            assert "m2" in bench.library.models()
            assert bench.news[-1] == {"id": jobs[2].id, "state": "deleted"}

    asyncio.run(go())


def test_a_job_that_is_not_over_is_not_deleted(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path, LEARNING)) as bench:
            job = await bench.submit()
            with pytest.raises(ConflictError, match="cancel it first"):
                await bench.jobs.delete(job.id)

    asyncio.run(go())


def test_a_name_that_is_taken_is_refused_or_replaced_as_asked(tmp_path):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            await bench.over(await bench.submit(name="mine"))
            with pytest.raises(ConflictError, match="name"):
                await bench.submit(name="mine")
            assert (await bench.over(await bench.submit(name="mine", replace=True))).model == "mine"

    asyncio.run(go())


def test_a_name_that_is_taken_meanwhile_stays_with_who_took_it(tmp_path):
    os.mkfifo(tmp_path / "go")

    async def go() -> None:
        async with running(Bench(tmp_path, "open('../../go').read()\n" + MAKING)) as bench:
            job, other = await bench.submit(name="late"), (SHIPPED / "snare_2.safetensors").read_bytes()
            await asyncio.to_thread(bench.library.put_model, "late", other)
            await asyncio.to_thread((tmp_path / "go").write_text, "go")
            assert (await bench.over(job)).model == f"late_{job.id}"
            assert bench.library.model_entry("late").content() == other

    asyncio.run(go())


def test_a_full_disk_is_told_and_the_model_stays_with_the_job(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise DiskFullError("model cannot be written: No space left on device")

    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            monkeypatch.setattr(bench.library, "put_model", full)
            job = await bench.over(await bench.submit())
            assert (job.state, "No space left" in job.error["text"]) == ("failed", True)
            assert "model.safetensors" in await bench.jobs.files(job.id)

    asyncio.run(go())


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"recordings": ()}, FieldError, "recordings"),
        ({"recordings": ("take", "take")}, FieldError, "recordings"),
        ({"recordings": ("../take",)}, FieldError, "recordings"),
        ({"recordings": ("nothing",)}, NotFoundError, "recording"),
        ({"name": "../mine"}, FieldError, "name"),
        ({"name": "snare_1"}, ConflictError, "name"),
        ({"preset": "snare_9"}, NotFoundError, "preset"),
        ({"preset": "snare_1", "synth": "kick808"}, FieldError, "preset"),
        ({"synth": "snare909"}, FieldError, "synth"),
        ({"recipe": "nime2025"}, FieldError, "recipe"),
        ({"seed": -1}, FieldError, "seed"),
        ({"epochs": 0.5}, FieldError, "epochs"),
        ({"channel": 65}, FieldError, "channel"),
        ({"licence": ""}, FieldError, "licence"),
        ({"onset": {"hold_ms": 900}}, FieldError, "onset.hold_ms"),
        ({"onset": {"hold": 9}}, FieldError, "onset"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(tmp_path, fields, error, field):
    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            with pytest.raises(error) as raised:
                await bench.jobs.submit(JobRequest(**{"recordings": ("take",), **fields}))
            assert raised.value.field == field
            assert bench.jobs.jobs() == []
            assert not bench.folder.exists() or not list(bench.folder.iterdir())

    asyncio.run(go())


def test_without_torch_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)

    async def go() -> None:
        async with running(Bench(tmp_path)) as bench:
            with pytest.raises(NotInstalledError, match=r"pip install 'remapd\[train\]'"):
                await bench.submit()

    asyncio.run(go())


def test_no_secret_reaches_the_process(tmp_path, monkeypatch):
    monkeypatch.setenv("REMAPD_HTTP__TOKEN", "s3cr3t")
    program = 'say(hits={"names": [name for name in os.environ if "s3cr3t" in os.environ[name]]})' + MAKING.replace(
        "say(hits=", "dict(hits="
    )

    async def go() -> None:
        async with running(Bench(tmp_path, program)) as bench:
            assert (await bench.over(await bench.submit())).hits == {"names": []}

    asyncio.run(go())


def test_a_real_training(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.undo()

    async def go() -> None:
        async with running(Bench(tmp_path, "")) as bench:
            write(tmp_path / "recordings" / "take.wav", take())
            job = await bench.over(await bench.submit(recipe="nime2024", epochs=2, name="mine"))
            assert job.state == "done", job.error
            assert (job.progress["epoch"], job.result["epochs"], job.hits["recordings"]) == (2, 2, 1)
            assert load_model(tmp_path / "own" / "mine.safetensors").provenance["data.files"] == "1: take.wav"
            assert {"model.safetensors", "report/index.html"} <= (await bench.jobs.files(job.id)).keys()

    asyncio.run(go())


def test_a_real_training_that_is_refused_names_no_folder_of_ours(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.undo()

    async def go() -> None:
        async with running(Bench(tmp_path, "")) as bench:
            write(tmp_path / "recordings" / "take.wav", take(count=3))
            job = await bench.over(await bench.submit(recipe="nime2024", epochs=2, name="mine"))
            assert job.state == "failed"
            assert "take.wav: only 3 hits" in job.error["text"]
            assert str(tmp_path) not in json.dumps(job.document())

    asyncio.run(go())
