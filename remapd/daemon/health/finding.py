"""The form that every check's result has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Literal

#: ``warn``: a part does not work, or works less well. ``fail``: remapd cannot do its job.
Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Parameters
    ----------
    topic : str
        What was looked at, in a word or two.
    status : {"ok", "warn", "fail"}
        Whether it works.
    text : str
        What was found, in one line.
    remedy : str
        What to do about it, in one line; empty where nothing needs to be done.
    """

    topic: str
    status: Status
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The values, for JSON."""
        return asdict(self)


Check = Callable[[], Iterable[Finding]]


def ok(topic: str, text: str) -> Finding:
    """A thing that works."""
    return Finding(topic, "ok", text)


def warn(topic: str, text: str, remedy: str) -> Finding:
    """A part that does not work, or works less well."""
    return Finding(topic, "warn", text, remedy)


def fail(topic: str, text: str, remedy: str) -> Finding:
    """Something without which nothing works."""
    return Finding(topic, "fail", text, remedy)
