"""What ``remapd train`` shows while it works and when it is done."""

from __future__ import annotations

import contextlib
import shlex
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import click
import numpy as np

from remapd.commands._shared import console_for_pipes
from remapd.training.long_term import LONG_TERM
from remapd.training.result import RANKED, Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from remapd.commands._train_setup import Target
    from remapd.synth.presets import Preset
    from remapd.training.material import HitReport
    from remapd.training.recipes import Recipe
    from remapd.training.result import TrainingResult

# Lines of progress where there is no terminal.
_LINES = 10
_RANKED_WORDS = {"loudness_t_db": "louder in, louder out", "centroid_t": "brighter in, brighter out"}


@contextlib.contextmanager
def stop_when_interrupted() -> Iterator[Callable[[], bool]]:
    """Ask to stop at the first Ctrl-C or SIGTERM; the second breaks off."""
    asked: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        click.echo("\nStopping after this epoch; what was learnt so far is kept. Once more breaks off.", err=True)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Show(Protocol):
    """Whoever tells how a training goes."""

    def compiling(self) -> None:
        """Code is compiled first."""

    def reading(self) -> None:
        """The recordings are read."""

    def hits(self, report: HitReport) -> None:
        """Tell what was found in the recordings."""

    def training(
        self, recipe: Recipe, preset: Preset
    ) -> contextlib.AbstractContextManager[Callable[[Progress], object] | None]:
        """Give what is called after each epoch."""

    def writing(self) -> None:
        """Model and report are written."""

    def result(self, result: TrainingResult, target: Target) -> None:
        """Tell what came out, and where it is."""

    def faults(self) -> contextlib.AbstractContextManager[None]:
        """Tell of errors that end the training, which pass on."""


class Text:
    """Tells a person: results on standard output, and how it goes on standard error.

    Parameters
    ----------
    quiet : bool
        Whether to say nothing at all.
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def compiling(self) -> None:
        """Code is compiled first."""
        if not self._quiet:
            click.echo("Compiling the code, once (about a minute)…", err=True)

    def reading(self) -> None:
        """Nothing: it takes no time worth a word."""

    def hits(self, report: HitReport) -> None:
        """Tell what was found in the recordings."""
        if not self._quiet:
            click.echo(report.text)

    @contextlib.contextmanager
    def training(self, recipe: Recipe, preset: Preset) -> Iterator[Callable[[Progress], object] | None]:
        """Show a bar on standard error if that is a terminal, else a line now and then."""
        from rich.console import Console as Terminal

        console = Terminal(stderr=True)
        title = f"{recipe.name} on {preset.name}"
        if self._quiet:
            yield None
        elif console.is_terminal:
            with _bar(console, title) as update:
                yield update
        else:
            click.echo(
                f"Training {title}; the first epoch takes longer, and on the first run a minute to compile…", err=True
            )
            yield _print_line

    def writing(self) -> None:
        """Nothing: it takes no time worth a word."""

    def result(self, result: TrainingResult, target: Target) -> None:
        """Show errors before and after, where everything is and what to do next."""
        if not self._quiet:
            _show_result(result, target)

    def faults(self) -> contextlib.AbstractContextManager[None]:
        """Nothing: the command line tells of every error."""
        return contextlib.nullcontext()


@contextlib.contextmanager
def _bar(console: Console, title: str) -> Iterator[Callable[[Progress], object]]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn(title),
        BarColumn(16),
        MofNCompleteColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None, text="preparing (on the first run, compiling takes a minute)")
        yield lambda p: bar.update(
            task, completed=p.epoch, total=p.epochs, text=f"{_seconds(p.left_s)} left, {_losses(p)}"
        )


def _print_line(p: Progress) -> None:
    if p.epoch == p.epochs or p.epoch % max(1, p.epochs // _LINES) == 1 % max(1, p.epochs // _LINES):
        click.echo(f"epoch {p.epoch} of {p.epochs}: {_seconds(p.left_s)} left, {_losses(p)}", err=True)


def _losses(p: Progress) -> str:
    held_out = "" if p.validation_loss is None else f", held out {p.validation_loss:.3f}, best {p.best_loss:.3f}"
    return f"loss {p.train_loss:.3f}{held_out}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100.0 else f"{seconds / 60.0:.0f} min"


def _show_result(result: TrainingResult, target: Target) -> None:
    console = console_for_pipes()
    console.print()
    console.print(_error_table(result))
    for line in _judgement(result):
        click.echo(line)
    click.echo()
    for line in _whereabouts(result, target):
        click.echo(line)


def _error_table(result: TrainingResult) -> Table:
    from rich.table import Table

    part = "test" if len(result.split.test) else "train"
    differences = result.part(part)
    hits = "hits held out" if part == "test" else "hits trained on"
    table = Table(
        title=f"Mean error over {len(differences.wanted)} {hits}", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    table.add_column("feature")
    table.add_column("unit")
    for column in ("bare preset", "model", "deviation"):
        table.add_column(column, justify="right")
    bare, errors = differences.bare_errors(), differences.errors()
    for p, *numbers in zip(LONG_TERM, bare.mean, errors.mean, errors.deviation, strict=True):
        table.add_row(p.name, p.unit, *(f"{number:.3f}" for number in numbers))
    table.add_row("mean", "", f"{bare.overall:.3f}", f"{errors.overall:.3f}")
    return table


def _judgement(result: TrainingResult) -> Iterator[str]:
    test = result.part("test")
    if len(result.split.test) > 1:
        ranks = (f"{_RANKED_WORDS[name]} {test.rank_correlation(name):.2f}" for name in RANKED)
        yield f"rank correlation over them: {', '.join(ranks)}"
    if len(result.split.test):
        yield f"features of what the engine plays are those trained with to {np.max(result.answers.largest):.1g}"
    history = result.history
    best = f", the best is number {history.best_epoch + 1}" if history.validation_loss.size else ""
    epochs = f"{len(history.train_loss)} epochs{best}"
    stopped = "; stopped before the end" if result.ending == "stopped" else ""
    yield f"trained in {_seconds(result.elapsed_s)}: {epochs}{stopped}"


def _whereabouts(result: TrainingResult, target: Target) -> Iterator[str]:
    from remapd.mapping.library import list_models

    file = click.format_filename(target.output)
    yield f"{file}: the model"
    if target.report is not None:
        yield f"{click.format_filename(target.report / 'index.html')}: the report"
    if result.ending == "stopped":
        yield f"{click.format_filename(target.checkpoint)}: to go on with --resume"
    is_named = list_models().get(target.output.stem) == target.output
    model = shlex.quote(target.output.stem if is_named else file)
    yield f"Hear it: remapd demo --model {model}"
    yield f"Over a recording: remapd render IN.wav OUT.wav --model {model}"
    yield f"Play it: remapd run --model {model}"
