"""Recordings become hits to train on, found and measured as the engine does while playing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.errors import AudioFileError, TrainingDataError
from remapd.features.descriptors import FEATURES, N_FEATURES, FeatureSpec
from remapd.training.detection import Detection, find_hits
from remapd.training.long_term import FRAME, FRAMES, HOP, SOUND_FRAMES, TRAINING_RATE_HZ, TRANSIENT_FRAMES
from remapd.training.recording import Recording, read_recording
from remapd.training.segments import LEAST_FRAMES, Segment, cut_segment
from remapd.training.sources import Skipped, Source, drum_folders, find_sources

#: More would need gigabytes, and teach nothing more.
MAX_HITS = 10_000
#: Why a hit is left out although it was heard.
NEXT_TOO_SOON, ENDS_TOO_SOON = "next hit too soon", "recording ends too soon"

_LOUDNESS = FEATURES.index("loudness_db")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a hit comes from.

    Parameters
    ----------
    path : Path
        The recording.
    channel : int
        Its channel, from 0; `remapd.audio.file.MIX` is the mean of all.
    onset_s : float
        Time of the hit in the recording.
    drum : str
        What it belongs to, see `remapd.training.sources.find_sources`.
    clipped : bool
        Whether the wave stands still at full scale.
    """

    path: Path
    channel: int
    onset_s: float
    drum: str
    clipped: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was not taken for a hit, or left out: where, why (the detector's reason or one of ours) and its level."""

    path: Path
    time_s: float
    reason: str
    level_db: float


@dataclass(frozen=True, slots=True)
class Read:
    """A recording that was read: `hits` are those that were kept, of which `drum` says what they belong to."""

    path: Path
    drum: str
    channel: int
    sample_rate: int
    duration_s: float
    hits: int
    channel_peaks: tuple[float, ...]
    non_finite: int
    missing_s: float


@dataclass(frozen=True, eq=False)
class HitSet:
    """Hits to train on.

    Parameters
    ----------
    sounds : ndarray of float32, shape (hits, SOUND_FRAMES)
        At `TRAINING_RATE_HZ`, from the spec's pre-roll before the onset; faded out where the next hit comes earlier.
    onset_features : ndarray, shape (hits, 7)
        In the order and units of `remapd.features.descriptors.FEATURES`, measured at the recording's own rate.
    horizon_s : ndarray, shape (hits,)
        How long each sound is the hit's own, from its first sample: until it is faded out for the next hit, or the
        recording ends; at most the length of the sounds.
    origins : tuple of Origin
        One for each hit.
    spec : FeatureSpec
        Window of the onset features.
    rejected : tuple of Rejected
        What was heard in the recordings and is not among the hits.
    recordings : tuple of Read
        What was read.
    skipped : tuple of Skipped
        Files of the folders that were passed over.
    """

    sounds: NDArray[np.float32]
    onset_features: NDArray[np.float64]
    horizon_s: NDArray[np.float64]
    origins: tuple[Origin, ...]
    spec: FeatureSpec
    rejected: tuple[Rejected, ...] = ()
    recordings: tuple[Read, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def loudness_db(self) -> NDArray[np.float64]:
        """Loudness of the onsets, shape (hits,)."""
        return self.onset_features[:, _LOUDNESS]

    @property
    def horizon_frames(self) -> NDArray[np.int64]:
        """Frames of the long-term features that lie within the horizon, shape (hits,), 3 to `FRAMES`."""
        frames = np.round(self.horizon_s * TRAINING_RATE_HZ).astype(np.int64)
        return np.clip(1 + (frames - FRAME) // HOP, TRANSIENT_FRAMES + 1, FRAMES)

    def subset(self, indices: ArrayLike) -> Self:
        """Hits by index, in that order; what is known of the recordings stays."""
        chosen = np.asarray(indices, np.int64)
        return replace(
            self,
            sounds=self.sounds[chosen],
            onset_features=self.onset_features[chosen],
            horizon_s=self.horizon_s[chosen],
            origins=tuple(self.origins[i] for i in chosen),
        )


def load_hits(
    paths: Sequence[Path],
    *,
    spec: FeatureSpec | None = None,
    channel: int = 0,
    onset_parameters: Mapping[str, float] | None = None,
) -> HitSet:
    """Find the hits of recordings.

    Parameters
    ----------
    paths : sequence of Path
        Files that libsndfile reads, and folders of such at any depth. A file of a folder that cannot be read is passed
        over and told; one that is named itself is an error.
    spec : FeatureSpec, optional
        Window of the onset features; the default one if not given.
    channel : int
        Channel of the recordings, from 0, or `remapd.audio.file.MIX` for the mean of all.
    onset_parameters : mapping of str to float, optional
        Parameters of the detector that differ from their defaults.

    Returns
    -------
    HitSet
        In the order of the paths and of time; it may be empty, see `remapd.training.material.check_material`.

    Raises
    ------
    AudioFileError
        If a recording that is named itself cannot be read, or lacks the channel.
    TrainingDataError
        If a path does not exist, there is no recording, one is too long, or there are more than `MAX_HITS` hits.
    FieldError
        If a parameter does not fit.
    """
    sources, skipped = find_sources(paths)
    gathered = _Gathered(spec or FeatureSpec(), channel, onset_parameters, skipped)
    for source in sources:
        gathered.add(source)
    if not gathered.recordings:
        raise TrainingDataError(_nothing_read(paths, gathered.skipped))
    return gathered.hits()


def load_drums(
    folder: Path,
    *,
    spec: FeatureSpec | None = None,
    channel: int = 0,
    onset_parameters: Mapping[str, float] | None = None,
) -> dict[str, HitSet]:
    """Load a folder that has a folder for each drum, as the SDSS snare data set does, by the names of these.

    Recordings lie in them at any depth; folders without any are left out. The parameters are those of `load_hits`.

    Raises
    ------
    TrainingDataError
        If there is no recording in any of them, and as `load_hits` does.
    """
    drums: dict[str, HitSet] = {}
    for drum in drum_folders(folder):
        sources, skipped = find_sources([drum])
        gathered = _Gathered(spec or FeatureSpec(), channel, onset_parameters, skipped)
        for source in sources:
            gathered.add(source)
        if gathered.recordings:
            drums[drum.name] = gathered.hits()
    if not drums:
        raise TrainingDataError(f"{folder}: no recording in any of its folders")
    return drums


class _Gathered:
    """Hits of one recording after the other."""

    def __init__(
        self, spec: FeatureSpec, channel: int, values: Mapping[str, float] | None, skipped: Sequence[Skipped]
    ) -> None:
        self._spec, self._channel, self._values = spec, channel, values
        self._segments: list[Segment] = []
        self._features: list[NDArray[np.float64]] = []
        self._origins: list[Origin] = []
        self._rejected: list[Rejected] = []
        self.recordings: list[Read] = []
        self.skipped = list(skipped)

    def add(self, source: Source) -> None:
        try:
            recording = read_recording(source.path, self._channel)
        except AudioFileError as error:
            if source.named:
                raise
            self.skipped.append(Skipped(source.path, str(error).removeprefix(f"{source.path}: ")))
            return
        before = len(self._segments)
        self._add_hits(recording, source.drum, find_hits(recording, self._spec, self._values))
        self.recordings.append(_read(recording, source.drum, len(self._segments) - before))
        if len(self._segments) > MAX_HITS:
            raise TrainingDataError(f"more than {MAX_HITS} hits; name fewer recordings")

    def _add_hits(self, recording: Recording, drum: str, found: Detection) -> None:
        path, rate, onsets = recording.path, recording.sample_rate, found.onset_frames
        rejected = [Rejected(path, one.onset_s, one.reason, one.level_db) for one in found.rejected]
        for i, onset in enumerate(onsets):
            following = int(onsets[i + 1]) if i + 1 < len(onsets) else None
            segment, onset_s = cut_segment(recording, int(onset), following, self._spec), float(onset / rate)
            if segment.whole_frames < LEAST_FRAMES:
                reason = ENDS_TOO_SOON if following is None else NEXT_TOO_SOON
                rejected.append(Rejected(path, onset_s, reason, float(found.onset_features[i, _LOUDNESS])))
                continue
            self._segments.append(segment)
            self._features.append(found.onset_features[i])
            self._origins.append(Origin(path, recording.channel, onset_s, drum, segment.clipped))
        self._rejected += sorted(rejected, key=lambda one: one.time_s)

    def hits(self) -> HitSet:
        sounds = [segment.sound for segment in self._segments]
        horizon = [segment.whole_frames / TRAINING_RATE_HZ for segment in self._segments]
        return HitSet(
            np.stack(sounds) if sounds else np.zeros((0, SOUND_FRAMES), np.float32),
            np.stack(self._features) if self._features else np.zeros((0, N_FEATURES)),
            np.array(horizon, np.float64),
            tuple(self._origins),
            self._spec,
            tuple(self._rejected),
            tuple(self.recordings),
            tuple(self.skipped),
        )


def _read(recording: Recording, drum: str, hits: int) -> Read:
    return Read(
        recording.path,
        drum,
        recording.channel,
        recording.sample_rate,
        recording.duration_s,
        hits,
        recording.channel_peaks,
        recording.non_finite,
        recording.missing_s,
    )


def _nothing_read(paths: Sequence[Path], skipped: Sequence[Skipped]) -> str:
    named = ", ".join(str(path) for path in paths)
    if not skipped:
        return f"{named}: no recordings in it"
    count, first = f"{len(skipped)} file{'s' * (len(skipped) != 1)}", skipped[0]
    return f"{named}: no recording that can be read ({count} passed over, {first.path}: {first.reason})"
