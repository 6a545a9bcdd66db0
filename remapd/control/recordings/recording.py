"""The recording under way, as it is shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["idle", "starting", "recording", "stopping"]


@dataclass
class Recording:
    """What is known of the recording under way, or of the last one.

    Parameters
    ----------
    state : str
        ``idle`` if none is under way.
    name : str
        What it is or was called; empty if there was none.
    seconds : float
        Its length so far.
    dropped_frames : int
        Frames that are missing, as the disk was too slow.
    error : str
        Why it ended early, or is lost; empty if it did not.
    """

    state: State = "idle"
    name: str = ""
    seconds: float = 0.0
    dropped_frames: int = 0
    error: str = ""

    def document(self) -> dict[str, Any]:
        """The values, for JSON."""
        return asdict(self)
