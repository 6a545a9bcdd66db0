"""Training jobs over REST, from a recording to a model that plays, and without what training needs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from remapd import extras
from remapd.control.http.jobs import JobDescription
from remapd.control.jobs.training_jobs import TrainingJobs
from remapd.control.plane import Plane
from tests.fake_trainers import LEARNING, RECIPES, fake_trainer, making
from tests.models import SHIPPED
from tests.plane import make_plane, with_client
from tests.recording_host import write_noise

JOBS = "/api/v1/jobs"
MAKING = making(str(SHIPPED / "snare_1.safetensors"))


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: name)


def job_plane(folder: Path, program: str = MAKING) -> Plane:
    plane = make_plane(folder)
    command = fake_trainer(program)
    plane.jobs = TrainingJobs(
        plane.directories.jobs, plane.recordings.store, plane.library, plane.bulletin, None, command
    )
    write_noise(plane.directories.recordings / "take.wav")
    return plane


class News:
    """News of jobs, to be waited for."""

    def __init__(self, plane: Plane) -> None:
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        plane.bulletin.subscribe(lambda kind, data: self._queue.put_nowait(data) if kind == "job" else None)

    async def until(self, **members: Any) -> None:
        while not members.items() <= (await self._queue.get()).items():
            pass


def test_from_a_recording_to_a_model_that_plays(tmp_path: Path) -> None:
    plane = job_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        news = News(plane)
        made = await client.post(JOBS, json={"recordings": ["take"], "name": "mine", "preset": "snare_1"})
        job = JobDescription.model_validate(made.json())
        assert (made.status_code, made.headers["location"]) == (201, f"{JOBS}/{job.id}")
        await news.until(id=job.id, state="done")
        done = JobDescription.model_validate((await client.get(f"{JOBS}/{job.id}")).json())
        assert (done.model, done.progress["epoch"]) == ("mine", 2)
        assert [one["id"] for one in (await client.get(JOBS)).json()] == [job.id]
        active = await client.post("/api/v1/models/mine/activate", json={"track": 1})
        assert active.json()["values"]["/track/1/model"] == "mine"
        files = (await client.get(f"{JOBS}/{job.id}/files")).json()
        assert files == ["model.safetensors", "report/audio/all_hits.wav", "report/index.html"]
        page = await client.get(f"{JOBS}/{job.id}/files/report/index.html")
        assert (page.text, page.headers["content-type"]) == ("<p>report", "text/html; charset=utf-8")
        assert "sandbox" in page.headers["content-security-policy"]
        assert "script-src" not in page.headers["content-security-policy"]
        model = await client.get(f"{JOBS}/{job.id}/files/model.safetensors")
        assert model.content == (SHIPPED / "snare_1.safetensors").read_bytes()
        assert model.headers["content-disposition"].startswith("attachment")
        assert (await client.delete(f"{JOBS}/{job.id}")).status_code == 204
        assert (await client.get(f"{JOBS}/{job.id}")).status_code == 404
        assert (await client.get("/api/v1/models/mine")).status_code == 200

    with_client(plane, act)


@pytest.mark.parametrize(
    "file",
    ["job.json", "../job.json", "report/../job.json", "report%2f..%2fjob.json", "report", "%2fetc%2fpasswd", "report/"],
)
def test_only_what_a_job_has_made_is_handed_out(tmp_path: Path, file: str) -> None:
    plane = job_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        news = News(plane)
        job = (await client.post(JOBS, json={"recordings": ["take"]})).json()
        await news.until(id=job["id"], state="done")
        answer = await client.get(httpx.URL(f"http://127.0.0.1{JOBS}/{job['id']}/files/").copy_with(
            raw_path=f"{JOBS}/{job['id']}/files/{file}".encode()
        ))  # fmt: skip
        assert answer.status_code == 404

    with_client(plane, act)


def test_a_job_is_cancelled(tmp_path: Path) -> None:
    plane = job_plane(tmp_path, LEARNING)

    async def act(client: httpx.AsyncClient) -> None:
        news = News(plane)
        job = (await client.post(JOBS, json={"recordings": ["take"]})).json()
        await news.until(id=job["id"], stage="training")
        busy = await client.delete(f"{JOBS}/{job['id']}")
        assert (busy.status_code, busy.json()["field"]) == (409, "job")
        assert (await client.post(f"{JOBS}/{job['id']}/cancel")).json()["state"] == "cancelled"
        assert (await client.post(f"{JOBS}/{job['id']}/cancel")).status_code == 409
        assert (await client.post(f"{JOBS}/{job['id']}/finish")).status_code == 409

    with_client(plane, act)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "recordings"),
        ({"recordings": []}, 422, "recordings"),
        ({"recordings": ["none"]}, 404, "recording"),
        ({"recordings": ["../take"]}, 422, "recordings.0"),
        ({"recordings": ["take"], "recipe": "nime2025"}, 422, "recipe"),
        ({"recordings": ["take"], "preset": "none"}, 404, "preset"),
        ({"recordings": ["take"], "synth": "none"}, 422, "synth"),
        ({"recordings": ["take"], "name": "velocity"}, 409, "name"),
        ({"recordings": ["take"], "onset": {"hold_ms": -1}}, 422, "onset.hold_ms"),
        ({"recordings": ["take"], "colour": "red"}, 422, "colour"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(tmp_path: Path, body: dict[str, Any], status: int, field: str) -> None:
    plane = job_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.post(JOBS, json=body)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
        assert (await client.get(JOBS)).json() == []

    with_client(plane, act)


def test_recipes_are_listed(tmp_path: Path) -> None:
    plane = job_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/v1/recipes")).json() == RECIPES

    with_client(plane, act)


def test_without_torch_501_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plane = job_plane(tmp_path)
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "torch" else name)

    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.post(JOBS, json={"recordings": ["take"]})
        assert answer.status_code == 501
        assert answer.headers["content-type"] == "application/problem+json"
        assert "pip install 'remapd[train]'" in answer.json()["detail"]

    with_client(plane, act)
