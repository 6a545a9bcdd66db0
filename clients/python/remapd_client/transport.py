"""Requests and answers: one HTTP connection with the token, and problems as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from remapd_client.errors import ClientError, Problem, Unreachable

PREFIX = "/api/v1"


class Transport:
    """Calls the service.

    Parameters
    ----------
    url : str
        Where it serves HTTP, such as ``http://127.0.0.1:8808``.
    token : str
        The token, where it asks for one; it is sent in a header alone.
    timeout_s : float
        Longest wait for an answer.
    """

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        if not url.startswith(("http://", "https://")):
            raise ClientError(f"url: expected http:// or https://, got {url!r}")
        self.url, self.token = url.rstrip("/"), token
        self._http = httpx.Client(base_url=self.url, headers=self.headers, timeout=timeout_s)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that say who we are."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The document at a path."""
        return self._document(self.call("GET", path, params=query))

    def send(self, method: str, path: str, document: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send a document, if there is one; returns that of the answer, or None."""
        answer = self.call(method, path, json=document, headers=headers)
        return self._document(answer) if answer.content else None

    def content(self, path: str) -> bytes:
        """A file at a path."""
        return self.call("GET", path).content

    def upload(self, path: str, content: bytes) -> Any:
        """Store a file at a path; returns what the service found in it."""
        return self._document(self.call("PUT", path, content=content))

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request, below the prefix of the API.

        Raises
        ------
        Problem
            If the service refuses.
        Unreachable
            If nobody answers.
        """
        return self._call(method, PREFIX + path, **options)

    def root(self, query: Mapping[str, Any]) -> Any:
        """What the root of the server answers to a query; OSCQuery is there."""
        return self._document(self._call("GET", "/", params=query))

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        if options.get("json") is None:
            options.pop("json", None)
        try:
            answer = self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise Unreachable(f"{self.url} does not answer: {error or type(error).__name__}") from error
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise Problem(answer.status_code, _problem(answer))
        return answer

    def _document(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise ClientError(f"{self.url} is no remapd: what it answers is no JSON text") from None


def named(name: str) -> str:
    """A name as part of a path."""
    return quote(name, safe="")


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"title": answer.reason_phrase}
