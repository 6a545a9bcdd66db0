"""What an engine hears and does, shown while it runs: a live screen in a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from remapd.demo.bars import Bars
from remapd.engine.events import Event, HitEvent
from remapd.engine.status import EngineStatus
from remapd.synth.registry import SYNTHS

#: Refreshes of the screen per second, at most: enough to follow, little enough to cost next to nothing.
REFRESH_HZ = 12.0

_ROWS = 14
_SIDE_BY_SIDE = 104


class Display(Protocol):
    """Something that shows events and meters; used as a context manager and fed a few times a second."""

    def update(self, status: EngineStatus, events: Sequence[Event]) -> None:
        """Show what came since the last call and how things stand."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def make_display(console: Console, title: str, tracks: Sequence[str]) -> Display:
    """Choose a live screen where `console` is a terminal, plain lines where it is not.

    Parameters
    ----------
    console : rich.console.Console
        Where to write.
    title : str
        First line of the screen.
    tracks : sequence of str
        Name of each track.
    """
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveDisplay(console, title, tracks)
    return LineDisplay(console, tracks)


class LineDisplay:
    """One plain line for each hit."""

    def __init__(self, console: Console, tracks: Sequence[str]) -> None:
        self._console = console
        self._tracks = tracks

    def update(self, status: EngineStatus, events: Sequence[Event]) -> None:
        """Print the hits among the events."""
        for event in events:
            if isinstance(event, HitEvent):
                self._console.print(self._line(event), soft_wrap=True, markup=False, highlight=False)

    def _line(self, hit: HitEvent) -> str:
        track = f"  {self._tracks[hit.track]}" if len(self._tracks) > 1 else ""
        strongest = sorted(hit.modulation.items(), key=lambda item: -abs(item[1]))[:3]
        moved = " ".join(f"{name} {amount:+.2f}" for name, amount in strongest if abs(amount) >= 0.005)
        return f"{hit.onset_s:8.3f} s{track}  {'  '.join(_features(hit))}  {moved or 'as the preset'}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do."""


class LiveDisplay:
    """A screen with meters, the last hits, and the modulation of each parameter by the last of them."""

    def __init__(self, console: Console, title: str, tracks: Sequence[str]) -> None:
        self._title, self._tracks = title, tracks
        self._bars = Bars.for_encoding(console.encoding)
        self._console = console
        self._hits: deque[HitEvent] = deque(maxlen=_ROWS)
        self._status: EngineStatus | None = None
        self._due = 0.0
        self._live = Live(console=console, auto_refresh=False, get_renderable=self._screen, vertical_overflow="crop")

    def update(self, status: EngineStatus, events: Sequence[Event]) -> None:
        """Take everything in, and redraw the screen if that is due."""
        self._status = status
        self._hits.extend(event for event in events if isinstance(event, HitEvent))
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + 1.0 / REFRESH_HZ
            self._live.refresh()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last state and leave it standing."""
        self._live.refresh()
        self._live.stop()

    def _screen(self) -> RenderableType:
        if self._status is None:
            return Text(self._title)
        width = self._console.width
        hits, modulation = self._hit_table(), self._modulation_table()
        body: RenderableType = Group(hits, Text(), modulation)
        if width >= _SIDE_BY_SIDE:
            body = Table.grid(padding=(0, 4))
            body.add_row(hits, modulation)
        return Group(self._heading(self._status), *self._meters(self._status), self._counts(self._status), Text(), body)

    def _heading(self, status: EngineStatus) -> Text:
        return Text.assemble((self._title, "bold"), f"   {status.seconds:7.1f} s")

    def _meters(self, status: EngineStatus) -> list[Text]:
        names = self._tracks if len(self._tracks) > 1 else ("input",)
        rows = [(name, level) for name, level in zip(names, status.track_peak_db, strict=False)]
        rows += [("left", status.peak_db[0]), ("right", status.peak_db[1])]
        lines = [
            Text.assemble(f"{name[:10]:<10} ", (self._bars.level(level), _level_style(level)), f" {level:6.1f} dB")
            for name, level in rows
        ]
        if status.limiter_db < -0.05:
            lines[-1].append(f"  limiter {status.limiter_db:.1f} dB", "yellow")
        return lines

    def _counts(self, status: EngineStatus) -> Text:
        reasons = ", ".join(f"{count} {reason}" for reason, count in status.rejected.items() if count)
        return Text.assemble(
            ("hits ", "dim"), f"{sum(status.hits)}", ("  rejected ", "dim"), reasons or "none",
            ("  load ", "dim"), f"{100.0 * status.load:.1f} %",
            ("  block ", "dim"), f"{status.callback_us_p50:.0f} / {status.callback_us_p99:.0f} us",
            ("  late ", "dim"), f"{status.xruns}",
        )  # fmt: skip

    def _hit_table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        names = [
            "hit at",
            *(["track"] if len(self._tracks) > 1 else []),
            "loudness",
            "centroid",
            "flatness",
            "sounds after",
        ]
        for name in names:
            table.add_column(name, justify="right", no_wrap=True, min_width=10)
        for hit in reversed(self._hits):
            track = [self._tracks[hit.track]] if len(self._tracks) > 1 else []
            after = f"{1000.0 * (hit.trigger_s - hit.onset_s):.1f} ms"
            table.add_row(f"{hit.onset_s:.3f} s", *track, *_features(hit), after)
        for _ in range(_ROWS - len(self._hits)):
            table.add_row("")
        return table

    def _modulation_table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name, justify in (("parameter", "left"), ("modulation", "left"), ("", "right"), ("value", "right")):
            table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
        if self._hits:
            hit = self._hits[-1]
            units = {parameter.name: parameter.unit for parameter in SYNTHS[hit.synth].table}
            for name, amount in hit.modulation.items():
                bar = Text(self._bars.modulation(amount), "green" if amount >= 0.0 else "magenta")
                table.add_row(name, bar, f"{amount:+.2f}", f"{hit.values[name]:.4g} {units[name]}".rstrip())
        return table


def _features(hit: HitEvent) -> list[str]:
    """Each feature as text; the unit is the last part of its name."""
    return [f"{value:.1f} {_UNITS[name.rpartition('_')[2]]}" for name, value in hit.features.items()]


_UNITS = {"db": "dB", "st": "st", "hz": "Hz", "ms": "ms"}


def _level_style(level_db: float) -> str:
    return "red" if level_db > -1.0 else "yellow" if level_db > -9.0 else "green"
