"""What the events say, as typed values; tracks count from 1."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from remapd_client.documents import Document, Values


@dataclass(frozen=True, slots=True)
class Hit:
    """A hit: where it was in the stream, what was measured, and what the synthesiser was told, in its units."""

    track: int
    onset_s: float
    trigger_s: float
    features: dict[str, float]
    scaled: list[float]
    modulation: dict[str, float]
    values: dict[str, float]
    synth: str = ""
    level_db: float = 0.0
    floor_db: float = 0.0
    strength_db: float = 0.0
    latency_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A candidate that was not taken for a hit, and why."""

    track: int
    time_s: float
    reason: str
    level_db: float = 0.0
    floor_db: float = 0.0
    strength_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Meters:
    """Levels in dBFS, and the load as a part of the time that there is."""

    seconds: float
    output_db: list[float]
    limiter_db: float
    track_db: list[float]
    load: float
    xruns: int
    hits: list[int]


@dataclass(frozen=True, slots=True)
class Changes:
    """Values of the tree that are new."""

    values: Values


@dataclass(frozen=True, slots=True)
class Gap:
    """Something is missing here.

    Parameters
    ----------
    of : str
        ``hits`` or ``news`` if we read too slowly, ``connection`` if it was broken and is there again.
    lost : int or None
        How many messages; of a broken connection nobody knows.
    away_s : float
        How long the connection was broken.
    """

    of: str
    lost: int | None = None
    away_s: float = 0.0


@dataclass(frozen=True, slots=True)
class News:
    """Anything else, by its type: ``job``, ``device``, ``notice``, ``signal``, ``midi``..."""

    type: str
    document: Document


Message = Hit | Rejected | Meters | Changes | Gap | News

_Typed = Hit | Rejected | Meters | Changes | Gap
_TYPES: dict[str, type[_Typed]] = {"hit": Hit, "rejected": Rejected, "meters": Meters, "changes": Changes, "gap": Gap}


def message_from(document: Mapping[str, Any]) -> Message:
    """What came, as one of the types; members that this version does not know are left out."""
    kind = str(document.get("type", ""))
    if kind not in _TYPES:
        return News(kind, dict(document))
    try:
        return _typed(_TYPES[kind], document)
    except TypeError:  # Of another version of the service: it lacks something.
        return News(kind, dict(document))


def _typed(kind: type[_Typed], document: Mapping[str, Any]) -> _Typed:
    names = {member.name for member in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in document.items() if name in names})
