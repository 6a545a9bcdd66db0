"""``remapd train``: recordings in, a model out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remapd.commands._shared import parsed_channel, parsed_settings
from remapd.errors import FieldError
from remapd.extras import require_torch
from remapd.processes import be_first_to_go, end_with, lower_priority

if TYPE_CHECKING:
    from remapd.commands._train_setup import Target
    from remapd.commands._train_show import Show
    from remapd.synth.presets import Preset
    from remapd.training.dataset import HitSet
    from remapd.training.recipes import Recipe

_FILE = click.Path(path_type=Path, readable=False)
_ONSET = "onset."
#: The engine and whatever else a person waits for come first.
_BACKGROUND_NICENESS = 15


def _list_recipes(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        from remapd.training.recipes import RECIPES

        click.echo(json.dumps({recipe.name: recipe.description for recipe in RECIPES.values()}))
        context.exit()


_OPTIONS = (
    click.option("--synth", metavar="NAME", help="Synthesiser to train; a preset says it too."),
    click.option("--preset", metavar="NAME|FILE", help="Sound that is modulated; by default one of the synth's."),
    click.option("--recipe", "recipe_name", default="default", show_default=True, metavar="NAME",
                 help="How to train; the recipes are listed below."),
    click.option("-o", "--output", type=_FILE, metavar="FILE",
                 help="Model, as .safetensors; by default in your own folder, named like the recording."),
    click.option("--report", type=_FILE, metavar="FOLDER", help="Folder for a page with curves, errors and sounds."),
    click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
                 help="Another seed draws other hits for the test and other first weights."),
    click.option("--epochs", type=click.IntRange(min=1), help="Passes through the hits, in place of the recipe's."),
    click.option("--channel", default="1", show_default=True, metavar="NUMBER|mix",
                 help="Channel of the recordings; mix is the mean of all."),
    click.option("--validation", type=click.FloatRange(0.0, 0.5, min_open=True), default=0.1, show_default=True,
                 help="Part of the hits that chooses the best epoch, where the recipe needs that."),
    click.option("--test", type=click.FloatRange(0.0, 0.5), default=0.1, show_default=True,
                 help="Part of the hits that is kept out, to judge the model by."),
    click.option("--set", "settings", multiple=True, metavar="onset.NAME=VALUE",
                 help="A parameter of the detector, as `remapd parameters` lists them. Repeatable."),
    click.option("--name", help="Name of the model; by default that of its file."),
    click.option("--licence", default="not stated", show_default=True, help="Licence of the model."),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
                 help="Where to compute; auto takes CUDA if there is any."),
    click.option("--resume", is_flag=True, help="Go on from where a training of the same model was broken off."),
    click.option("--force", is_flag=True, help="Replace a model that is there; begin anew where one was broken off."),
    click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong."),
    click.option("--progress", type=click.Choice(["text", "json"]), default="text", show_default=True,
                 help="json is for programs: one object on a line of standard output for each step."),
    click.option("--background", is_flag=True,
                 help="Give way to everything else on the machine, and end at once when standard input is closed."),
    click.option("--list-recipes", is_flag=True, is_eager=True, expose_value=False, callback=_list_recipes,
                 help="Give name and description of all recipes as JSON, and end."),
)  # fmt: skip


def _train_options(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class _Command(click.Command):
    """A command whose help ends with the recipes there are."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from remapd.training.recipes import RECIPES

        with formatter.section("Recipes"):
            formatter.write_dl([(recipe.name, recipe.description) for recipe in RECIPES.values()])


@click.command("train", cls=_Command)
@click.argument("recordings", nargs=-1, required=True, type=_FILE, metavar="RECORDING...")
@_train_options
def command(quiet: bool, progress: str, background: bool, **options: Any) -> None:
    """Train a model from recordings of single strokes: from as soft to as loud as you play, half a minute or more.

    A RECORDING is an audio file or a folder of such. Ctrl-C ends training early and keeps what was learnt so far;
    the file that ends in .checkpoint then allows to go on with --resume.
    """
    from remapd.commands._train_lines import Lines
    from remapd.commands._train_show import Text

    if quiet and progress == "json":
        raise click.UsageError("--quiet and --progress json exclude each other")
    if background:
        lower_priority(_BACKGROUND_NICENESS)
        be_first_to_go()
        end_with(sys.stdin.buffer)
    show: Show = Lines() if progress == "json" else Text(quiet)
    with show.faults():
        require_torch()
        _train_from(show, **options)


def _train_from(
    show: Show,
    recordings: tuple[Path, ...],
    synth: str | None,
    preset: str | None,
    recipe_name: str,
    output: Path | None,
    report: Path | None,
    epochs: int | None,
    channel: str,
    settings: tuple[str, ...],
    name: str | None,
    device: str,
    resume: bool,
    force: bool,
    **options: Any,
) -> None:
    from remapd.dsp.kernel import is_cached

    # Asked before anything else is imported, for that may put the first compiled function into the cache.
    is_first_run = not is_cached()
    from remapd.commands import _train_setup as setup
    from remapd.training.torch_state import chosen_device

    recipe = setup.chosen_recipe(recipe_name, epochs)
    start = setup.chosen_preset(preset, synth)
    onset_parameters = _onset_parameters(settings, start.synth)
    target = setup.Target(output, recordings, name, report)
    target.check(resume, force)
    device = chosen_device(device)
    if is_first_run:
        show.compiling()

    from remapd.training.dataset import load_hits
    from remapd.training.material import check_material, hit_report

    show.reading()
    hits = load_hits(
        recordings, spec=recipe.features, channel=parsed_channel(channel), onset_parameters=onset_parameters
    )
    show.hits(hit_report(hits))
    check_material(hits)
    _train(show, hits, start, recipe, target, device=device, resume=resume, **options)


def _train(show: Show, hits: HitSet, preset: Preset, recipe: Recipe, target: Target, **options: Any) -> None:
    from remapd.commands._train_show import stop_when_interrupted
    from remapd.training.trainer import train

    with stop_when_interrupted() as stop, show.training(recipe, preset) as progress:
        result = train(
            hits,
            preset,
            recipe,
            name=target.name,
            progress=progress,
            stop=stop,
            checkpoint=target.checkpoint,
            **options,
        )
    show.writing()
    target.save(result)
    show.result(result, target)


def _onset_parameters(settings: tuple[str, ...], synth: str) -> dict[str, float]:
    parsed = parsed_settings(settings, synth)
    for name in parsed:
        if not name.startswith(_ONSET):
            raise FieldError("--set", "a parameter of the detector (onset.NAME)", name)
    return {name.removeprefix(_ONSET): value for name, value in parsed.items()}
