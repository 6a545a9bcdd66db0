"""What a control surface shows: pages, tabs and rows of the control tree; how they are drawn is another matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from remapd.control.tree import Control

#: Endings of names that their unit says again.
_UNIT_ENDINGS = ("_db_per_ms", "_db", "_ms", "_hz")
_PLAY = "Play"
#: Parts of a track's tree, and the tab that shows them; what is in none of them is for playing.
_TABS = {"synth": "Sound", "feature": "Features", "onset": "Onsets"}
#: Parts that stand beside the fader of the same parameter.
_BESIDE = ("depth", "lock")


@dataclass(frozen=True, slots=True)
class Row:
    """One control with its name; of a synthesiser's parameter also how far it is moved, and its lock."""

    label: str
    control: Control
    depth: Control | None = None
    lock: Control | None = None


@dataclass(frozen=True, slots=True)
class Tab:
    """Rows that are seen together."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class TrackPage:
    """A track: what it plays, its switches, and its tabs."""

    number: int
    texts: tuple[Row, ...]
    switches: tuple[Row, ...]
    tabs: tuple[Tab, ...]

    @property
    def hit_address(self) -> str:
        """Address at which an OSC sink tells of this track's hits."""
        return f"/remapd/{self.number}/hit"


@dataclass(frozen=True, slots=True)
class Surface:
    """Everything that can be changed over OSC, and what plays."""

    actions: tuple[Row, ...]
    rows: tuple[Row, ...]
    tracks: tuple[TrackPage, ...]


def surface_of(controls: Iterable[Control]) -> Surface:
    """Surface of a tree.

    Parameters
    ----------
    controls : iterable of Control
        Those of the tree, in its order; what OSC may not change is left out, but for the texts of tracks.
    """
    kept = [control for control in controls if control.osc or (control.track and control.kind == "text")]
    once = [control for control in kept if not control.track]
    numbers = dict.fromkeys(control.track for control in kept if control.track)
    return Surface(
        tuple(_row(control) for control in once if control.kind == "action"),
        tuple(_row(control) for control in once if control.kind in ("number", "whole", "switch")),
        tuple(_track(number, [control for control in kept if control.track == number]) for number in numbers),
    )


def _track(number: int, controls: list[Control]) -> TrackPage:
    root = f"/track/{number}/"
    by_place = {control.path.removeprefix(root): control for control in controls}
    tabs: dict[str, list[Row]] = {title: [] for title in (_PLAY, *_TABS.values())}
    for place, control in by_place.items():
        part = place.partition("/")[0]
        if control.kind in ("number", "whole") and part not in _BESIDE:
            tabs[_TABS.get(part, _PLAY)].append(_track_row(place, by_place))
    return TrackPage(
        number,
        tuple(_row(control) for control in controls if control.kind == "text"),
        tuple(_row(c) for place, c in by_place.items() if c.kind == "switch" and "/" not in place),
        tuple(Tab(title, tuple(map(_told_apart(rows), rows))) for title, rows in tabs.items() if rows),
    )


def _told_apart(rows: list[Row]) -> Callable[[Row], Row]:
    """Add the unit to labels that are there twice."""
    counts = Counter(row.label for row in rows)
    return lambda row: row if counts[row.label] == 1 else replace(row, label=f"{row.label} ({row.control.unit})")


def _track_row(place: str, by_place: dict[str, Control]) -> Row:
    part, _, name = place.rpartition("/") if "/" not in place else place.partition("/")
    beside = {kind: by_place.get(f"{kind}/{name}") if part == "synth" else None for kind in _BESIDE}
    label = _label(name if part else place)
    return Row(label, by_place[place], beside["depth"], beside["lock"])


def _row(control: Control) -> Row:
    return Row(_label(control.path.rpartition("/")[2]), control)


def value_format(control: Control) -> str:
    """How a number is written, as ``%.1f``: with as many decimals as its range deserves."""
    assert control.minimum is not None, control.path
    assert control.maximum is not None, control.path
    if control.kind == "whole":
        return "%.0f"
    if control.curve == "log":
        return "%.4g"
    span = control.maximum - control.minimum
    return "%.0f" if span >= 500.0 else "%.1f" if span >= 20.0 else "%.2f"


def value_text(control: Control, value: object) -> str:
    """A number with its unit."""
    return f"{value_format(control) % value} {control.unit}".rstrip()


def node_name(control: Control) -> str:
    """Name of what shows a control: that of its path, so that there are no two of it."""
    return control.path.strip("/").replace("/", "_")


def _label(name: str) -> str:
    """Name for people, without the unit that stands beside the value."""
    for ending in _UNIT_ENDINGS:
        name = name.removesuffix(ending)
    words = name.replace("/", " ").replace("_", " ").split()
    return " ".join(word for word, before in zip(words, ["", *words], strict=False) if word != before)
