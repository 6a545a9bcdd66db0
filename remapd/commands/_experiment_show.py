"""What ``remapd experiment`` shows while it works and when it is done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remapd.commands._shared import console_for_pipes

if TYPE_CHECKING:
    from rich.console import Console

    from remapd.training.experiment_run import Tally
    from remapd.training.experiment_tables import Row, Table

Tell = Callable[[str], object]
Update = Callable[["Tally", str], object]

# Where there is no terminal, a line not more often than this.
_LINE_S = 30.0


@contextlib.contextmanager
def shown(total: int, quiet: bool) -> Iterator[tuple[Tell, Update]]:
    """Show a bar on standard error if that is a terminal, else a line now and then; warnings are shown in any case."""
    from rich.console import Console as Terminal

    console = Terminal(stderr=True)
    if quiet:
        yield _tell_line, lambda tally, what: None
    elif console.is_terminal:
        with _bar(console, total) as pair:
            yield pair
    else:
        yield _tell_line, _Lines(total).update


def _tell_line(line: str) -> None:
    click.echo(line, err=True)


@contextlib.contextmanager
def _bar(console: Console, total: int) -> Iterator[tuple[Tell, Update]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(16), MofNCompleteColumn(), TextColumn("{task.fields[text]}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total, text="")

        def update(tally: Tally, what: str) -> None:
            bar.update(task, completed=tally.done, text=f"{_left(tally)}, {what}")

        yield lambda line: bar.console.print(line, markup=False, highlight=False), update


class _Lines:
    """Progress as lines."""

    def __init__(self, total: int) -> None:
        self._total, self._said = total, float("-inf")

    def update(self, tally: Tally, what: str) -> None:
        now = time.monotonic()
        if now - self._said >= _LINE_S or tally.done == self._total:
            self._said = now
            _tell_line(f"{tally.done} of {self._total} jobs: {_left(tally)}, {what}")


def _left(tally: Tally) -> str:
    seconds = tally.left_s
    if seconds is None:
        return "time left not known yet"
    for unit, name in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2.0 * unit:
            return f"{seconds / unit:.0f} {name} left"
    return f"{seconds:.0f} s left"


def show_tally(tally: Tally) -> None:
    """Say what was done."""
    parts = [f"{tally.computed - tally.failed} done", f"{tally.present} there already"]
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    if tally.failed_before:
        parts.append(f"{tally.failed_before} failed before (--retry-failed tries them again)")
    click.echo(f"{tally.total} jobs: {', '.join(parts)}")


def show_tables(table: Table, lines: Sequence[str], paths: Sequence[Path]) -> None:
    """Show the table over all drums in short, and where the others are."""
    from rich.table import Table as Grid

    grid = Grid(box=None, padding=(0, 2, 0, 0))
    grid.add_column("mean absolute error")
    for heading in ("jobs", "hits", "mean of all features"):
        grid.add_column(heading, justify="right")
    for row in table.rows:
        grid.add_row(row.label, row.count, str(row.hits), _overall(row))
    console_for_pipes().print(grid)
    for line in lines[2:]:
        click.echo(line)
    for path in paths:
        click.echo(click.format_filename(path))


def _overall(row: Row) -> str:
    return f"{row.errors.overall:.3f}" if row.hits else "–"
