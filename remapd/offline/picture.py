"""One picture of a run: what came in and went out, what the detector saw, and what each hit did to the synthesiser."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remapd.offline.lanes import Lane, track_lanes, waveforms
from remapd.offline.picture_data import MAX_TRACKS, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH_IN, _LEFT_IN, _RIGHT_IN, _HEADER_IN, _FOOTER_IN = 16.0, 1.45, 2.3, 0.85, 0.55
_TRACK_HEADING_IN = 0.55
_DOTS_PER_IN = 110
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.edgecolor": "#c9ced6",
    "axes.labelcolor": "#3c4350",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#7a8290",
    "ytick.color": "#7a8290",
    "xtick.labelcolor": "#3c4350",
    "ytick.labelcolor": "#3c4350",
    "text.color": "#22262e",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "path.simplify": False,
    # Names of files are no formulas.
    "text.parse_math": False,
}


def draw_picture(path: Path, picture: Picture) -> None:
    """Write a PNG file of about 1760 by 1500 pixels, higher for more tracks; the same picture gives the same bytes."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # The user's own settings would change the picture from machine to machine.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = _figure(picture)
        # A file's name may have letters that the font lacks; they become boxes, and nobody needs to be told.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(path, format="png", dpi=_DOTS_PER_IN, metadata={"Software": None})


def _figure(picture: Picture) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    plans = _plans(picture)
    total = sum(lane.height_in + lane.above_in for lane in plans) + _HEADER_IN + _FOOTER_IN
    figure = Figure(figsize=(_WIDTH_IN, total), facecolor="white")
    FigureCanvasAgg(figure)
    _heading(figure, picture, total)
    top = total - _HEADER_IN
    for index, lane in enumerate(plans):
        top -= lane.above_in + lane.height_in
        width = (_WIDTH_IN - _LEFT_IN - _RIGHT_IN) / _WIDTH_IN
        axes = figure.add_axes((_LEFT_IN / _WIDTH_IN, top / total, width, lane.height_in / total))
        lane.draw(axes)
        _time_axis(axes, picture.duration_s, is_last=index == len(plans) - 1)
        height = top + lane.height_in + 0.2
        figure.text(0.02, height / total, _text(lane.heading), fontsize=11, fontweight="bold", va="center")
    return figure


def _plans(picture: Picture) -> list[Lane]:
    """All lanes from top to bottom; of several tracks each has its name above it."""
    plans = [waveforms(picture)]
    for track in picture.tracks[:MAX_TRACKS]:
        own = list(track_lanes(track, picture.duration_s))
        if len(picture.tracks) > 1:
            own[0] = replace(own[0], heading=track.name, above_in=_TRACK_HEADING_IN)
        plans += own
    return plans


def _text(name: str) -> str:
    """A name that may come from a file system, which need not be text."""
    return name.encode("utf-8", "replace").decode()


def _heading(figure: Figure, picture: Picture, height_in: float) -> None:
    hits = sum(len(track.hits) for track in picture.tracks)
    rejected = sum(len(track.rejected) for track in picture.tracks)
    counts = f"{hits} hits, {rejected} rejected candidates, {picture.duration_s:.2f} s"
    if len(picture.tracks) > MAX_TRACKS:
        counts += f" (tracks 1 to {MAX_TRACKS} of {len(picture.tracks)} are shown)"
    figure.text(0.02, 1 - 0.28 / height_in, _text(picture.title), fontsize=14, fontweight="bold", va="center")
    figure.text(0.02, 1 - 0.55 / height_in, counts, fontsize=10, color="#5b6472", va="center")


def _time_axis(axes: Any, duration_s: float, is_last: bool) -> None:
    axes.set_xlim(0.0, duration_s)
    axes.tick_params(axis="x", labelbottom=is_last, length=3 if is_last else 0)
    if is_last:
        axes.set_xlabel("seconds")
