"""What an engine hears and does, shown while it runs: a live screen in a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from remapd.demo.bars import Bars
from remapd.demo.screen import draw, feature_texts
from remapd.engine.events import Event, HitEvent
from remapd.engine.status import EngineStatus

#: Refreshes of the screen per second, at most: enough to follow, little enough to cost next to nothing.
REFRESH_HZ = 12.0

_HITS_KEPT = 32
_STRONGEST = 3
_LEAST_SHOWN = 0.005


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
        strongest = sorted(hit.modulation.items(), key=lambda item: -abs(item[1]))[:_STRONGEST]
        moved = "  ".join(f"{name} {amount:+.2f}" for name, amount in strongest if abs(amount) >= _LEAST_SHOWN)
        return f"{hit.onset_s:8.3f} s{track}  {'  '.join(feature_texts(hit))}  {moved or 'as the preset'}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do."""


class LiveDisplay:
    """A screen with meters, the last hits, and the modulation of each parameter by the last of them."""

    def __init__(self, console: Console, title: str, tracks: Sequence[str]) -> None:
        self._console, self._title, self._tracks = console, title, tracks
        self._bars = Bars.for_encoding(console.encoding)
        self._hits: deque[HitEvent] = deque(maxlen=_HITS_KEPT)
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
        size = self._console.size
        return draw(self._title, self._tracks, self._status, tuple(self._hits), self._bars, (size.width, size.height))
