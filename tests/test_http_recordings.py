"""Recordings over REST: the recorder, uploads, downloads and what is refused."""

from __future__ import annotations

from pathlib import Path

import httpx

from remapd.control.http.front import make_policy
from remapd.control.http.problems import Problem
from remapd.control.http.recordings import RecorderState, RecordingRow
from tests.plane import make_plane, with_client
from tests.recording_host import RATE, RecordingHost, write_noise

RECORDINGS, RECORDER = "/api/v1/recordings", "/api/v1/recorder"


def test_the_input_is_recorded_listed_and_downloaded(tmp_path: Path) -> None:
    plane = make_plane(tmp_path, host=RecordingHost())

    async def act(client: httpx.AsyncClient) -> None:
        assert RecorderState.model_validate((await client.get(RECORDER)).json()).state == "idle"
        begun = await client.post(f"{RECORDER}/start", json={"name": "take", "format": "flac", "longest_s": 30})
        assert RecorderState.model_validate(begun.json()).state == "recording"
        again = await client.post(f"{RECORDER}/start")
        assert (again.status_code, again.json()["field"]) == (409, "recording")
        stopped = RecordingRow.model_validate((await client.post(f"{RECORDER}/stop")).json())
        assert stopped.name == "take"
        stored = RecordingRow.model_validate((await client.get(f"{RECORDINGS}/take")).json())
        assert stored.info is not None
        assert (stored.name, stored.file, stored.info.sample_rate_hz) == ("take", "take.flac", RATE)
        assert (await client.get(RECORDINGS)).json() == [stored.model_dump()]
        file = await client.get(f"{RECORDINGS}/take/file")
        content = (plane.directories.recordings / "take.flac").read_bytes()
        assert file.content == content
        assert file.headers["content-disposition"] == 'attachment; filename="take.flac"'
        part = await client.get(f"{RECORDINGS}/take/file", headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, content[10:20])
        beyond = await client.get(f"{RECORDINGS}/take/file", headers={"Range": "bytes=99999999-"})
        assert beyond.status_code == 416
        assert (await client.post(f"{RECORDER}/stop")).status_code == 409

    with_client(plane, act, policy=make_policy(plane.config, ""))


def test_an_upload_is_stored_renamed_and_deleted(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    content = write_noise(tmp_path / "any.wav").read_bytes()

    async def act(client: httpx.AsyncClient) -> None:
        stored = await client.put(f"{RECORDINGS}/my%20take", content=content)
        assert (stored.status_code, stored.headers["location"]) == (201, f"{RECORDINGS}/my%20take")
        assert RecordingRow.model_validate(stored.json()).file == "my take.wav"
        taken = await client.put(f"{RECORDINGS}/my%20take", content=content)
        assert (taken.status_code, taken.json()["field"]) == (409, "name")
        renamed = await client.post(f"{RECORDINGS}/my%20take/rename", json={"new_name": "b"})
        assert renamed.json()["name"] == "b"
        assert (await client.get(f"{RECORDINGS}/b")).json()["info"]["duration_s"] == 1.0
        assert (await client.delete(f"{RECORDINGS}/b")).status_code == 204
        assert (await client.get(RECORDINGS)).json() == []
        gone = await client.get(f"{RECORDINGS}/b")
        assert (gone.status_code, Problem.model_validate(gone.json()).field) == (404, "recording")

    with_client(plane, act, policy=make_policy(plane.config, ""))


def test_what_does_not_fit_is_refused_by_field(tmp_path: Path) -> None:
    plane = make_plane(tmp_path, settings={"recordings": {"upload_mb": 1}}, host=RecordingHost(fault="No such device"))

    async def act(client: httpx.AsyncClient) -> None:
        for method, place, body, status, word in (
            ("PUT", f"{RECORDINGS}/bad", b"no sound", 422, "no audio file"),
            ("PUT", f"{RECORDINGS}/large", bytes(1_100_000), 413, "larger"),
            ("PUT", f"{RECORDINGS}/..%2Fbad", b"", 404, ""),
            ("PUT", f"{RECORDINGS}/.bad", b"", 422, "name"),
            ("POST", f"{RECORDER}/start", b'{"format": "mp3"}', 422, "format"),
            ("POST", f"{RECORDER}/start", b'{"longest_s": 1e12}', 422, "longest_s"),
            ("POST", f"{RECORDER}/start", b'{"colour": 1}', 422, "colour"),
            ("POST", f"{RECORDER}/start", b"{}", 422, "No such device"),
            ("POST", f"{RECORDER}/stop", b"", 409, "recording"),
            ("DELETE", f"{RECORDINGS}/none", b"", 404, "none"),
        ):
            answer = await client.request(method, place, content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, word in answer.text) == (status, True), (place, answer.text)
            assert str(tmp_path) not in answer.text
        assert list(plane.directories.recordings.iterdir()) == []
        plane.host.playing = None  # type: ignore[misc]
        assert (await client.post(f"{RECORDER}/start")).status_code == 503

    with_client(plane, act, policy=make_policy(plane.config, ""))
