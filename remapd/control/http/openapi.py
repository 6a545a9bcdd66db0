"""The OpenAPI document: what FastAPI makes of the routes, with problems, the token and what all routes share."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from remapd.control.http.problems import Problem

DESCRIPTION = """\
Everything about a running remapd can be seen and changed here while it plays.

The *tree* holds every control by its path, such as `/track/1/gain_db`; the same paths, behind `/remapd`, are its OSC
addresses. Names of models, presets, sessions and recordings are names, never paths of files. What cannot be done is
answered with `application/problem+json`, which names the field that does not fit, what was expected and what came.
"""

_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "Needed where the service listens beyond the loopback interface, or is told to want it.",
}


def complete(app: FastAPI) -> None:
    """Have `app` describe itself in full."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            components = document.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            components["securitySchemes"] = {"token": _TOKEN}
            document["security"] = [{"token": []}, {}]
        return app.openapi_schema or document

    app.openapi = openapi  # type: ignore[method-assign]
