"""Documents of the service as types; a service that is newer may have more members."""

from __future__ import annotations

from typing import Any, TypedDict

#: Value of a control.
Value = float | int | bool | str
Values = dict[str, Value]
#: One that is passed on as it is.
Document = dict[str, Any]


class Control(TypedDict):
    """A control with all its attributes; `value` is None for an action."""

    path: str
    kind: str
    description: str
    unit: str
    minimum: float | None
    maximum: float | None
    curve: str | None
    default: Value | None
    choices_of: str
    osc: bool
    midi: bool
    restarts: bool
    track: int
    choices: list[str]
    value: Value | None


class Track(TypedDict):
    """What a track plays; tracks count from 1."""

    number: int
    model: str
    preset: str
    synth: str
    input_channel: int


class TrackStatus(Track):
    """A track and what it did."""

    hits: int
    rejected: dict[str, int]
    peak_db: float


class Status(TypedDict):
    """What runs and how well."""

    state: str
    device: Document | None
    engine: Document
    callback: dict[str, float]
    faults: dict[str, int]
    latency: dict[str, dict[str, float]]
    output: Document
    tracks: list[TrackStatus]
    revision: int
    versions: dict[str, str]
    uptime_s: float


class LibraryRow(TypedDict):
    """A preset, or the most of a model; `problem` says what is wrong with a file."""

    name: str
    is_own: bool
    size_bytes: int
    modified_s: float
    synth: str | None
    description: str | None
    problem: str | None


class SessionRow(TypedDict):
    """A session that was saved."""

    name: str
    size_bytes: int
    modified_s: float


class RecordingRow(TypedDict):
    """A recording; `info` is None until it was read."""

    name: str
    file: str
    size_bytes: int
    modified_s: float
    info: Document | None
    problem: str


class RecorderState(TypedDict):
    """The recording under way, or the last one."""

    state: str
    name: str
    seconds: float
    dropped_frames: int
    error: str


class Job(TypedDict):
    """A training job."""

    id: str
    state: str
    request: Document
    created_s: float
    started_s: float
    ended_s: float
    stage: str
    progress: dict[str, float | None]
    hits: Document
    result: Document
    model: str
    error: Document
