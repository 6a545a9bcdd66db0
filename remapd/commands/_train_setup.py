"""What ``remapd train`` settles and checks before minutes of work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from remapd.errors import FieldError, TrainingError
from remapd.fields import checked_name, name_from
from remapd.mapping.bundle import save_model
from remapd.mapping.library import list_presets, load_preset_named, user_folder
from remapd.synth.presets import PUBLISHED_SYNTH, Preset, default_preset
from remapd.synth.registry import get_synth
from remapd.training.recipes import Recipe, get_recipe

if TYPE_CHECKING:
    from remapd.training.result import TrainingResult

_SUFFIX = ".safetensors"
_NAME = "model"
#: Room for a model, a checkpoint and, while these are replaced, another of each.
_LEAST_FREE_BYTES = 8 << 20
#: Presets that are taken where only the synth is named; else it is the first by name.
_USUAL_PRESETS = {"snare808": "snare_1"}


def chosen_recipe(name: str, epochs: int | None) -> Recipe:
    """Recipe of a name, with a number of epochs of its own if one is given."""
    recipe = get_recipe(name)
    return recipe if epochs is None else replace(recipe, epochs=epochs, steps=0)


def chosen_preset(name: str | None, synth: str | None) -> Preset:
    """Load the preset that is named, or one of the synth's.

    Raises
    ------
    RemapdError
        If there is none of that name, it is one of another synth, or the synth cannot be trained.
    """
    from remapd.training.ddsp.twin import get_twin

    if synth is not None:
        get_synth(synth, "--synth")
    preset = load_preset_named(name) if name is not None else _usual_preset(synth or PUBLISHED_SYNTH)
    if synth is not None and preset.synth != synth:
        raise FieldError("--preset", f"a preset of {synth}", f"{name}, one of {preset.synth}")
    get_twin(preset.synth)
    return preset


def _usual_preset(synth: str) -> Preset:
    if synth in _USUAL_PRESETS:
        return load_preset_named(_USUAL_PRESETS[synth])
    presets = (load_preset_named(name) for name in list_presets())
    return next((preset for preset in presets if preset.synth == synth), None) or default_preset(synth)


class Target:
    """Where the results go.

    Parameters
    ----------
    output : Path, optional
        The model's file; if not given, one in the user's folder, named like the first recording.
    recordings : sequence of Path
    name : str, optional
        Of the model; if not given, that of its file.
    report : Path, optional
        Folder of the report.
    """

    def __init__(self, output: Path | None, recordings: Sequence[Path], name: str | None, report: Path | None) -> None:
        self._is_own = output is None
        self.output = output or user_folder() / f"{_word(recordings[0])}{_SUFFIX}"
        self.name = checked_name(name, "--name") if name is not None else name_from(self.output.stem, _NAME)
        self.report = report
        self.checkpoint = self.output.with_name(f"{self.output.name}.checkpoint")

    def check(self, resume: bool = False, force: bool = False) -> None:
        """Refuse what could not be written at the end, and what is there already.

        Parameters
        ----------
        resume : bool
            Whether to go on from a checkpoint: then there may be one, and the model that was kept with it.
        force : bool
            Whether to replace these.

        Raises
        ------
        RemapdError
            It names the file or folder and what is wrong.
        """
        from remapd.training.report import check_report_folder

        if self.output.suffix != _SUFFIX:
            raise FieldError("--output", f"a file that ends in {_SUFFIX}", str(self.output))
        if self._is_own:
            self._make_own_folder()
        self._check_writable()
        if not (resume or force):
            self._check_free()
        if self.report is not None:
            check_report_folder(self.report)

    def save(self, result: TrainingResult) -> None:
        """Write model and report, and remove the checkpoint unless there is more to be done.

        Raises
        ------
        RemapdError
            If something cannot be written; a file is whole or not there.
        """
        from remapd.training.report import write_report

        save_model(result.model, self.output)
        if result.ending != "stopped":
            self.checkpoint.unlink(missing_ok=True)
        if self.report is not None:
            write_report(self.report, result)

    def _make_own_folder(self) -> None:
        try:
            self.output.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{self.output.parent}: cannot be made ({error.strerror}); use --output") from None

    def _check_writable(self) -> None:
        folder = self.output.parent
        if not folder.is_dir():
            raise TrainingError(f"{self.output}: there is no folder {folder}")
        if self.output.exists() and not self.output.is_file():
            raise TrainingError(f"{self.output}: is no file, so it cannot be replaced")
        if not os.access(folder, os.W_OK):
            raise TrainingError(f"{self.output}: the folder {folder} is write-protected")
        free = shutil.disk_usage(folder).free
        if free < _LEAST_FREE_BYTES:
            raise TrainingError(f"{self.output}: the disk is full ({free >> 10} KiB free)")

    def _check_free(self) -> None:
        if self.checkpoint.exists():
            raise TrainingError(
                f"{self.checkpoint}: a training was broken off here; --resume goes on with it, --force begins anew"
            )
        if self.output.exists():
            raise TrainingError(f"{self.output}: there is a model already; --force replaces it, --output names another")


def _word(recording: Path) -> str:
    """Make a name of a recording's that can be typed without quotes."""
    return name_from(recording.resolve().stem, _NAME).replace(" ", "_")
