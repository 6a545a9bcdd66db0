"""What can go wrong between us and the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Anything that this package raises; its text is one line for people."""


class Unreachable(ClientError):  # noqa: N818 - it is what the service is, not what went wrong here.
    """Nobody answers, or not in time."""


class Refused(ClientError):  # noqa: N818
    """The service did not do what it was asked over OSC or the WebSocket.

    Parameters
    ----------
    detail : str
        What is wrong and what to do, in one line.
    field : str
        Name of what does not fit; empty if it is no single thing.
    """

    def __init__(self, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.detail, self.field = detail, field


class Problem(Refused):
    """A request that was answered with a problem (RFC 9457).

    Parameters
    ----------
    status : int
        HTTP status, from 400 on.
    document : mapping
        The problem as it came.

    Attributes
    ----------
    detail, field, expected, got : str
        What is wrong, and of a field its name, what would have been accepted, and what came; empty where not told.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        detail = str(document.get("detail") or document.get("title") or f"status {status}")
        super().__init__(detail, str(document.get("field") or ""))
        self.status = status
        self.expected, self.got = str(document.get("expected") or ""), str(document.get("got") or "")
