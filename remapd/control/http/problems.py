"""What a request is answered that cannot be done: `application/problem+json`, with the field that does not fit."""

from __future__ import annotations

import difflib
import errno
import http
import json
import logging
import re
import reprlib
from collections.abc import Collection, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from remapd.errors import (
    BusyError,
    ConflictError,
    DeviceError,
    DiskFullError,
    FieldError,
    NotFoundError,
    NotInstalledError,
    RemapdError,
    StorageError,
    Told,
    TooLargeError,
)
from remapd.fields import NAME_PATTERN, NAME_TEXT, shown

_log = logging.getLogger("remapd.http")

MEDIA_TYPE = "application/problem+json"
#: What was sent is shown up to this length.
_SHOWN_LENGTH = 120
_EXAMPLE = "/track/1/gain_db"


class Problem(BaseModel):
    """Why a request was not done."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": http.HTTPStatus(422).phrase,
                "status": 422,
                "detail": f"{_EXAMPLE}: expected a number from -60 to 24 dB, got 99",
                "field": _EXAMPLE,
                "expected": "a number from -60 to 24 dB",
                "got": "99",
            }
        }
    )
    type: str = "about:blank"
    title: str = Field(description="What the status means.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What is wrong and what to do, in one line.")
    field: str | None = Field(None, description="Name of what does not fit.")
    expected: str | None = Field(None, description="What would have been accepted, with its unit.")
    got: str | None = Field(None, description="What came, as text.")


class RefusalError(RemapdError):
    """A request that is refused with a status of its own.

    Parameters
    ----------
    status : int
        HTTP status from 400 on.
    detail : str
        What is wrong and what to do, in one line.
    field, expected, got : optional
        As in `FieldError`.
    headers : mapping of str to str, optional
        More headers of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        field: str | None = None,
        expected: str | None = None,
        got: object = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.field, self.expected, self.got = status, field, expected, got
        self.headers = headers or {}


def not_found(kind: str, name: str, known: Collection[str] = ()) -> RefusalError:
    """There is no `kind` of this name; says which of the `known` names is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return RefusalError(404, f"there is no {kind} {shown(name)!r}{hint}", kind, f"the name of a {kind}", name)


def from_field_error(error: FieldError, status: int = 422) -> RefusalError:
    """Refuse with a status other than 422 what a field error tells, such as 404 for a name in the URL."""
    return RefusalError(status, str(error), error.field, error.expected, error.got)


def problem_response(refusal: RefusalError) -> Response:
    """Answer of a refusal."""
    return Response(problem_bytes(refusal), refusal.status, refusal.headers, MEDIA_TYPE)


def problem_bytes(refusal: RefusalError) -> bytes:
    """Body of the answer of a refusal."""
    members: dict[str, Any] = {"type": "about:blank", "title": title_of(refusal.status), "status": refusal.status}
    members["detail"] = _one_line(str(refusal))
    if refusal.field is not None:
        members["field"] = _one_line(refusal.field)
        members["expected"] = _one_line(refusal.expected or "")
        members["got"] = _as_text(refusal.got)
    return json.dumps(members).encode()


def title_of(status: int) -> str:
    """What a status means, in the words of the standard."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document that a route may answer these statuses with a problem."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": title_of(status), "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses
    }


def refusal_of(error: RemapdError) -> RefusalError:
    """Status and fields that an error of ours is answered with."""
    if isinstance(error, RefusalError):
        return error
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 422)
    if isinstance(error, FieldError):
        return from_field_error(error, status)
    if _is_disk_full(error):
        status = 507
    headers = {"Retry-After": "5"} if isinstance(error, BusyError) else None
    return RefusalError(status, str(error), headers=headers)


#: The first that an error is of, else 422.
_STATUSES: tuple[tuple[type[RemapdError], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (TooLargeError, 413),
    (NotInstalledError, 501),
    (DiskFullError, 507),
    (StorageError, 503),
    (BusyError, 503),
    (DeviceError, 503),
)


def install(app: FastAPI) -> None:
    """Have every error answered with a problem."""
    app.add_exception_handler(RemapdError, _on_remapd_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(OSError, _on_os_error)
    app.add_exception_handler(RecursionError, _on_recursion)
    app.add_exception_handler(Exception, _on_fault)


async def _on_remapd_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RemapdError)
    return problem_response(refusal_of(error))


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if isinstance(error.body, bytes):  # It was not even looked into, as it does not say that it is JSON.
        sent = Told(shown(request.headers.get("content-type", "nothing"), _SHOWN_LENGTH))
        field, expected = "Content-Type", "application/json"
        return problem_response(RefusalError(422, f"{field}: expected {expected}, got {sent}", field, expected, sent))
    return problem_response(refusal_of_validation(error.errors()))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status, headers = error.status_code, dict(error.headers or {})
    if status == 400:  # The only one of these that the framework has: a body that it cannot parse.
        return problem_response(RefusalError(422, "the body is no JSON text", "body", "a JSON text", Told("none")))
    if status == 405:
        headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    detail = _PLAIN.get(status, error.detail) if error.detail == title_of(status) else error.detail
    return problem_response(RefusalError(status, detail, headers=headers))


def _methods_at(request: Request) -> set[str]:
    """Methods of all routes of a path; the framework tells those of the first alone."""
    fitting = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in fitting for method in getattr(route, "methods", None) or ()}


async def _on_os_error(request: Request, error: Exception) -> Response:
    if _is_disk_full(error):
        return problem_response(RefusalError(507, "there is no space left on the disk"))
    return await _on_fault(request, error)


async def _on_recursion(_: Request, error: Exception) -> Response:
    return problem_response(RefusalError(422, "the body is nested too deeply"))


async def _on_fault(request: Request, error: Exception) -> Response:
    """Something of ours is wrong: told in full in the log, and to the client that it happened."""
    _log.error("%s %s failed", request.method, shown(request.url.path), exc_info=error)
    return problem_response(RefusalError(500, "this is a fault of remapd; its log says more"))


def refusal_of_validation(errors: Sequence[Any]) -> RefusalError:
    """Tell the first of the errors that pydantic found."""
    first = errors[0]
    place = [str(part) for part in first["loc"]]
    inside = place[1:] if place[0] in ("body", "query", "path", "header") and len(place) > 1 else place
    field = shown(".".join(inside) or "body", _SHOWN_LENGTH)
    got = Told("nothing") if first["type"] == "missing" else first.get("input")
    if first["type"] == "json_invalid":
        return RefusalError(
            422, f"the body is no JSON text: {first['ctx']['error']}", "body", "a JSON text", Told("none")
        )
    expected = _expected(first)
    return RefusalError(422, f"{field}: expected {expected}, got {_as_text(got)}", field, expected, got)


def _expected(error: Any) -> str:
    """What pydantic would have taken, in our words where its own are those of programmers."""
    if error["type"] == "string_pattern_mismatch" and error["ctx"]["pattern"] == f"^{NAME_PATTERN}$":
        return NAME_TEXT
    return _PLAIN_TYPES.get(error["type"]) or _lowered(_PREAMBLE.sub("", error["msg"], count=1))


_PREAMBLE = re.compile(r"\w+ should (?:be|have) |Value error, ")
_PLAIN_TYPES = {
    "missing": "a value",
    "extra_forbidden": "no member of that name",
    "dict_type": "a JSON object",
    "model_attributes_type": "a JSON object",
}


_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_PLAIN = {
    404: "there is nothing of this path",
    405: "this path has other methods; the header Allow names them",
}


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHOWN_LENGTH


def _is_disk_full(error: BaseException | None) -> bool:
    """Whether an error comes from a full disk, also where that is said in other words."""
    for _ in range(8):
        if error is None:
            return False
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def _as_text(value: object) -> str:
    """Value of unknown size and depth as a short text."""
    text = str(value) if isinstance(value, Told) else _SHORT.repr(value)
    return _one_line(text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…")


def _one_line(text: str) -> str:
    return text if text.isprintable() else " ".join(repr(text)[1:-1].split())


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
