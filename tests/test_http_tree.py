"""The tree over REST: read, written one by one and in bulk, all or nothing; who is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from remapd.control.http.problems import Problem
from remapd.engine.control import EngineControl
from remapd.engine.shared import SharedBlock
from tests.plane import make_plane, with_client

TREE = "/api/v1/tree"
GAIN = "/track/1/gain_db"


def test_every_control_can_be_read_alone_in_its_part_and_in_the_whole(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        whole = (await client.get(TREE)).json()
        assert whole == {"revision": plane.controller.revision, "values": plane.controller.values()}
        part = (await client.get(f"{TREE}/track/1/onset")).json()
        assert part["values"] == plane.controller.values("/track/1/onset")
        for path, value in whole["values"].items():
            assert (await client.get(TREE + path)).json()["value"] == value
        assert (await client.get(f"{TREE}/panic")).json()["value"] is None

    with_client(plane, act)


def test_descriptions_say_everything_about_each_control(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        answer = (await client.get(TREE, params={"describe": True})).json()
        assert [row["path"] for row in answer["controls"]] == list(plane.controller.tree)
        rows = {row["path"]: row for row in answer["controls"]}
        for path, control in plane.controller.tree.items():
            row = rows[path]
            for name in ("kind", "unit", "minimum", "maximum", "curve", "default", "osc", "midi", "restarts", "track"):
                assert row[name] == getattr(control, name), (path, name)
            assert row["value"] == (None if control.kind == "action" else plane.controller.value(path))
            assert row["choices"] == plane.controller.choices(path), path
        part = (await client.get(f"{TREE}/track/1/preset", params={"describe": True})).json()["controls"]
        assert part == [rows["/track/1/preset"]]

    with_client(plane, act)


def test_a_value_is_set_and_reaches_the_engine(tmp_path: Path) -> None:
    engine = EngineControl(SharedBlock.private())
    plane = make_plane(tmp_path, engine=engine)

    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.put(TREE + GAIN, json={"value": -6})
        assert answer.json() == {"revision": plane.controller.revision, "values": {GAIN: -6.0}}
        assert engine.parameter(0, "gain_db") == -6.0
        again = await client.put(TREE + GAIN, json={"value": -6.0})
        assert again.json() == {"revision": plane.controller.revision, "values": {}}

    with_client(plane, act)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(99, "a number from"), ("loud", "a number from"), (True, "a number from"), (None, ""), ([1], ""), ({}, "")],
)
def test_a_value_that_does_not_fit_names_its_field(tmp_path: Path, value: object, expected: str) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.put(TREE + GAIN, json={"value": value})
        assert answer.status_code == 422
        problem = Problem.model_validate(answer.json())
        assert problem.field
        assert expected in (problem.expected or "")
        assert plane.controller.value(GAIN) == 0.0

    with_client(plane, act)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "[" * 50_000])
def test_numbers_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        body = f'{{"value": {text}}}'
        answer = await client.put(TREE + GAIN, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422)
        assert Problem.model_validate(answer.json()).detail

    with_client(make_plane(tmp_path), act)


def test_many_values_are_set_as_one_or_not_at_all(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    before = plane.controller.values()

    async def act(client: httpx.AsyncClient) -> None:
        for bad in ({"/track/1/pan": 7}, {"/track/9/pan": 0.0}, {"/panic": 1}, {"/track/1/model": "none such"}):
            answer = await client.patch(TREE, json={GAIN: -3.0, **bad})
            assert answer.status_code in (404, 422), bad
            assert plane.controller.values() == before
        answer = await client.patch(TREE, json={GAIN: -3.0, "/track/1/mute": True, "/track/1/model": "kick_long"})
        values = answer.json()["values"]
        assert values[GAIN] == -3.0
        assert values["/track/1/mute"] is True
        assert values["/track/1/model"] == "kick_long"
        assert values["/track/1/preset"] == "kick_long"
        assert values.items() <= plane.controller.values().items()

    with_client(plane, act)


def test_unknown_paths_say_what_is_near(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        for answer in (
            await client.get(f"{TREE}/track/1/gain"),
            await client.put(f"{TREE}/track/1/gain", json={"value": 1}),
            await client.post(f"{TREE}/track/1/gain"),
        ):
            assert answer.status_code == 404
            assert GAIN in answer.json()["detail"]
        assert (await client.put(f"{TREE}/track/1", json={"value": 1})).status_code == 404

    with_client(make_plane(tmp_path), act)


def test_unknown_members_and_other_bodies_are_refused(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.put(TREE + GAIN, json={"value": 1, "ramp": 2})
        assert (answer.status_code, answer.json()["field"]) == (422, "ramp")
        assert (await client.patch(TREE, json=[1])).status_code == 422
        assert (await client.patch(TREE, content=b"")).status_code == 422

    with_client(make_plane(tmp_path), act)


def test_an_action_is_done_and_is_no_value(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    done: list[dict[str, object]] = []

    async def act(client: httpx.AsyncClient) -> None:
        plane.bulletin.subscribe(lambda kind, data: done.append(data) if kind == "action" else None)
        assert (await client.post(f"{TREE}/panic")).status_code == 204
        assert done == [{"path": "/panic"}]
        assert (await client.post(TREE + GAIN)).status_code == 409
        assert (await client.put(f"{TREE}/panic", json={"value": True})).status_code == 422

    with_client(plane, act)


def test_two_people_do_not_overwrite_each_other_unseen(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        mine = (await client.get(TREE + GAIN)).headers["etag"]
        await client.put(f"{TREE}/track/1/pan", json={"value": 0.5})
        fits = await client.put(TREE + GAIN, json={"value": -1}, headers={"If-Match": mine})
        assert fits.status_code == 200
        late = await client.put(TREE + GAIN, json={"value": -2}, headers={"If-Match": mine})
        assert (late.status_code, late.json()["field"]) == (412, "If-Match")
        whole = (await client.get(TREE)).headers["etag"]
        assert (await client.patch(TREE, json={GAIN: -3}, headers={"If-Match": whole})).status_code == 200
        assert (await client.patch(TREE, json={GAIN: -4}, headers={"If-Match": whole})).status_code == 412
        assert (await client.patch(TREE, json={GAIN: -4}, headers={"If-Match": f'"x", {whole}'})).status_code == 412
        assert (await client.patch(TREE, json={GAIN: -4}, headers={"If-Match": "*"})).status_code == 200

    with_client(make_plane(tmp_path), act)


def test_of_changes_sent_at_once_from_the_same_state_one_is_made(tmp_path: Path) -> None:
    """Also while one of them waits for its model."""
    changes = [{"/track/1/model": "snare_1"}, {"/track/1/model": "snare_1", "/track/1/pan": 0.5}, {GAIN: -3.0}]
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        whole = {"If-Match": (await client.get(TREE)).headers["etag"]}
        answers = await asyncio.gather(*(client.patch(TREE, json=change, headers=whole) for change in changes))
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
        model = {"If-Match": (await client.get(f"{TREE}/track/1/model")).headers["etag"]}
        names = ("snare_2", "snare_3")
        puts = (client.put(f"{TREE}/track/1/model", json={"value": name}, headers=model) for name in names)
        assert sorted(answer.status_code for answer in await asyncio.gather(*puts)) == [200, 412]
        tracks = {"If-Match": (await client.get("/api/v1/tracks")).headers["etag"]}
        posts = (client.post("/api/v1/tracks", json={"model": "snare_1"}, headers=tracks) for _ in range(2))
        assert sorted(answer.status_code for answer in await asyncio.gather(*posts)) == [201, 412]
        assert plane.controller.tracks == 2

    with_client(plane, act)


def test_what_is_known_is_not_sent_again(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        for url in (TREE, f"{TREE}/track/1", TREE + GAIN):
            tag = (await client.get(url)).headers["etag"]
            known = await client.get(url, headers={"If-None-Match": tag})
            assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
            await client.put(TREE + GAIN, json={"value": -float(len(url))})
            assert (await client.get(url, headers={"If-None-Match": tag})).status_code == 200

    with_client(make_plane(tmp_path), act)


def test_others_are_told_of_a_change_and_its_sender_is_not(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    told: dict[str, list[float]] = {"a" * 32: [], "b" * 32: []}

    async def act(client: httpx.AsyncClient) -> None:
        arrived = asyncio.Event()

        def reader(name: str):
            def deliver(values: dict[str, object]) -> None:
                told[name].append(values[GAIN])
                arrived.set()

            return deliver

        for name in told:
            plane.hub.subscribe(reader(name), source=name)
        sent = await client.put(TREE + GAIN, json={"value": -9}, headers={"Remapd-Client": "a" * 32})
        assert sent.status_code == 200
        await arrived.wait()
        await asyncio.sleep(0)
        assert told == {"a" * 32: [], "b" * 32: [-9.0]}
        wrong = await client.put(TREE + GAIN, json={"value": 1}, headers={"Remapd-Client": "somebody"})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "Remapd-Client")

    with_client(plane, act)


def test_descriptions_fit_their_schema_to_the_letter(tmp_path: Path) -> None:
    from remapd.control.http.tree_reader import Descriptions

    async def act(client: httpx.AsyncClient) -> None:
        content = (await client.get(TREE, params={"describe": True})).content
        model = Descriptions.model_validate_json(content)
        assert json.loads(content)["controls"][3] == model.controls[3].model_dump()

    with_client(make_plane(tmp_path), act)
