"""What holds for every route: its thread, its token, its description."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from remapd.control.http.app import API_ROUTERS, PREFIX, ROOT_ROUTERS
from remapd.control.http.policy import Policy
from remapd.control.http.problems import MEDIA_TYPE
from tests.plane import make_plane, with_client

TOKEN = "a-token-that-nobody-guesses"
#: Need no token.
PUBLIC = ("/healthz", "/readyz", "/ui/")
#: Of a part of a file that makes no sense or is not there: the framework's own words.
RANGE_REFUSALS = ("400", "416")


def routes(folder: Path) -> Iterator[tuple[str, APIRoute]]:
    """All routes with their whole paths."""
    plane = make_plane(folder)
    for routers, prefix in ((API_ROUTERS, PREFIX), (ROOT_ROUTERS, "")):
        for make in routers:
            for route in make(plane).routes:
                if isinstance(route, APIRoute):
                    yield prefix + route.path, route


def test_every_endpoint_runs_in_the_loop(tmp_path: Path) -> None:
    """Anything else would run in a thread, and only the loop's may touch the controller."""
    count = 0
    for path, route in routes(tmp_path):
        assert inspect.iscoroutinefunction(route.endpoint), path
        for dependency in route.dependant.dependencies:
            assert inspect.iscoroutinefunction(dependency.call), path
        count += 1
    assert count > 30


def test_every_path_needs_the_token_but_the_page_and_the_health(tmp_path: Path) -> None:
    asked = [(path, method) for path, route in routes(tmp_path / "a") for method in route.methods]
    policy = Policy(token=TOKEN, failures_burst=1e6)

    async def act(client: httpx.AsyncClient) -> None:
        for path, method in asked:
            answer = await client.request(method, path.replace("{path:path}", "x").replace("{", "").replace("}", ""))
            is_public = path.startswith(PUBLIC) and method == "GET"
            assert (answer.status_code != 401) == is_public, (method, path)

    with_client(make_plane(tmp_path / "b"), act, policy=policy)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    async def act(client: httpx.AsyncClient) -> dict[str, Any]:
        return (await client.get(f"{PREFIX}/openapi.json")).json()

    return with_client(make_plane(tmp_path_factory.mktemp("plane")), act)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for place, operation in operations(document):
        assert operation["summary"], place
        assert operation["description"], place
        assert operation["tags"], place
        succeeding = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
        assert succeeding, place
        for status, answer in succeeding.items():
            assert ("content" in answer) == (status != "204"), (place, status)


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for place, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and status not in RANGE_REFUSALS:
                content = answer.get("content", {}).get(MEDIA_TYPE)
                assert content == {"schema": {"$ref": "#/components/schemas/Problem"}}, (place, status)
        assert {"401", "403", "421", "422", "429"} <= operation["responses"].keys(), place


def test_bodies_have_examples_and_refuse_unknown_members(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for place, operation in operations(document):
        for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
            schema = body["schema"]
            if media_type != "application/json":
                assert schema["maxLength"] > 0, place
                continue
            schema = next((kind for kind in schema.get("anyOf", ()) if "$ref" in kind), schema)
            named = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
            assert body.get("examples") or named.get("examples") or named.get("example"), place
            if "properties" in named:
                assert named["additionalProperties"] is False, place


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    references = {part.split('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]}
    assert {f"#/components/schemas/{name}" for name in schemas} >= references
