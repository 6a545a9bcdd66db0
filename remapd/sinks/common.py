"""What sinks of every kind have: a name, the tracks they listen to, and whether they are on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from remapd.engine.layout import MAX_TRACKS
from remapd.errors import FieldError
from remapd.fields import checked_flag, checked_name
from remapd.sinks.sources import SINGLE

#: A hit that is older than this is no longer worth playing: the engine or the machine has stood still.
STALE_NS = 500_000_000
#: Members that every sink document may have, besides ``kind``, which it must have.
COMMON_MEMBERS = ("id", "tracks", "enabled")
_TRACK = SINGLE["track"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every sink has.

    Parameters
    ----------
    id : str
        Its name among the sinks.
    tracks : tuple of int
        Tracks whose hits it sends, from 1, rising; none means all.
    enabled : bool
        Whether it sends.
    """

    id: str = "1"
    tracks: tuple[int, ...] = ()
    enabled: bool = True

    def hears(self, track: int) -> bool:
        """Whether it sends the hits of a track, from 1."""
        return self.enabled and (not self.tracks or track in self.tracks)

    def common_document(self, kind: str) -> dict[str, Any]:
        """The first members of its document."""
        return {"id": self.id, "kind": kind, "tracks": list(self.tracks), "enabled": self.enabled}


def parse_common(members: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Arguments of `Common` from a document.

    Raises
    ------
    FieldError
        If one does not fit.
    """
    return {
        "id": checked_name(members.get("id", "1"), f"{field}.id"),
        "tracks": _tracks(members.get("tracks", []), f"{field}.tracks"),
        "enabled": checked_flag(members.get("enabled", True), f"{field}.enabled"),
    }


def _tracks(value: object, field: str) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) > MAX_TRACKS:
        raise FieldError(field, f"a list of at most {MAX_TRACKS} numbers of tracks, or none for all", value)
    return tuple(sorted({int(_TRACK.check(track, f"{field}[{at}]")) for at, track in enumerate(value)}))
