"""Models and presets over REST: listed, read, stored, renamed, deleted, activated; nothing goes in unchecked."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from remapd.control.http.cards import ModelCard, ModelRow, PresetDocument, PresetRow
from remapd.control.http.problems import Problem
from remapd.mapping.bundle import MAX_DESCRIPTION_LENGTH, model_bytes
from remapd.mapping.container import MAX_FILE_BYTES
from remapd.mapping.library import load_model_named, load_preset_named
from remapd.synth.presets import preset_document
from tests.models import changed_file, make_model
from tests.plane import make_plane, with_client

MODELS, PRESETS = "/api/v1/models", "/api/v1/presets"
OWN = model_bytes(make_model())


def test_every_model_is_listed_with_its_card_and_can_be_read(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        rows = [ModelRow.model_validate(row) for row in (await client.get(MODELS)).json()]
        assert [row.name for row in rows] == list(plane.library.models())
        for row in rows:
            card = (await client.get(f"{MODELS}/{row.name}")).json()
            ModelCard.model_validate(card)
            assert card == load_model_named(row.name).describe()
            assert (row.synth, row.licence) == (card["synth"]["name"], card["licence"])
            assert not row.is_own

    with_client(plane, act)


def test_a_model_is_stored_downloaded_activated_and_deleted(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        stored = await client.put(f"{MODELS}/mine", content=OWN)
        assert stored.status_code == 201
        assert stored.headers["location"] == f"{MODELS}/mine"
        assert (await client.put(f"{MODELS}/mine", content=OWN)).status_code == 200
        file = await client.get(f"{MODELS}/mine/file")
        assert file.content == OWN
        assert file.headers["content-disposition"] == 'attachment; filename="mine.safetensors"'
        assert file.headers["etag"] == stored.headers["etag"]
        known = await client.get(f"{MODELS}/mine/file", headers={"If-None-Match": file.headers["etag"]})
        assert known.status_code == 304
        active = await client.post(f"{MODELS}/mine/activate", json={"track": 1})
        assert active.json()["values"]["/track/1/model"] == "mine"
        assert plane.controller.sound(1).model.name == "a model"
        in_use = await client.delete(f"{MODELS}/mine")
        assert (in_use.status_code, in_use.json()["field"]) == (409, "model")
        await client.post(f"{MODELS}/velocity/activate", json={})
        assert (await client.delete(f"{MODELS}/mine")).status_code == 204
        assert (await client.get(f"{MODELS}/mine")).status_code == 404
        assert not list(plane.directories.models.glob("*.safetensors"))

    with_client(plane, act)


def test_a_name_may_end_like_that_of_a_file(tmp_path: Path) -> None:
    """As `curl -T mine.safetensors .../models/` makes it."""
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        assert (await client.put(f"{MODELS}/mine.safetensors", content=OWN)).status_code == 201
        active = await client.post(f"{MODELS}/mine.safetensors/activate", json={})
        assert active.json()["values"]["/track/1/model"] == "mine.safetensors"
        await plane.controller.restore(plane.controller.session())
        assert plane.controller.sound(1).model.name == "a model"

    with_client(plane, act)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", ""),
        (b"nonsense" * 100, ""),
        (OWN[: len(OWN) // 2], ""),
        (changed_file(lambda fields: fields.update(licence="")), "licence"),
        (changed_file(lambda fields: fields.update(description="x" * (MAX_DESCRIPTION_LENGTH + 1))), "description"),
        (changed_file(lambda fields: fields.update(secret=1)), "secret"),
        (b"\x80\x04\x95 a pickle", ""),
    ],
)
def test_what_is_no_model_is_refused_by_its_field_and_not_stored(tmp_path: Path, content: bytes, word: str) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        for answer in (
            await client.put(f"{MODELS}/mine", content=content),
            await client.post(f"{MODELS}/verify", content=content),
        ):
            assert answer.status_code == 422
            assert word in Problem.model_validate(answer.json()).detail
        assert not [path for path in plane.directories.models.rglob("*") if path.is_file()]

    with_client(plane, act)


def test_a_model_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.put(f"{MODELS}/mine", content=b"x" * (MAX_FILE_BYTES + 1))
        assert answer.status_code == 413
        assert Problem.model_validate(answer.json())

    with_client(make_plane(tmp_path), act)


def test_content_can_be_checked_without_storing_it(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{MODELS}/verify", content=OWN)
        assert (answer.status_code, answer.json()) == (200, make_model().describe())
        assert "mine" not in [row["name"] for row in (await client.get(MODELS)).json()]

    with_client(make_plane(tmp_path), act)


def test_a_stored_model_is_verified_in_a_process_of_its_own(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{MODELS}/velocity/verify")
        assert answer.status_code == 200
        assert answer.json()["ok"]
        assert {check["field"] for check in answer.json()["checks"]} >= {"file", "synth.fingerprint"}

    with_client(make_plane(tmp_path), act, timeout=300.0)


@pytest.mark.parametrize(
    "name", ["../escape", "..%2Fescape", "%2Fetc%2Fpasswd", ".hidden", "a" * 65, "a%00b", "con%0A", "a\\b", "ü"]
)
def test_no_name_is_a_path(tmp_path: Path, name: str) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        for answer in (
            await client.put(f"{MODELS}/{name}", content=OWN),
            await client.put(f"{PRESETS}/{name}", json=preset_document(load_preset_named("snare_1"))),
            await client.get(f"{MODELS}/{name}/file"),
            await client.get(f"{PRESETS}/{name}"),
            await client.delete(f"{PRESETS}/{name}"),
        ):
            assert answer.status_code in (404, 405, 422), (answer.request.url, answer.status_code)
        stored = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path.name for path in stored] in ([], ["sinks.json"])  # The engine's plan, of no sinks.

    with_client(plane, act)


def test_what_ships_stays_as_it_is(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        assert (await client.delete(f"{MODELS}/snare_2")).status_code == 409
        assert (await client.delete(f"{PRESETS}/snare_2")).status_code == 409
        renamed = await client.post(f"{PRESETS}/snare_2/rename", json={"new_name": "other"})
        assert renamed.status_code == 409

    with_client(make_plane(tmp_path), act)


def test_two_people_do_not_overwrite_each_others_files_unseen(tmp_path: Path) -> None:
    document = preset_document(load_preset_named("snare_1"))

    async def act(client: httpx.AsyncClient) -> None:
        first = await client.put(f"{PRESETS}/mine", json=document, headers={"If-None-Match": "*"})
        assert first.status_code == 201
        assert (await client.put(f"{PRESETS}/mine", json=document, headers={"If-None-Match": "*"})).status_code == 412
        tag = first.headers["etag"]
        other = {**document, "description": "of somebody else"}
        assert (await client.put(f"{PRESETS}/mine", json=other, headers={"If-Match": tag})).status_code == 200
        for late in (
            await client.put(f"{PRESETS}/mine", json=document, headers={"If-Match": tag}),
            await client.delete(f"{PRESETS}/mine", headers={"If-Match": tag}),
            await client.post(f"{PRESETS}/mine/rename", json={"new_name": "x"}, headers={"If-Match": tag}),
            await client.put(f"{PRESETS}/nobody", json=document, headers={"If-Match": tag}),
            await client.put(f"{MODELS}/nobody", content=OWN, headers={"If-Match": tag}),
        ):
            assert late.status_code == 412
        assert (await client.get(f"{PRESETS}/mine")).json()["description"] == "of somebody else"

    with_client(make_plane(tmp_path), act)


def test_every_preset_is_listed_and_can_be_read(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        rows = [PresetRow.model_validate(row) for row in (await client.get(PRESETS)).json()]
        assert [row.name for row in rows] == list(plane.library.presets())
        for row in rows:
            document = (await client.get(f"{PRESETS}/{row.name}")).json()
            assert PresetDocument.model_validate(document).synth == row.synth
            assert document == preset_document(load_preset_named(row.name))

    with_client(plane, act)


def test_the_sound_of_a_track_becomes_a_preset(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)

    async def act(client: httpx.AsyncClient) -> None:
        path = "/track/1/synth/osc1/freq"
        await client.put(f"/api/v1/tree{path}", json={"value": 200.0})
        body = {"name": "mine", "track": 1, "description": "higher"}
        made = await client.post(PRESETS, json=body)
        assert (made.status_code, made.headers["location"]) == (201, f"{PRESETS}/mine")
        assert made.json()["preset"]["osc1.freq"] == pytest.approx(200.0)
        assert made.json()["description"] == "higher"
        assert (await client.post(PRESETS, json=body)).status_code == 409
        assert (await client.post(PRESETS, json={**body, "replace": True})).status_code == 201
        await client.put(f"/api/v1/tree{path}", json={"value": 100.0})
        active = await client.post(f"{PRESETS}/mine/activate", json={"track": 1})
        assert active.json()["values"] == {path: pytest.approx(200.0), "/track/1/preset": "mine"}
        assert (await client.delete(f"{PRESETS}/mine")).status_code == 409
        await client.post(f"{PRESETS}/snare_1/activate", json={"track": 1})
        renamed = await client.post(f"{PRESETS}/mine/rename", json={"new_name": "yours"})
        assert renamed.json()["name"] == "yours"
        assert (await client.post(f"{PRESETS}/yours/rename", json={"new_name": "snare_1"})).status_code == 409
        assert (await client.delete(f"{PRESETS}/yours")).status_code == 204

    with_client(plane, act)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"preset": {}}, "preset"),
        ({"preset": {"osc1.freq": 1e9}}, "preset"),
        ({"damping": {"osc1.freq": 2}}, "damping.osc1.freq"),
        ({"synth": "none"}, "synth"),
        ({"path": "/etc/passwd"}, "preset file"),
        ({"preset": [[[[[[[[]]]]]]]]}, "preset"),
    ],
)
def test_a_preset_that_does_not_fit_names_its_field(tmp_path: Path, change: dict[str, object], field: str) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        document = {**preset_document(load_preset_named("snare_1")), **change}
        answer = await client.put(f"{PRESETS}/mine", json=document)
        assert (answer.status_code, answer.json()["field"]) == (422, field)

    with_client(make_plane(tmp_path), act)


def test_a_name_with_a_blank_has_a_place_that_can_be_asked_for(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        made = await client.post(PRESETS, json={"name": "my snare"})
        assert made.headers["location"] == f"{PRESETS}/my%20snare"
        assert (await client.get(made.headers["location"])).json()["name"] == "my snare"

    with_client(make_plane(tmp_path), act)


def test_a_preset_of_another_synth_or_for_no_track_is_refused(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        assert (await client.post(f"{PRESETS}/kick_long/activate", json={"track": 1})).status_code == 422
        assert (await client.post(f"{PRESETS}/snare_2/activate", json={"track": 2})).status_code == 422
        assert (await client.post(f"{MODELS}/snare_2/activate", json={"track": 33})).status_code == 422
        unknown = await client.post(f"{MODELS}/snare_22/activate", json={"track": 1})
        assert unknown.status_code == 404
        assert "snare_2" in unknown.json()["detail"]

    with_client(make_plane(tmp_path), act)


def test_a_damaged_file_is_listed_with_what_is_wrong(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    damaged = plane.directories.models / "damaged.safetensors"
    damaged.write_bytes(b"nothing")
    os.utime(damaged, (0, 0))
    plane.library.refresh()

    async def act(client: httpx.AsyncClient) -> None:
        rows = {row["name"]: ModelRow.model_validate(row) for row in (await client.get(MODELS)).json()}
        assert rows["damaged"].problem
        assert (await client.get(f"{MODELS}/damaged")).status_code == 422
        assert (await client.post(f"{MODELS}/damaged/activate", json={})).status_code == 422
        assert plane.controller.value("/track/1/model") == "velocity"

    with_client(plane, act)
