"""``remapd experiment``: every drum with every preset and recipe, and the table of the publication."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remapd.commands._shared import parsed_channel, terminated_like_interrupted
from remapd.errors import FieldError

if TYPE_CHECKING:
    from remapd.synth.presets import Preset
    from remapd.training.experiment_plan import Plan
    from remapd.training.experiment_pools import Pool
    from remapd.training.experiment_run import Settings
    from remapd.training.experiment_store import Store

_FOLDER = click.Path(path_type=Path, readable=False)
_ALL = "all"
_FAILED = 1

_OPTIONS = (
    click.option("--drums", multiple=True, metavar="NAME,...", help="Folders of drums; all if not given."),
    click.option("--presets", multiple=True, metavar="NAME,...|all",
                 help="Presets; by default the five snares of the publication."),
    click.option("--recipes", multiple=True, metavar="NAME,...",
                 help="Rows of the table; by default those of the publication and our default. Beside the recipes of "
                 "`remapd train` there are bare and direct."),
    click.option("--seeds", type=click.IntRange(1, 10000), default=1, show_default=True,
                 help="Number of seeds; each holds other hits out and begins with other weights."),
    click.option("--first-seed", type=click.IntRange(0, 2**31), default=0, show_default=True, help="Least seed."),
    click.option("--channel", default="1", show_default=True, metavar="NUMBER|mix",
                 help="Channel of the recordings; mix is the mean of all."),
    click.option("--workers", type=click.IntRange(1, 1024), metavar="NUMBER",
                 help="Processes on this machine; by default one for each processor."),
    click.option("--dask", metavar="ADDRESS",
                 help="Scheduler of a Dask cluster to work on instead, as tcp://host:8786. Its workers need remapd, "
                 "but none of the recordings. Name only one that you trust: what it answers is unpickled here."),
    click.option("-o", "--output", type=_FOLDER, required=True, metavar="RESULTS",
                 help="Folder of the results and tables; what is there already is gone on with."),
    click.option("--keep-models", is_flag=True, help="Keep every model, in the folder models of the results."),
    click.option("--retry-failed", is_flag=True, help="Try again what failed before."),
    click.option("--tables-only", is_flag=True, help="Do no job; only make the tables of the results that are there."),
    click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong."),
)  # fmt: skip


def _experiment_options(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("experiment")
@click.argument("folder", required=False, type=_FOLDER, metavar="FOLDER")
@_experiment_options
def command(folder: Path | None, output: Path, tables_only: bool, quiet: bool, **options: Any) -> None:
    """Train each recipe on each drum with each preset, and compare them in tables.

    FOLDER has a folder of recordings for each drum. Each result is written as soon as it is there: break off with
    Ctrl-C at any time, and give the same command to go on. The tables are made of all results in RESULTS, as Markdown,
    CSV and LaTeX.
    """
    from remapd.training.experiment_store import Store

    store = Store(output)
    if tables_only:
        _write_tables(store, quiet)
        return
    if folder is None:
        raise FieldError("FOLDER", "a folder that has one of recordings for each drum", "")
    _run(folder, store, quiet, **options)


def _run(
    folder: Path,
    store: Store,
    quiet: bool,
    workers: int | None,
    dask: str | None,
    keep_models: bool,
    retry_failed: bool,
    **choices: Any,
) -> None:
    from remapd.extras import require_torch
    from remapd.training.experiment_run import Settings

    require_torch()
    plan = _plan(folder, **choices)
    store.prepare()
    with terminated_like_interrupted():
        failed = _do(plan, store, Settings(retry_failed, keep_models), _pool(workers, dask), quiet)
    _write_tables(store, quiet)
    if failed == len(plan):
        raise SystemExit(_FAILED)


def _plan(
    folder: Path,
    drums: tuple[str, ...],
    presets: tuple[str, ...],
    recipes: tuple[str, ...],
    seeds: int,
    first_seed: int,
    channel: str,
) -> Plan:
    from remapd.training.experiment_plan import ROWS, Plan, get_method

    return Plan(
        folders=tuple(_chosen_folders(folder, _names(drums))),
        presets=tuple(_chosen_presets(_names(presets))),
        methods=tuple(get_method(name) for name in _names(recipes) or ROWS),
        seeds=seeds,
        first_seed=first_seed,
        channel=parsed_channel(channel),
    )


def _names(texts: Sequence[str]) -> list[str]:
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def _chosen_folders(folder: Path, names: Sequence[str]) -> list[Path]:
    from remapd.training.sources import drum_folders

    known = {path.name: path for path in drum_folders(folder)}
    for name in names:
        if name not in known:
            raise FieldError("--drums", f"some of the folders {', '.join(known)}", name)
    return [known[name] for name in names or known]


def _chosen_presets(names: Sequence[str]) -> list[Preset]:
    from remapd.mapping.library import list_presets, load_preset_named
    from remapd.training.experiment_plan import PUBLISHED_PRESETS

    chosen = list(list_presets()) if list(names) == [_ALL] else names or PUBLISHED_PRESETS
    return [load_preset_named(name) for name in chosen]


def _pool(workers: int | None, dask: str | None) -> Pool:
    from remapd.training.experiment_pools import DaskPool, LocalPool
    from remapd.training.kernels.threads import thread_count

    if dask is None:
        return LocalPool(workers or thread_count())
    if workers is not None:
        raise FieldError("--workers", "nothing, for with --dask the cluster decides", workers)
    return DaskPool(dask)


def _do(plan: Plan, store: Store, settings: Settings, pool: Pool, quiet: bool) -> int:
    """Run an experiment; gives the number of jobs without a result."""
    from remapd.commands import _experiment_show as show
    from remapd.training.experiment_run import Experiment

    is_complete = False
    try:
        with show.shown(len(plan), quiet) as (tell, progress):
            tally = Experiment(plan, store, settings, tell, progress).run(pool)
        is_complete = True
    finally:
        pool.close(is_complete)
    if not quiet:
        show.show_tally(tally)
    return tally.failed + tally.failed_before


def _write_tables(store: Store, quiet: bool) -> None:
    from remapd.commands import _experiment_show as show
    from remapd.training import experiment_tables as tables

    results = store.all(lambda line: click.echo(line, err=True))
    compiled, lines = tables.compile_tables(results), tables.notes(results)
    texts = {
        "tables.md": tables.markdown(compiled, lines),
        "tables.csv": tables.csv_text(compiled),
        "tables.tex": tables.latex(compiled, lines),
    }
    paths = [store.write_text(name, text) for name, text in texts.items()]
    if not quiet:
        show.show_tables(compiled[0], lines, paths)
