"""Tracks, sessions, status, devices and health over REST."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from remapd.control.http.devices import DeviceList, HostApi
from remapd.control.http.status import Status
from remapd.control.http.tracks import Track
from remapd.engine.layout import MAX_TRACKS
from remapd.errors import DeviceError
from tests.fake_host import FakeHost
from tests.plane import make_plane, with_client

API = "/api/v1"


def test_tracks_come_and_go(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        before = await client.get(f"{API}/tracks")
        new = {"model": "kick_long", "preset": "kick_short", "values": {"input_channel": 2, "onset/hold_ms": 40.0}}
        made = await client.post(f"{API}/tracks", json=new, headers={"If-Match": before.headers["etag"]})
        assert (made.status_code, made.headers["location"]) == (201, f"{API}/tree/track/2")
        assert Track.model_validate(made.json()) == Track(
            number=2, model="kick_long", preset="kick_short", synth="kick808", input_channel=2
        )
        assert plane.controller.value("/track/2/onset/hold_ms") == 40.0
        late = await client.delete(f"{API}/tracks/1", headers={"If-Match": before.headers["etag"]})
        assert late.status_code == 412
        assert (await client.delete(f"{API}/tracks/1")).status_code == 204
        assert [track["model"] for track in (await client.get(f"{API}/tracks")).json()] == ["kick_long"]
        assert (await client.delete(f"{API}/tracks/1")).status_code == 409
        assert (await client.delete(f"{API}/tracks/2")).status_code == 404

    with_client(plane, act)


@pytest.mark.parametrize(
    "new",
    [
        {"model": "/etc/passwd"},
        {"model": "../snare_1.safetensors"},
        {"model": "none such"},
        {"values": {"gain_db": 999}},
        {"values": {"nothing": 1}},
        {"preset": "kick_long"},
        {"color": "red"},
    ],
)
def test_a_track_that_does_not_fit_is_not_added(tmp_path: Path, new: dict[str, object]) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{API}/tracks", json=new)
        assert answer.status_code in (404, 422)
        assert answer.json()["field"]
        assert plane.controller.tracks == 1

    with_client(plane, act)


def test_there_are_no_more_tracks_than_the_engine_has(tmp_path: Path) -> None:
    values = {f"/track/{number}/model": "velocity" for number in range(1, MAX_TRACKS + 1)}
    plane = make_plane(tmp_path, values)

    async def act(client: httpx.AsyncClient) -> None:
        assert (await client.post(f"{API}/tracks", json={})).status_code == 422
        assert plane.controller.tracks == MAX_TRACKS

    with_client(plane, act)


def test_a_session_brings_everything_back(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        await client.post(f"{API}/tracks", json={"model": "kick_long"})
        await client.patch(f"{API}/tree", json={"/track/2/gain_db": -7.0, "/output_gain_db": -3.0})
        before = plane.controller.values()
        saved = await client.post(f"{API}/sessions", json={"name": "sunday"})
        assert (saved.status_code, saved.headers["location"]) == (201, f"{API}/sessions/sunday")
        assert (await client.post(f"{API}/sessions", json={"name": "sunday"})).status_code == 409
        assert (await client.post(f"{API}/sessions", json={"name": "sunday", "replace": True})).status_code == 201
        document = await client.get(f"{API}/sessions/sunday")
        assert document.json() == (await client.get(f"{API}/session")).json()
        await client.delete(f"{API}/tracks/2")
        await client.put(f"{API}/tree/output_gain_db", json={"value": 0})
        loaded = await client.post(f"{API}/sessions/sunday/load")
        assert loaded.json()["values"] == before == plane.controller.values()
        tag = document.headers["etag"]
        known = await client.get(f"{API}/sessions/sunday", headers={"If-None-Match": tag})
        assert known.status_code == 304
        renamed = await client.post(f"{API}/sessions/sunday/rename", json={"new_name": "monday"})
        assert renamed.json()["name"] == "monday"
        assert [row["name"] for row in (await client.get(f"{API}/sessions")).json()] == ["monday"]
        assert (await client.delete(f"{API}/sessions/monday", headers={"If-Match": '"x"'})).status_code == 412
        assert (await client.delete(f"{API}/sessions/monday")).status_code == 204
        missing = await client.post(f"{API}/sessions/monday/load")
        assert missing.status_code == 404

    with_client(plane, act)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({}, 422),
        ({"format": 99, "values": {}}, 422),
        ({"format": 1, "values": {"/track/1/gain_db": 99}}, 422),
        ({"format": 1, "values": {"/track/1/model": "/etc/passwd"}}, 422),
        ({"format": 1, "values": {"/track/1/model": "none such"}}, 404),
        ({"format": 1, "values": {"/track/77/pan": 0}}, 422),
        ({"format": 1, "values": []}, 422),
        ({"format": 1, "values": {}, "more": 1}, 422),
    ],
)
def test_a_session_that_does_not_fit_changes_nothing(tmp_path: Path, document: dict[str, object], status: int) -> None:
    plane = make_plane(tmp_path)
    before = plane.controller.values()

    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.put(f"{API}/session", json=document)
        assert answer.status_code == status, answer.text
        assert answer.json()["field"]
        assert plane.controller.values() == before

    with_client(plane, act)


def test_status_tells_of_device_tracks_and_versions(tmp_path: Path) -> None:
    host = FakeHost()
    plane = make_plane(tmp_path, host=host)

    async def act(client: httpx.AsyncClient) -> None:
        status = Status.model_validate((await client.get(f"{API}/status")).json())
        assert status.state == "playing"
        assert status.device is not None
        assert (status.device.sample_rate_hz, status.device.block_frames) == (48000.0, 64)
        assert [track.model for track in status.tracks] == ["velocity"]
        assert status.versions["remapd"]
        assert (await client.get("/readyz")).json() == {"status": "playing"}
        host.playing = None
        status = Status.model_validate((await client.get(f"{API}/status")).json())
        assert (status.state, status.device) == ("waiting", None)
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).json() == {"status": "ok"}

    with_client(plane, act)


def test_devices_are_listed_by_a_process_of_their_own(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"{API}/devices")
        assert answer.status_code == 200, answer.text
        for row in answer.json():
            HostApi.model_validate(row)

    with_client(make_plane(tmp_path), act)


def test_devices_are_looked_for_once_for_all_who_ask() -> None:
    runs = []

    async def run(arguments: list[str], patience_s: float) -> bytes:
        runs.append(arguments)
        await asyncio.sleep(0)
        return json.dumps([{"host_api": "JACK", "devices": []}]).encode()

    async def crashed(arguments: list[str], patience_s: float) -> bytes:
        return b""

    async def act() -> None:
        devices = DeviceList(run)
        answers = await asyncio.gather(*(devices.read(False) for _ in range(5)))
        assert answers == [[{"host_api": "JACK", "devices": []}]] * 5
        assert runs == [["devices", "--json", "--no-rates"]]
        with pytest.raises(DeviceError):
            await DeviceList(crashed).read(True)

    asyncio.run(act())
