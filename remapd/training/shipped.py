"""The models that come with remapd: ``python -m remapd.training.shipped FOLDER [NAME...]`` makes them anew.

FOLDER has a folder for each drum with single hits and a table ``hits.csv`` (columns ``file`` and ``mic``), such as the
CC0 snares of Karoryfer Samples: Frankensnare 14x8 aluminium and 14x6.5 maple, and Gogodze Phu Vol II. One microphone of
each drum is heard. Ours hear all three drums; the published recipe gets one, as published. The same recordings give the
same bytes. It runs in a checkout of the source, into whose folder ``models`` it writes.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from remapd.errors import FieldError, RemapdError, TrainingDataError, TrainingError
from remapd.extras import require_torch
from remapd.mapping.bundle import save_model
from remapd.synth.presets import load_preset
from remapd.training import cards
from remapd.training.dataset import HitSet, load_hits
from remapd.training.material import check_material
from remapd.training.recipes import get_recipe

MODELS_FOLDER = Path(__file__).resolve().parents[2] / "models"
DRUMS = ("snare_fs14x65maple", "snare_fs14x8al", "snare_gogodze")
MICROPHONES = ("top", "snare_mic")
LICENCE = "CC0-1.0"

SNARES = ("noisy_snare", "open_snare", "snare_1", "snare_2", "snare_3")
OTHERS = ("simple_tom", "fm_tom", "kick_long", "hat_closed", "clap_808")
#: Preset, recipe and drums of each model by its name.
MODELS = {
    **{preset: (preset, "default", DRUMS) for preset in (*SNARES, *OTHERS)},
    **{f"{preset}-nime2024": (preset, "nime2024", DRUMS[:1]) for preset in SNARES},
}


def recordings(folder: Path, drums: Sequence[str]) -> list[Path]:
    """Hits of each drum by its main microphone.

    Raises
    ------
    TrainingDataError
        If a drum has no table, or one without the columns.
    """
    return [path for drum in drums for path in _listed_in(folder / drum / "hits.csv")]


def _listed_in(table: Path) -> list[Path]:
    try:
        with table.open(encoding="utf-8") as file:
            return [table.parent / row["file"] for row in csv.DictReader(file) if row["mic"] in MICROPHONES]
    except OSError as error:
        raise TrainingDataError(f"{table}: cannot be read ({error.strerror})") from None
    except KeyError as error:
        raise TrainingDataError(f"{table}: has no column {error}") from None


def make(name: str, folder: Path) -> None:
    """Train one model and write its file."""
    from remapd.training.trainer import train

    preset_name, recipe_name, drums = MODELS[name]
    recipe, start = get_recipe(recipe_name), time.monotonic()
    hits = named_by_drum(load_hits(recordings(folder, drums), spec=recipe.features), folder)
    check_material(hits)
    preset = load_preset(MODELS_FOLDER / "presets" / f"{preset_name}.json")
    result = train(hits, preset, recipe, name=name, licence=LICENCE)
    description = f"{preset.description} Trained on {', '.join(drums)}."
    model = dataclasses.replace(result.model, description=description)
    save_model(model, MODELS_FOLDER / f"{name}.safetensors")
    print(name, cards.card(model), f"{time.monotonic() - start:.0f} s", sep="\n", flush=True)


def named_by_drum(hits: HitSet, folder: Path) -> HitSet:
    """Name each hit's drum by the drum's own folder, however deep in it the recording lies."""
    origins = (dataclasses.replace(one, drum=one.path.relative_to(folder).parts[0]) for one in hits.origins)
    return dataclasses.replace(hits, origins=tuple(origins))


def _check(names: Sequence[str]) -> None:
    """Refuse before hours of work what cannot be made."""
    for name in names:
        if name not in MODELS:
            raise FieldError("NAME", f"some of {', '.join(MODELS)}", name)
    require_torch()
    if not (MODELS_FOLDER / "presets").is_dir():
        raise TrainingError(f"{MODELS_FOLDER}: no folder with presets; models that ship are made in a checkout")


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the models that are named, or all, and their cards."""
    parser = argparse.ArgumentParser(prog="python -m remapd.training.shipped", description="Make the models that ship.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="holds a folder for each drum")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of a model; all if none is named: {', '.join(MODELS)}"
    )
    given = parser.parse_args(arguments)
    try:
        _check(given.names)
        for name in given.names or MODELS:
            make(name, given.folder)
        cards.main(MODELS_FOLDER)
    except RemapdError as error:
        sys.exit(f"{parser.prog}: {error}")


if __name__ == "__main__":
    main()
