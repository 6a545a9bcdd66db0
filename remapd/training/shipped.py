"""The models that come with remapd: ``python -m remapd.training.shipped FOLDER [NAME...]`` makes them anew.

FOLDER has a folder for each drum with single hits and a table ``hits.csv`` (columns ``file`` and ``mic``), such as the
CC0 snares of Karoryfer Samples: Frankensnare 14x8 aluminium and 14x6.5 maple, and Gogodze Phu Vol II. One microphone of
each drum is heard. Ours hear all three drums; the published recipe gets one, as published. The same recordings give the
same bytes.
"""

from __future__ import annotations

import csv
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from remapd.mapping.bundle import save_model
from remapd.synth.presets import load_preset
from remapd.training import cards
from remapd.training.dataset import load_hits
from remapd.training.material import check_material
from remapd.training.recipes import get_recipe
from remapd.training.trainer import train

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
    """Hits of each drum by its main microphone."""
    found = []
    for drum in drums:
        with (folder / drum / "hits.csv").open() as table:
            found += [folder / drum / row["file"] for row in csv.DictReader(table) if row["mic"] in MICROPHONES]
    return found


def make(name: str, folder: Path) -> None:
    """Train one model and write its file."""
    preset_name, recipe_name, drums = MODELS[name]
    recipe, start = get_recipe(recipe_name), time.monotonic()
    hits = load_hits(recordings(folder, drums), spec=recipe.features)
    check_material(hits)
    preset = load_preset(MODELS_FOLDER / "presets" / f"{preset_name}.json")
    result = train(hits, preset, recipe, name=name, licence=LICENCE)
    description = f"{preset.description} Trained on {', '.join(drums)}."
    model = dataclasses.replace(result.model, description=description)
    save_model(model, MODELS_FOLDER / f"{name}.safetensors")
    print(name, cards.card(model), f"{time.monotonic() - start:.0f} s", sep="\n", flush=True)


def main() -> None:
    """Make the models that are named, or all, and their cards."""
    folder, names = Path(sys.argv[1]), sys.argv[2:] or MODELS
    for name in names:
        make(name, folder)
    cards.main(MODELS_FOLDER)


if __name__ == "__main__":
    main()
