"""The live screen as text: meters, the last hits, and what the last of them did to each parameter.

Lines are put together here rather than by tables of `rich`, which would take a tenth of a core to lay out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.text import Text

from remapd.demo.bars import Bars
from remapd.engine.events import HitEvent
from remapd.engine.status import EngineStatus
from remapd.features.descriptors import BASIC_FEATURES
from remapd.synth.registry import SYNTHS

_UNITS = {"db": "dB", "st": "st", "hz": "Hz", "ms": "ms"}
_NAME_CELLS = 18
_GAP = "    "
_FEWEST_HITS, _MOST_HITS = 3, 14
_MODULATION_CELLS = 60
_REACHES = (0.05, 0.1, 0.2, 0.5, 1.0)


def draw(
    title: str,
    tracks: Sequence[str],
    status: EngineStatus,
    hits: Sequence[HitEvent],
    bars: Bars,
    size: tuple[int, int],
) -> Text:
    """Draw the whole screen.

    Parameters
    ----------
    title : str
        First line.
    tracks : sequence of str
        Names; with more than one, each has its meter and each hit its name.
    status : EngineStatus
        Meters and counts.
    hits : sequence of HitEvent
        Oldest first.
    bars : Bars
        Characters for the bars.
    size : tuple of int
        Columns and rows there are.

    Returns
    -------
    rich.text.Text
        Lines that are cropped where they are too wide; from 80 columns on only the counts can be.
    """
    head = [
        Text.assemble((title, "bold"), f"  {status.seconds:.1f} s"),
        *_meters(tracks, status, bars),
        _counts(status),
    ]
    columns, rows = size
    body = _body(tracks, hits, bars, columns, rows - len(head))
    return Text("\n", no_wrap=True, overflow="crop").join([*head, Text(), *body])


def _body(tracks: Sequence[str], hits: Sequence[HitEvent], bars: Bars, columns: int, rows: int) -> list[Text]:
    """The last hits and the modulation, side by side if there is room, else one above the other."""
    modulation = _modulation(hits, bars) if hits else []
    left = [_hit_heading(tracks, hits), *(_hit_line(tracks, hit) for hit in reversed(hits))]
    if columns >= len(left[0]) + len(_GAP) + _MODULATION_CELLS:
        return _side_by_side(left[: _MOST_HITS + 1], modulation)
    room = max(_FEWEST_HITS, min(_MOST_HITS, rows - len(modulation) - 3))
    return [*left[: room + 1], *modulation]


def feature_texts(hit: HitEvent) -> list[str]:
    """Each of the basic features with its unit, which is the last part of its name."""
    return [f"{hit.features[name]:.1f} {_UNITS[name.rpartition('_')[2]]}" for name in BASIC_FEATURES]


def _meters(tracks: Sequence[str], status: EngineStatus, bars: Bars) -> list[Text]:
    names = tracks if len(tracks) > 1 else ("input",)
    lines = [_meter(name, level, bars) for name, level in zip(names, status.track_peak_db, strict=False)]
    lines.append(_meter("output", max(status.peak_db), bars))
    if status.limiter_db < -0.05:
        lines[-1].append(f"  limiter {status.limiter_db:.1f} dB", "yellow")
    return lines


def _meter(name: str, level_db: float, bars: Bars) -> Text:
    colour = "red" if level_db > -1.0 else "yellow" if level_db > -9.0 else "green"
    return Text.assemble(f"{name[:8]:<8} ", (bars.level(level_db), colour), f" {level_db:6.1f} dB")


def _counts(status: EngineStatus) -> Text:
    reasons = ", ".join(f"{count} {reason}" for reason, count in status.rejected.items() if count)
    timing = f"load {100.0 * status.load:.1f} %  block {status.callback_us_p50:.0f} us  late {status.xruns}"
    return Text(f"hits {sum(status.hits)}  {timing}  rejected {reasons or 'none'}", "dim")


def _hit_heading(tracks: Sequence[str], hits: Sequence[HitEvent]) -> Text:
    names = [name.rpartition("_")[0] for name in BASIC_FEATURES] if hits else []
    track = f"{'track':<9}" if len(tracks) > 1 else ""
    return Text(f"{'hit at':>10} {track}" + "".join(f"{name:>11}" for name in (*names, "sounds in")), "dim")


def _hit_line(tracks: Sequence[str], hit: HitEvent) -> Text:
    track = f"{tracks[hit.track][:8]:<9}" if len(tracks) > 1 else ""
    texts = (*feature_texts(hit), f"{1000.0 * (hit.trigger_s - hit.onset_s):.1f} ms")
    return Text(f"{hit.onset_s:8.3f} s {track}" + "".join(f"{text:>11}" for text in texts))


def _modulation(hits: Sequence[HitEvent], bars: Bars) -> list[Text]:
    """A heading, and the last hit's modulation of each parameter, as wide as the largest of late."""
    hit, reach = hits[-1], _reach(hits)
    units = {parameter.name: parameter.unit for parameter in SYNTHS[hit.synth].table}
    heading = Text(f"{'last hit moves':<{_NAME_CELLS}}full bar {reach:g}", "dim")
    return [heading] + [
        Text.assemble(
            f"{name:<{_NAME_CELLS}}",
            (bars.modulation(amount, reach), "green" if amount >= 0.0 else "magenta"),
            f" {amount:+.2f} {hit.values[name]:8.4g} {units[name]}",
        )
        for name, amount in hit.modulation.items()
    ]


def _reach(hits: Sequence[HitEvent]) -> float:
    """Least of a few round numbers that no modulation exceeds, so that the scale rarely changes."""
    largest = max((abs(amount) for hit in hits for amount in hit.modulation.values()), default=0.0)
    return next((reach for reach in _REACHES if reach >= largest), _REACHES[-1])


def _side_by_side(left: Sequence[Text], right: Iterable[Text]) -> list[Text]:
    width = len(left[0])
    rows = zip_longest(left, right, fillvalue=Text())
    return [Text.assemble(a, " " * (width - len(a)), _GAP, b) for a, b in rows]
