"""Recording, and training from recordings."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any, cast

from remapd_client.documents import Job, RecorderState, RecordingRow
from remapd_client.transport import Transport, named


class Recordings:
    """The recorder, and what was recorded or uploaded."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[RecordingRow]:
        """All recordings."""
        return cast("list[RecordingRow]", self._transport.get("/recordings"))

    def get(self, name: str) -> RecordingRow:
        """A recording and what is in it."""
        return cast(RecordingRow, self._transport.get(_recording(name)))

    def state(self) -> RecorderState:
        """Whether the input is being recorded."""
        return cast(RecorderState, self._transport.get("/recorder"))

    def start(self, name: str | None = None, format: str = "wav", longest_s: float | None = None) -> RecorderState:
        """Record all channels of the input from now on."""
        asked = {"name": name, "format": format, "longest_s": longest_s}
        return cast(RecorderState, self._transport.send("POST", "/recorder/start", asked))

    def stop(self) -> RecordingRow:
        """End the recording under way."""
        return cast(RecordingRow, self._transport.send("POST", "/recorder/stop"))

    def put(self, name: str, content: bytes) -> RecordingRow:
        """Store an audio file; nothing is replaced."""
        return cast(RecordingRow, self._transport.upload(_recording(name), content))

    def file(self, name: str) -> bytes:
        """The file of a recording."""
        return self._transport.content(_recording(name) + "/file")

    def rename(self, name: str, new_name: str) -> RecordingRow:
        """Give a recording another name."""
        return cast(RecordingRow, self._transport.send("POST", f"{_recording(name)}/rename", {"new_name": new_name}))

    def delete(self, name: str) -> None:
        """Delete a recording."""
        self._transport.send("DELETE", _recording(name))


class Jobs:
    """Training jobs; their progress comes with the topic ``jobs`` of the events."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Job]:
        """All jobs that are remembered."""
        return cast("list[Job]", self._transport.get("/jobs"))

    def get(self, identity: str) -> Job:
        """How far a job is, or how it ended."""
        return cast(Job, self._transport.get(_job(identity)))

    def submit(self, recordings: Sequence[str], **more: Any) -> Job:
        """Have a model trained; `more` are members such as ``preset``, ``recipe`` and ``name``."""
        return cast(Job, self._transport.send("POST", "/jobs", {"recordings": list(recordings), **more}))

    def cancel(self, identity: str) -> Job:
        """End a job at once; nothing of it is kept."""
        return cast(Job, self._transport.send("POST", f"{_job(identity)}/cancel"))

    def finish(self, identity: str) -> Job:
        """End the training after this epoch, and keep what was learnt so far."""
        return cast(Job, self._transport.send("POST", f"{_job(identity)}/finish"))

    def delete(self, identity: str) -> None:
        """Forget a job that is over."""
        self._transport.send("DELETE", _job(identity))

    def files(self, identity: str) -> builtins.list[str]:
        """Names of the files that a job has made."""
        return cast("list[str]", self._transport.get(f"{_job(identity)}/files"))

    def file(self, identity: str, name: str) -> bytes:
        """One of the files that a job has made."""
        return self._transport.content(f"{_job(identity)}/files/{'/'.join(map(named, name.split('/')))}")

    def recipes(self) -> dict[str, str]:
        """How models can be trained, and what each is for."""
        return cast("dict[str, str]", self._transport.get("/recipes"))


def _recording(name: str) -> str:
    return f"/recordings/{named(name)}"


def _job(identity: str) -> str:
    return f"/jobs/{named(identity)}"
