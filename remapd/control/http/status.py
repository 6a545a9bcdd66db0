"""What runs and how well: state, device, load, late blocks, latency by stage, tracks, versions."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

import remapd
from remapd.control.http.answers import json_answer
from remapd.control.http.tracks import Track, track_rows
from remapd.control.watching.latency import STAGES

if TYPE_CHECKING:
    from remapd.control.plane import Plane
    from remapd.engine.status import EngineStatus
    from remapd.engine_process import Playing


class Device(BaseModel):
    """The audio device as it really is."""

    input: str
    output: str
    sample_rate_hz: float
    block_frames: int = Field(description="Frames that the device asks for at a time.")
    input_channels: int
    output_channels: int
    input_latency_ms: float = Field(description="As the device says.")
    output_latency_ms: float = Field(description="As the device says.")
    realtime: bool = Field(description="Whether the audio thread has real-time priority.")
    memory_locked: bool


class EngineState(BaseModel):
    """The engine process."""

    pid: int | None
    starts: int = Field(description="How many engine processes there have been.")
    seconds: float = Field(description="For how long it has played.")


class CallbackTimes(BaseModel):
    """Duration of the audio callback."""

    p50_us: float
    p99_us: float
    max_us: float
    load: float = Field(description="Median as a part of the time there is.")


class Faults(BaseModel):
    """What must not happen."""

    xruns: int = Field(description="Blocks that came late.")
    non_finite: int = Field(description="Samples that were no numbers.")
    hits_dropped: int = Field(description="Hits that found no room in the ring of events.")
    events_lost: int = Field(description="Events that the ring overwrote before they were read.")


class Latency(BaseModel):
    """Time of the last hits in a stage, in ms."""

    hits: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Output(BaseModel):
    """Levels of the output in dBFS."""

    peak_db: tuple[float, float]
    limiter_db: float


class TrackStatus(Track):
    """What a track plays and what it hears."""

    hits: int
    rejected: dict[str, int] = Field(description="Candidates that were not taken for hits, by reason.")
    peak_db: float


class Status(BaseModel):
    """Everything about the service at a moment."""

    state: Literal["playing", "waiting"] = Field(description="Waiting means that there is no audio at the moment.")
    device: Device | None = Field(description="Null while there is no audio.")
    engine: EngineState
    callback: CallbackTimes
    faults: Faults
    latency: dict[str, Latency] = Field(description="; ".join(f"{name}: {text}" for name, text in STAGES.items()))
    output: Output
    tracks: list[TrackStatus]
    revision: int = Field(description="Of the tree.")
    uptime_s: float = Field(description="Of the control process.")
    versions: dict[str, str]


_VERSIONS = {"remapd": remapd.__version__, "python": platform.python_version(), "system": platform.platform()}


def router(plane: Plane) -> APIRouter:
    """Route of the status."""
    routes = APIRouter(tags=["status"])
    began_s = time.monotonic()

    @routes.get("/status", response_model=Status)
    async def read_status() -> Response:
        """State, device, load, faults, latency by stage, tracks and versions."""
        return json_answer({**_status(plane), "uptime_s": round(time.monotonic() - began_s, 3)})

    return routes


def _status(plane: Plane) -> dict[str, Any]:
    status, playing = plane.status(), plane.host.playing
    return {
        "state": "waiting" if playing is None else "playing",
        "device": None if playing is None else _device(playing),
        "engine": {"pid": plane.host.engine_pid, "starts": plane.host.starts, "seconds": round(status.seconds, 3)},
        "callback": _callback(status),
        "faults": _faults(status, plane.events.lost),
        "latency": plane.metrics.latency.summary(),
        "output": {"peak_db": [round(x, 2) for x in status.peak_db], "limiter_db": round(status.limiter_db, 2)},
        "tracks": _tracks(plane, status),
        "revision": plane.controller.revision,
        "versions": _VERSIONS,
    }


def _device(playing: Playing) -> dict[str, Any]:
    stream = playing.stream
    return {
        "input": stream.input_name,
        "output": stream.output_name,
        "sample_rate_hz": stream.sample_rate,
        "block_frames": playing.block_frames,
        "input_channels": stream.input_channels,
        "output_channels": stream.output_channels,
        "input_latency_ms": round(1e3 * stream.input_latency_s, 3),
        "output_latency_ms": round(1e3 * stream.output_latency_s, 3),
        "realtime": playing.realtime,
        "memory_locked": playing.memory_locked,
    }


def _callback(status: EngineStatus) -> dict[str, float]:
    return {
        "p50_us": status.callback_us_p50,
        "p99_us": status.callback_us_p99,
        "max_us": status.callback_us_max,
        "load": round(status.load, 5),
    }


def _faults(status: EngineStatus, lost: int) -> dict[str, int]:
    return {
        "xruns": status.xruns,
        "non_finite": status.non_finite,
        "hits_dropped": status.hits_dropped,
        "events_lost": lost,
    }


def _tracks(plane: Plane, status: EngineStatus) -> list[dict[str, Any]]:
    measured = zip(status.hits, status.track_rejected, status.track_peak_db, strict=True)
    return [
        {**row, "hits": hits, "rejected": rejected, "peak_db": round(peak_db, 2)}
        for row, (hits, rejected, peak_db) in zip(track_rows(plane.controller), measured, strict=False)
    ]
