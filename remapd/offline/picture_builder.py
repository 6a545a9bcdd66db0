"""Gathers what a picture shows while a run goes on, in little memory however long it lasts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from remapd.engine.control import TrackSetup
from remapd.engine.events import HitEvent, RejectedEvent
from remapd.offline.detection import DetectionBuilder
from remapd.offline.envelope import EnvelopeBuilder
from remapd.offline.picture_data import MAX_TRACKS, Picture, TrackPicture

Samples = NDArray[np.float32]

_ONSET_PREFIX = "onset."


class PictureBuilder:
    """Gathers a `Picture`.

    Parameters
    ----------
    name : str
        Of the recording, for the heading.
    sample_rate : float
        Frames per second of input and output.
    setups : sequence of TrackSetup
        The tracks; of those beyond `MAX_TRACKS` no trace is taken.
    """

    def __init__(self, name: str, sample_rate: float, setups: Sequence[TrackSetup]) -> None:
        self._name = name
        self._rate = sample_rate
        self._frames = 0
        self._setups = setups
        self._source, self._output = EnvelopeBuilder(sample_rate), EnvelopeBuilder(sample_rate)
        self._detectors = [DetectionBuilder(sample_rate, onset_parameters(setup)) for setup in setups[:MAX_TRACKS]]
        self._hits: list[list[HitEvent]] = [[] for _ in setups]
        self._rejected: list[list[RejectedEvent]] = [[] for _ in setups]

    def add(self, source: Samples, output: Samples) -> None:
        """Append samples that came in and went out, both of shape ``(frames, channels)``."""
        self._source.add(source)
        self._output.add(output)
        self._frames += len(source)
        for setup, detector in zip(self._setups, self._detectors, strict=False):
            detector.add(source[:, setup.input_channel])

    def add_hit(self, hit: HitEvent) -> None:
        """Append a hit; they come in the order of time."""
        self._hits[hit.track].append(hit)

    def add_rejected(self, candidate: RejectedEvent) -> None:
        """Append a rejected candidate; they come in the order of time."""
        self._rejected[candidate.track].append(candidate)

    def picture(self) -> Picture:
        """The picture of all that was gathered."""
        missing = [None] * (len(self._setups) - len(self._detectors))
        detections = [*(detector.detection() for detector in self._detectors), *missing]
        tracks = [
            TrackPicture(f"track {number}: {sound_name(setup)}", setup.model.table, hits, rejected, detection)
            for number, setup, hits, rejected, detection in zip(
                itertools.count(1), self._setups, self._hits, self._rejected, detections, strict=False
            )
        ]
        duration_s = self._frames / self._rate
        title = f"{self._name}: {', '.join(dict.fromkeys(map(sound_name, self._setups)))}"
        return Picture(title, duration_s, self._source.envelope(), self._output.envelope(), tracks)


def sound_name(setup: TrackSetup) -> str:
    """What a track plays, for people."""
    preset = setup.preset or setup.model.preset
    return f"{setup.model.name} on {preset.name}"


def onset_parameters(setup: TrackSetup) -> Mapping[str, float]:
    """The detector's parameters among those of a track."""
    return {
        name.removeprefix(_ONSET_PREFIX): value
        for name, value in setup.parameters.items()
        if name.startswith(_ONSET_PREFIX)
    }
