"""What a picture of a run is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from remapd.engine.events import HitEvent, RejectedEvent
from remapd.offline.detection import Detection
from remapd.offline.envelope import Envelope
from remapd.parameters import ParameterTable

#: Tracks beyond these are not drawn.
MAX_TRACKS = 8


@dataclass(frozen=True, slots=True)
class TrackPicture:
    """What is shown of a track.

    Parameters
    ----------
    name : str
        For the heading.
    table : ParameterTable
        Parameters of its synth.
    hits, rejected : sequence of event
        In the order of time.
    detection : Detection, optional
        What its detector saw.
    """

    name: str
    table: ParameterTable
    hits: Sequence[HitEvent]
    rejected: Sequence[RejectedEvent]
    detection: Detection | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is shown.

    Parameters
    ----------
    title : str
        Heading.
    duration_s : float
        Length of the axis of time in seconds.
    source, output : Envelope
        Samples that came in and went out.
    tracks : sequence of TrackPicture
        Drawn one below the other; no more than `MAX_TRACKS`.
    """

    title: str
    duration_s: float
    source: Envelope
    output: Envelope
    tracks: Sequence[TrackPicture]
