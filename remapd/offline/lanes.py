"""The lanes of a picture: each draws one kind of information on axes that share the axis of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.features.descriptors import BASIC_FEATURES, FEATURES
from remapd.offline.detection import Detection
from remapd.offline.envelope import Envelope
from remapd.offline.heat_map import draw_modulations
from remapd.offline.picture_data import Picture, TrackPicture
from remapd.onsets.detector import REASONS

Values = NDArray[np.float64]

_INK, _MUTED, _GRID, _HIT = "#22262e", "#7a8290", "#e6e9ed", "#1b8a5a"
_SOURCE, _OUTPUT = "#5b7fa6", "#d9822b"
_SIGNAL, _LEVEL, _FLOOR, _THRESHOLD = "#9db4cf", "#c3cad3", "#7a5195", "#c0392b"
_REASON_COLOURS = ("#8c6d31", "#c0392b", "#7a5195", "#d9822b", "#0f6e84", "#d45087", "#5f6b2d", "#454d59")
_REASON_MARKERS = ("v", "x", "s", "D", "P", "^", "*", "<")
_FEATURE_COLOURS = ("#1b8a5a", "#2f6fb0", "#a05195")

_LEVEL_RANGE_DB = 90.0
#: More marks than this cannot be told from each other.
_MOST_SINGLE_MARKS = 500


@dataclass(frozen=True, slots=True)
class Lane:
    """Height of a lane and the room above it, in inches, what draws it on given axes, and a heading."""

    height_in: float
    draw: Callable[[Any], None]
    above_in: float = 0.14
    heading: str = ""


def waveforms(picture: Picture) -> Lane:
    """Input above, output below, and a mark at each hit."""

    def draw(axes: Any) -> None:
        onsets = [hit.onset_s for track in picture.tracks for hit in track.hits]
        _waveform(axes, picture.source, 1.05, _SOURCE, "input")
        _waveform(axes, picture.output, -1.05, _OUTPUT, "output")
        axes.axhline(0.0, color=_GRID, lw=0.8)
        _hit_lines(axes, onsets)
        axes.plot(onsets, np.full(len(onsets), 2.25), "v", ms=_size(onsets), color=_HIT, mew=0, label="hit")
        axes.set(ylim=(-2.15, 2.35), yticks=[1.05, -1.05], yticklabels=["input", "output"])
        axes.tick_params(axis="y", length=0, labelsize=10)
        axes.spines["left"].set_visible(False)
        _legend(axes)

    return Lane(2.4, draw, above_in=0.0)


def track_lanes(track: TrackPicture, duration_s: float) -> Iterator[Lane]:
    """All lanes of a track."""
    if track.detection is not None:
        yield _level_lane(track, track.detection)
        yield _detection_lane(track, track.detection)
    for index in range(len(BASIC_FEATURES)):
        yield _feature_lane(track, index)
    height_in = 0.215 * len(track.table)
    yield Lane(height_in, lambda axes: draw_modulations(axes, track.table, track.hits, duration_s), above_in=0.5)


def _waveform(axes: Any, envelope: Envelope, middle: float, colour: str, label: str) -> None:
    """Draw at its own scale, and tell the peak, so that a quiet recording can still be seen."""
    peak = max(1e-9, float(np.max(np.abs([envelope.low, envelope.high]), initial=0.0)))
    low, high = middle + envelope.low / peak, middle + envelope.high / peak
    axes.fill_between(envelope.time_s, low, high, color=colour, lw=0.4, label=f"{label}, {_peak_text(peak)}")


def _peak_text(peak: float) -> str:
    return f"peak {20.0 * np.log10(peak):.1f} dBFS" if peak > 1e-6 else "silent"


def _hit_lines(axes: Any, onsets: Sequence[float]) -> None:
    """Faint lines that lead the eye from lane to lane; none where they would cover what lies behind."""
    if _are_dense(onsets):
        return
    alpha = float(np.clip(30.0 / max(1, len(onsets)), 0.08, 0.3))
    axes.vlines(onsets, 0.0, 1.0, transform=axes.get_xaxis_transform(), color=_HIT, lw=0.6, alpha=alpha, zorder=0)


def _level_lane(track: TrackPicture, detection: Detection) -> Lane:
    level, floor = detection.level, detection.floor

    def draw(axes: Any) -> None:
        top = float(np.max(level.high, initial=-30.0)) + 3.0
        bottom = max(top - _LEVEL_RANGE_DB, float(np.min(floor.low, initial=top)) - 6.0)
        axes.fill_between(level.time_s, bottom, np.maximum(level.high, bottom), color=_LEVEL, lw=0.4, label="level")
        axes.plot(floor.time_s, floor.high, color=_FLOOR, lw=1.2, label="noise floor")
        _hit_lines(axes, [hit.onset_s for hit in track.hits])
        axes.set_ylim(bottom, top)
        _label(axes, "level", "dBFS")
        _legend(axes)

    return Lane(1.15, draw)


def _detection_lane(track: TrackPicture, detection: Detection) -> Lane:
    signal, threshold = detection.signal, detection.threshold

    def draw(axes: Any) -> None:
        axes.fill_between(signal.time_s, 0.0, signal.high, color=_SIGNAL, lw=0.4, label="detection signal")
        axes.plot(threshold.time_s, threshold.high, color=_THRESHOLD, lw=1.1, label="strength that a hit needs")
        axes.axhline(detection.on_db, color=_INK, lw=0.8, ls="--", label=f"candidate: from {detection.on_db:g} dB")
        axes.axhline(detection.off_db, color=_MUTED, lw=0.9, ls=":", label=f"next one: after {detection.off_db:g} dB")
        _candidates(axes, track)
        axes.set_ylim(0.0, axes.get_ylim()[1])
        _label(axes, "detection", "dB of rise")
        _legend(axes)

    return Lane(2.3, draw)


def _candidates(axes: Any, track: TrackPicture) -> None:
    times = [hit.onset_s for hit in track.hits]
    strengths = [hit.strength_db for hit in track.hits]
    _marks(axes, times, strengths, "o", "hit", mew=0, color=_HIT, zorder=4)
    for index, reason in enumerate(REASONS[1:]):
        found = [event for event in track.rejected if event.reason == reason]
        if found:
            colour = _REASON_COLOURS[index % len(_REASON_COLOURS)]
            marker = _REASON_MARKERS[index % len(_REASON_MARKERS)]
            times, strengths = [event.time_s for event in found], [event.strength_db for event in found]
            _marks(axes, times, strengths, marker, reason, mew=1.0, mfc="none", mec=colour, zorder=3)


def _marks(axes: Any, times: Sequence[float], values: Sequence[float], marker: str, name: str, **style: Any) -> None:
    """Draw marks, translucent if they are many; those in the legend are always plain."""
    axes.plot(times, values, marker, ms=_size(times), alpha=_alpha(times), **style)
    axes.plot([], [], marker, ms=4.5, label=f"{name} ({len(times)})", **style)


def _are_dense(marks: Sequence[float]) -> bool:
    return len(marks) > _MOST_SINGLE_MARKS


def _size(marks: Sequence[float]) -> float:
    return 2.0 if _are_dense(marks) else 4.5


def _alpha(marks: Sequence[float]) -> float:
    """Crowded marks are translucent, so that they show where they are dense."""
    return float(np.clip(_MOST_SINGLE_MARKS / max(1, len(marks)), 0.15, 1.0))


def _feature_lane(track: TrackPicture, index: int) -> Lane:
    feature = FEATURES.parameters[index]
    colour = _FEATURE_COLOURS[index % len(_FEATURE_COLOURS)]

    def draw(axes: Any) -> None:
        times = [hit.onset_s for hit in track.hits]
        values = np.array([hit.features[feature.name] for hit in track.hits])
        low, high = _range(values, feature.minimum, feature.maximum)
        if not _are_dense(times):
            axes.vlines(times, low, values, color=colour, lw=1.0, alpha=0.4)
        axes.plot(times, values, "o", ms=0.8 * _size(times), mew=0, color=colour, alpha=_alpha(times))
        axes.set_ylim(low, high)
        axes.grid(axis="y", color=_GRID, lw=0.8)
        axes.set_axisbelow(True)
        _label(axes, feature.name.rsplit("_", 1)[0], feature.unit)
        if len(values):
            text = f"{values.min():.1f} to {values.max():.1f} {feature.unit}\nmedian {np.median(values):.1f}"
            axes.text(1.012, 0.5, text, transform=axes.transAxes, va="center", fontsize=8.5, color="#3c4350")

    return Lane(0.72, draw)


def _range(values: Values, minimum: float, maximum: float) -> tuple[float, float]:
    """Limits of an axis around the values, with some air."""
    if len(values) == 0:
        return minimum, maximum
    low, high = float(values.min()), float(values.max())
    air = max(1.0, 0.15 * (high - low))
    return low - air, high + air


def _label(axes: Any, name: str, unit: str) -> None:
    axes.set_ylabel(f"{name}\n{unit}", rotation=0, ha="right", va="center", labelpad=10)
    axes.yaxis.set_label_coords(-0.045, 0.5)
    axes.locator_params(axis="y", nbins=4)


def _legend(axes: Any) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.04), borderaxespad=0.3, handlelength=1.3, labelspacing=0.35)
