"""``remapd models import`` and ``remapd models export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remapd.errors import FieldError

if TYPE_CHECKING:
    from remapd.mapping.bundle import Model

_FILE = click.Path(path_type=Path, readable=False)


@click.command("import")
@click.argument("source", type=_FILE, metavar="FILE.pt")
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="By default NAME.safetensors in your own folder.")
@click.option("--name", metavar="NAME", help="Name of the model; by default that of the file.")
@click.option("--licence", default="unknown", show_default=True, metavar="TEXT", help="Of the weights; SPDX if any.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def import_model(source: Path, output: Path | None, name: str | None, licence: str, force: bool) -> None:
    """Turn a TorchDrum model (TorchScript) into one of remapd's.

    Needs PyTorch. The file is read in a process of its own with little time, memory and rights, and refused if it does
    more than a mapper or if the result would answer otherwise than the file, by more than a millionth of a range.

    TorchDrum scales each feature by the range heard so far. The imported model has the ranges of close-miked snare
    hits instead: loudness -54 to -7 dB, centroid 79 to 105 st, flatness -84 to -29 dB. With `--set adaptive=1` it is
    played as in TorchDrum. Its noise filter goes up to 22050 Hz, as in training; the plugin plays up to 24000 Hz.

    A file that `remapd models export` wrote comes back as the model it was.
    """
    from remapd.fields import checked_name
    from remapd.files import replace_file
    from remapd.mapping.bundle import model_bytes
    from remapd.mapping.library import user_folder
    from remapd.training.torchdrum.importing import import_torchdrum

    if name is not None:
        checked_name(name, "--name")
    if output is not None:
        _check_free(output, force)
    model = import_torchdrum(source, name, licence)
    if output is None:
        output = user_folder() / f"{model.name}.safetensors"
        _check_free(output, force)
        _make_folder(output.parent)
    replace_file(output, model_bytes(model), "model")
    click.echo(f"{click.format_filename(output)}: {_summary(model)}")


@click.command("export")
@click.argument("name", metavar="NAME|FILE")
@click.option("--torchdrum", "output", type=_FILE, required=True, metavar="OUT.pt", help="File for TorchDrum to load.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export_model(name: str, output: Path, force: bool) -> None:
    """Write a model of the 808 snare as a file that TorchDrum loads.

    Needs PyTorch. The preset and the modulations are written in the ranges of the plugin, whose noise filter goes up to
    24000 Hz, and the reference hit is subtracted in the file, so that TorchDrum sounds as was trained. It scales the
    features by the range it hears, though.
    """
    from remapd.extras import require_torch
    from remapd.mapping.library import load_model_named

    _check_free(output, force)
    model = load_model_named(name)
    require_torch()
    from remapd.training.torchdrum.exporting import export_torchdrum

    export_torchdrum(model, output)
    click.echo(f"{click.format_filename(output)}: {_summary(model)}")
    for note in _notes(model):
        click.echo(f"remapd: note: {note}", err=True)


def _check_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise FieldError("output", "a file that is not there yet, or --force", str(path))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FieldError("output", "a folder that can be written", str(error)) from None


def _summary(model: Model) -> str:
    from remapd.commands.models.listing import network_text

    return f"{model.name}, {network_text(model.network.kind, model.network.sizes)}, preset {model.preset.name}"


def _notes(model: Model) -> list[str]:
    from remapd.features.descriptors import FeatureSpec

    window_ms = model.features.window_ms
    if window_ms == FeatureSpec().window_ms:
        return []
    return [f"TorchDrum measures 256 samples, and this model was trained on {window_ms:.1f} ms"]
