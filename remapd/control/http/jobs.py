"""Training jobs over REST."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse, Response

from remapd.control.http.answers import BYTES, bytes_content, json_answer
from remapd.control.http.names import NewName
from remapd.control.http.problems import not_found, responses
from remapd.control.jobs.request import (
    CHANNEL,
    DEFAULT_LICENCE,
    DEFAULT_RECIPE,
    EPOCHS,
    MAX_RECORDINGS,
    SEED,
    JobRequest,
)
from remapd.mapping.bundle import MAX_LICENCE_LENGTH

if TYPE_CHECKING:
    from remapd.control.plane import Plane

JobId = Annotated[
    str, Path(pattern="^[0-9a-f]{12}$", description="Id of the job, as the list has it.", examples=["5f3a09c1b2d4"])
]

#: Files of a report that a browser may open; the rest is for storing.
_SHOWN = {".html": "text/html; charset=utf-8", ".json": "application/json", ".wav": "audio/wav"}
#: A report holds its style, and links to sounds beside it; nothing in it runs.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin"
)
_REQUEST: dict[str, Any] = {"recordings": ["take one"], "name": "my snare", "preset": "snare_1"}


class TrainingRequest(BaseModel):
    """What is to be trained, and from what."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _REQUEST})
    recordings: list[NewName] = Field(min_length=1, max_length=MAX_RECORDINGS, description="Names of recordings.")
    name: NewName | None = Field(None, description="Of the model; by default that of the first recording.")
    preset: NewName | None = Field(None, description="Sound that is modulated; by default one of the synth's.")
    synth: str = Field("", max_length=64, description="Synthesiser; by default the preset's.")
    recipe: str = Field(DEFAULT_RECIPE, max_length=40, description="How to train, one of `/recipes`.")
    seed: int = Field(0, ge=SEED.minimum, le=SEED.maximum, description=SEED.description)
    epochs: int = Field(0, ge=EPOCHS.minimum, le=EPOCHS.maximum, description=EPOCHS.description)
    channel: int = Field(1, ge=CHANNEL.minimum, le=CHANNEL.maximum, description=CHANNEL.description)
    licence: str = Field(DEFAULT_LICENCE, min_length=1, max_length=MAX_LICENCE_LENGTH, description="Of the model.")
    onset: dict[str, float] = Field(default_factory=dict, description="Parameters of the detector, by name.")
    replace: bool = Field(False, description="Whether a model of that name may be replaced.")

    def request(self) -> JobRequest:
        """What it asks, checked."""
        values = self.model_dump()
        return JobRequest(
            **{**values, "recordings": tuple(self.recordings), "name": self.name or "", "preset": self.preset or ""}
        )


class JobDescription(BaseModel):
    """A training job."""

    id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    request: dict[str, Any] = Field(description="What was asked.")
    created_s: float = Field(description="In seconds since 1970, as the other times.")
    started_s: float = Field(description="0 if it has not been started.")
    ended_s: float = Field(description="0 if it is not over.")
    stage: str = Field(description="What it does: starting, compiling, reading, training, judging or writing.")
    progress: dict[str, float | None] = Field(
        description="Epochs done and to do, losses, and the time left in seconds; empty before the first epoch."
    )
    hits: dict[str, Any] = Field(description="What was found in the recordings.")
    result: dict[str, Any] = Field(description="What came out.")
    model: str = Field(description="Name of the model in the library; empty if there is none.")
    error: dict[str, Any] = Field(description="Why it failed: text and, of a field, field, expected and got.")


def router(plane: Plane) -> APIRouter:
    """Routes of the training jobs."""
    routes = APIRouter(tags=["jobs"])
    jobs = plane.jobs

    @routes.get("/jobs", response_model=list[JobDescription])
    async def list_jobs() -> Response:
        """All jobs that are remembered, in the order in which they were asked for."""
        return json_answer([job.document() for job in jobs.jobs()])

    @routes.post("/jobs", status_code=201, response_model=JobDescription, responses=responses(404, 409, 501, 503, 507))
    async def submit(wanted: TrainingRequest) -> Response:
        """Have a model trained from recordings; its progress is told over the WebSocket. 501 without the extra."""
        job = await jobs.submit(wanted.request())
        return json_answer(job.document(), status=201, location=f"/api/v1/jobs/{job.id}")

    @routes.get("/recipes", response_model=dict[str, str])
    async def list_recipes() -> Response:
        """How models can be trained: names of the recipes, and what they are for."""
        return json_answer(await jobs.recipes.all())

    @routes.get("/jobs/{job_id}", response_model=JobDescription, responses=responses(404))
    async def read_job(job_id: JobId) -> Response:
        """How far a job is, or how it ended."""
        return json_answer(jobs.job(job_id).document())

    @routes.delete("/jobs/{job_id}", status_code=204, responses=responses(404, 409))
    async def delete(job_id: JobId) -> None:
        """Forget a job that is over, with its report; its model stays in the library."""
        await jobs.delete(job_id)

    @routes.post("/jobs/{job_id}/cancel", response_model=JobDescription, responses=responses(404, 409))
    async def cancel(job_id: JobId) -> Response:
        """End a job at once; nothing of it is kept."""
        return json_answer((await jobs.cancel(job_id)).document())

    @routes.post("/jobs/{job_id}/finish", response_model=JobDescription, responses=responses(404, 409))
    async def finish(job_id: JobId) -> Response:
        """End its training after this epoch, and make a model of what it has learnt so far."""
        return json_answer(jobs.finish(job_id).document())

    @routes.get("/jobs/{job_id}/files", response_model=list[str], responses=responses(404))
    async def list_files(job_id: JobId) -> Response:
        """Names of the files that a job has made: its model, and its report, which begins with report/index.html."""
        return json_answer(list(await jobs.files(job_id)))

    @routes.get(
        "/jobs/{job_id}/files/{file:path}",
        response_class=Response,
        responses={200: bytes_content("The file."), 206: bytes_content("A part of it."), **_FILE},
    )
    async def read_file(
        job_id: JobId, file: Annotated[str, Path(max_length=200, examples=["report/index.html"])]
    ) -> Response:
        """One of the files that a job has made."""
        files = await jobs.files(job_id)
        if file not in files:
            raise not_found("file", file, files)
        kind = _SHOWN.get(PurePosixPath(file).suffix, BYTES)
        headers = {"Content-Security-Policy": _REPORT_POLICY}
        if kind == BYTES:
            return FileResponse(files[file], headers=headers, media_type=kind, filename=PurePosixPath(file).name)
        return FileResponse(files[file], headers=headers, media_type=kind)

    return routes


_FILE: dict[int | str, dict[str, Any]] = {
    **responses(404),
    400: {"description": "The header Range is malformed."},
    416: {"description": "The file has no such part."},
}
