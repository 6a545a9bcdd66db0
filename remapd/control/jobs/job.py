"""One training job: what was asked, how far it is, and how it ended."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from remapd.control.jobs.request import JobRequest
from remapd.errors import FieldError, RemapdError

State = Literal["queued", "running", "done", "failed", "cancelled"]

_PROGRESS = ("epoch", "epochs", "train_loss", "validation_loss", "best_loss", "left_s")


@dataclass
class Job:
    """A job and what is known of it.

    Parameters
    ----------
    request : JobRequest
        What was asked.
    id : str
        Its name, drawn by lot.
    state : str
        One of `State`.
    created_s, started_s, ended_s : float
        In seconds since 1970; 0 where it has not happened.
    stage : str
        What its process does, as it says; empty if there is none.
    progress : dict
        Epochs done and to do, losses, and the time left in seconds; empty before the first epoch.
    hits : dict
        What was found in the recordings.
    result : dict
        What came out.
    model : str
        Name under which the library has the model.
    error : dict
        Why it failed: ``text`` and, where a field did not fit, ``field``, ``expected`` and ``got``.
    """

    request: JobRequest
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    state: State = "queued"
    created_s: float = field(default_factory=time.time)
    started_s: float = 0.0
    ended_s: float = 0.0
    stage: str = ""
    progress: dict[str, float | None] = field(default_factory=dict)
    hits: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    error: dict[str, Any] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in ("queued", "running")

    def begin(self) -> None:
        """Its process is started."""
        self.state, self.started_s, self.stage = "running", time.time(), "starting"

    def take(self, line: Mapping[str, Any]) -> bool:
        """Note what its process tells; returns whether that is more than another epoch."""
        if "epoch" in line:
            self.progress = {name: line.get(name) for name in _PROGRESS}
            return False
        self.stage = str(line.get("stage", self.stage))
        for name in ("hits", "result", "error"):
            if isinstance(line.get(name), dict):
                setattr(self, name, line[name])
        return True

    def end(self, state: State, error: RemapdError | None = None) -> None:
        """It is over."""
        self.state, self.ended_s, self.stage = state, time.time(), ""
        if error is not None and not self.error:
            self.error = described(error)

    def document(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {**asdict(self), "request": self.request.document()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The job that `document` gave."""
        return cls(**{**document, "request": JobRequest.from_document(document["request"])})


def described(error: RemapdError) -> dict[str, str]:
    """Members of an error, for JSON."""
    if isinstance(error, FieldError):
        return {"text": str(error), "field": error.field, "expected": error.expected, "got": str(error.got)[:200]}
    return {"text": str(error)}
