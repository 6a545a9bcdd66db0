"""Recordings over REST: the recorder, and what was recorded or uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse, Response

from remapd.control.http.answers import BYTES, bytes_body, bytes_content, json_answer
from remapd.control.http.names import Name, NewName
from remapd.control.http.problems import responses
from remapd.control.http.renaming import Renaming

if TYPE_CHECKING:
    from remapd.control.plane import Plane

_INFO = {
    "format": "FLAC", "encoding": "PCM_24", "sample_rate_hz": 48000, "channels": 2, "frames": 1440000,
    "duration_s": 30.0, "peaks": [0.71, 0.68],
}  # fmt: skip
_ROW: dict[str, Any] = {"name": "take one", "file": "take one.flac", "size_bytes": 4321000, "modified_s": 1767225600.0,
        "info": _INFO, "problem": ""}  # fmt: skip


class AudioDescription(BaseModel):
    """What is in an audio file."""

    format: str = Field(description="As libsndfile calls it.")
    encoding: str = Field(description="As libsndfile calls it.")
    sample_rate_hz: int
    channels: int
    frames: int
    duration_s: float
    peaks: list[float | None] = Field(
        description="Largest sample of each channel, 1 at full scale; null where it is no number."
    )


class RecordingRow(BaseModel):
    """A recording."""

    model_config = ConfigDict(json_schema_extra={"example": _ROW})
    name: str
    file: str = Field(description="Name of the file, with its ending.")
    size_bytes: int
    modified_s: float = Field(description="When it was last written, in seconds since 1970.")
    info: AudioDescription | None = Field(description="What is in it; null until it has been read.")
    problem: str = Field(description="Why it cannot be read; empty if nothing is wrong.")


class RecorderState(BaseModel):
    """The recording under way, or the last one."""

    state: Literal["idle", "starting", "recording", "stopping"]
    name: str = Field(description="Empty if there was none.")
    seconds: float = Field(description="Its length so far.")
    dropped_frames: int = Field(description="Frames that are missing, as the disk was too slow.")
    error: str = Field(description="Why it ended early, or is lost; empty if it did not.")


class RecordingRequest(BaseModel):
    """How to record."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "take one", "format": "flac"}})
    name: NewName | None = Field(None, description="What it is to be called; by default it is named by date and time.")
    format: Literal["wav", "flac"] = Field(
        "wav", description="WAV keeps the samples as they came; FLAC rounds them to 24 bit and takes less room."
    )
    longest_s: float | None = Field(None, description="It ends by itself after so many seconds, or when room is short.")


def router(plane: Plane) -> APIRouter:
    """Routes of the recordings."""
    routes = APIRouter(tags=["recordings"])
    recordings, recorder = plane.recordings, plane.recordings.recorder
    file_body = bytes_body("An audio file: WAV, FLAC, AIFF, Ogg, MP3...", recordings.store.limits.upload_bytes)

    @routes.get("/recorder", response_model=RecorderState)
    async def read_recorder() -> Response:
        """Whether the input is being recorded."""
        return json_answer(recorder.recording.document())

    @routes.post("/recorder/start", response_model=RecorderState, responses=responses(409, 503, 507))
    async def start(wanted: Annotated[RecordingRequest | None, Body()] = None) -> Response:
        """Record all channels of the input from now on, in the engine's process and beside what it plays."""
        how = wanted or RecordingRequest.model_validate({})
        return json_answer((await recorder.begin(how.name or "", how.format, how.longest_s)).document())

    @routes.post("/recorder/stop", response_model=RecordingRow, responses=responses(409, 503, 507))
    async def stop() -> Response:
        """End the recording under way; answers it as it is stored."""
        return json_answer((await recorder.end()).document())

    @routes.get("/recordings", response_model=list[RecordingRow])
    async def list_recordings() -> Response:
        """All recordings by name."""
        return json_answer([entry.document() for entry in await recordings.entries()])

    @routes.get("/recordings/{name}", response_model=RecordingRow, responses=responses(404))
    async def read_recording(name: Name) -> Response:
        """A recording and what is in it."""
        return json_answer((await recordings.entry(name)).document())

    @routes.get(
        "/recordings/{name}/file",
        response_class=Response,
        responses={200: bytes_content("The file."), 206: bytes_content("The part that was asked for."), **_FILE},
    )
    async def download(name: Name) -> Response:
        """The file of a recording; the header Range asks for parts of it."""
        path = (await recordings.find(name)).path
        return FileResponse(path, media_type=BYTES, filename=path.name)

    @routes.put(
        "/recordings/{name}",
        status_code=201,
        response_model=RecordingRow,
        responses=responses(409, 413, 503, 507),
        openapi_extra=file_body,
    )
    async def upload(name: Name, request: Request) -> Response:
        """Store an audio file to train from; it is read in full before it is there for anyone. Nothing is replaced."""
        entry = await recordings.upload(name, aiter(request.stream()))
        return json_answer(entry.document(), status=201, location=f"/api/v1/recordings/{name}")

    @routes.post("/recordings/{name}/rename", response_model=RecordingRow, responses=responses(404, 409, 507))
    async def rename(name: Name, names: Renaming) -> Response:
        """Give a recording another name."""
        return json_answer((await recordings.rename(name, names.new_name)).document())

    @routes.delete("/recordings/{name}", status_code=204, responses=responses(404))
    async def delete(name: Name) -> None:
        """Delete a recording."""
        await recordings.delete(name)

    return routes


_FILE: dict[int | str, dict[str, Any]] = {
    **responses(404),
    400: {"description": "The header Range is malformed."},
    416: {"description": "The file has no such part."},
}
