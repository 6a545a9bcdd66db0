"""The modulation of each parameter at each hit, as a map of colours over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.engine.events import HitEvent
from remapd.parameters import ParameterTable

#: About one column for each pixel.
_COLUMNS = 1400
#: Most columns that one hit fills, so that gaps between hits stay visible.
_WIDEST = 16
#: A scale of colours is not stretched further than to this, so that a touch of modulation does not look like a lot.
_SMALLEST_SCALE = 0.1
_COLOURS = ("#2b5c8a", "#8fb3d9", "#f4f4f2", "#eba46b", "#b2481c")
_GROUND = "#e3e6ea"


def draw_modulations(axes: Any, table: ParameterTable, hits: Sequence[HitEvent], duration_s: float) -> None:
    """Draw one row for each parameter, and beside it the range of values that the hits had."""
    from matplotlib.colors import LinearSegmentedColormap

    rows = len(table)
    image = heat(table.names, hits, duration_s)
    scale = max(_SMALLEST_SCALE, float(np.nanmax(np.abs(image), initial=0.0)))
    colours = LinearSegmentedColormap.from_list("modulation", _COLOURS).with_extremes(bad=_GROUND)
    mesh = axes.imshow(
        np.ma.masked_invalid(image), aspect="auto", interpolation="nearest", cmap=colours, vmin=-scale, vmax=scale,
        extent=(0.0, duration_s, rows - 0.5, -0.5),
    )  # fmt: skip
    axes.hlines(np.arange(1, rows) - 0.5, 0.0, duration_s, color="white", lw=1.5)
    axes.set(yticks=range(rows), yticklabels=table.names)
    axes.tick_params(axis="y", length=0, labelsize=8.5)
    for row, text in enumerate(_value_ranges(table, hits)):
        axes.text(1.012, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5, color="#3c4350")
    for place, text in ((0.0, "modulation of each parameter, hit by hit"), (1.012, "values")):
        axes.text(place, -1.0, text, transform=axes.get_yaxis_transform(), va="center", fontsize=9.5)
    _scale_bar(axes, mesh, scale)


def heat(names: Sequence[str], hits: Sequence[HitEvent], duration_s: float) -> NDArray[np.float64]:
    """Modulation by parameter and column of time; NaN where no hit is.

    A hit fills the columns up to the next one, but no more than a few. Of hits in one column the greatest counts.
    """
    image = np.full((len(names), _COLUMNS), np.nan)
    starts = [min(_COLUMNS - 1, int(hit.onset_s / duration_s * _COLUMNS)) for hit in hits]
    for index, (hit, start) in enumerate(zip(hits, starts, strict=True)):
        following = starts[index + 1] - 1 if index + 1 < len(starts) else _COLUMNS
        stop = max(start + 1, min(following, start + _WIDEST))
        column = np.array([hit.modulation.get(name, np.nan) for name in names])
        before = image[:, start]
        greater = np.isnan(before) | (np.abs(column) > np.abs(before))
        image[:, start:stop] = np.where(greater, column, before)[:, np.newaxis]
    return image


def _value_ranges(table: ParameterTable, hits: Sequence[HitEvent]) -> list[str]:
    texts = []
    for parameter in table:
        values = [hit.values[parameter.name] for hit in hits if parameter.name in hit.values]
        texts.append(_range_text(min(values), max(values), parameter.unit) if values else "")
    return texts


def _range_text(low: float, high: float, unit: str) -> str:
    first, last = _number(low), _number(high)
    return f"{first if first == last else f'{first} to {last}'} {unit}".rstrip()


def _number(value: float) -> str:
    """About three digits, without exponents."""
    return f"{value:.0f}" if abs(value) >= 100.0 else f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.2f}"


def _scale_bar(axes: Any, mesh: Any, scale: float) -> None:
    bar = axes.inset_axes((0.86, 1.03, 0.14, 0.025))
    axes.figure.colorbar(mesh, cax=bar, orientation="horizontal", ticks=[-scale, 0.0, scale])
    bar.set_xticklabels([f"{-scale:.2f}", "0", f"+{scale:.2f}"])
    bar.xaxis.set_ticks_position("top")
    bar.tick_params(length=0, labelsize=8, pad=1)
    bar.spines["outline"].set_visible(False)
