"""Presets: a synth's parameters in their units, each with its damping, in one small JSON file.

    {"name": "snare_1", "synth": "snare808", "description": "...",
     "preset": {"osc1.freq": 180.0, ...}, "damping": {"osc1.freq": 0.01, ...}}

``preset`` names every parameter of the synth, in any order; ``damping`` names those that the network may move less
than fully (0 not at all, 1 fully, which is the default). The published files have these two fields alone and are read
as they are: the synth is then the 808 snare and the name that of the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.errors import FieldError, ModelError, Told
from remapd.fields import checked_name, checked_object, checked_text, name_from, parsed_json
from remapd.files import read_capped, replace_file
from remapd.parameters import ParameterTable
from remapd.synth.registry import get_synth

#: A larger file is refused before it is read; the shipped ones have about 1 KiB.
MAX_FILE_BYTES = 64 * 1024
MAX_DESCRIPTION_LENGTH = 1000
PUBLISHED_SYNTH = "snare808"

#: Fields of a preset's file.
PRESET_FIELDS = ("name", "synth", "description", "preset", "damping")


@dataclass(frozen=True, eq=False)
class Preset:
    """A sound of a synth, checked as it is made.

    Parameters
    ----------
    name : str
        1 to 64 letters, digits, blanks and ``_ . + -``, the first a letter or a digit: it serves as a file name.
    synth : str
        Name of the synth.
    values : array of float, shape (parameters,)
        Values in the order and units of the synth's table.
    damping : array of float, shape (parameters,)
        How far the network may move each parameter, 0..1.
    description : str
        For people.

    Raises
    ------
    FieldError
        If anything does not fit; `field` names it.
    """

    name: str
    synth: str
    values: NDArray[np.float64]
    damping: NDArray[np.float64]
    description: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name)
        checked_text(self.description, "description", MAX_DESCRIPTION_LENGTH)
        values = self.table.checked(self.values, "preset").copy()
        damping = _checked_damping(self.table, self.damping)
        for field, array in (("values", values), ("damping", damping)):
            array.setflags(write=False)
            object.__setattr__(self, field, array)

    @property
    def table(self) -> ParameterTable:
        """Parameter table of the synth."""
        return get_synth(self.synth).table

    @property
    def unit_values(self) -> NDArray[np.float64]:
        """The values scaled linearly to 0..1, as the network sees them."""
        return self.table.normalise(self.values)


def default_preset(synth: str = PUBLISHED_SYNTH) -> Preset:
    """Preset with the defaults of a synth's table and no damping."""
    table = get_synth(synth).table
    return Preset("default", synth, table.default, np.ones(len(table)))


def load_preset(path: str | os.PathLike[str]) -> Preset:
    """Read a preset file, of our form or the published one.

    Raises
    ------
    ModelError
        If the file cannot be read, is larger than `MAX_FILE_BYTES`, or is no JSON.
    FieldError
        If a field is missing, unknown, given twice, or does not fit; `field` names it.
    """
    path = Path(path)
    name = name_from(path.stem, "preset")
    return preset_from_document(_parsed(read_capped(path, MAX_FILE_BYTES, "preset"), path), name)


def save_preset(preset: Preset, path: str | os.PathLike[str]) -> None:
    """Write a preset file, whole or not at all; equal presets give equal bytes.

    Raises
    ------
    ModelError
        If the folder or the file cannot be written.
    """
    text = json.dumps(preset_document(preset), indent=2, ensure_ascii=False) + "\n"
    replace_file(Path(path), text.encode(), "preset")


def preset_document(preset: Preset) -> dict[str, Any]:
    """Give the content of a preset's file; dampings of 1 are left out."""
    damping = preset.table.mapping(preset.damping)
    return {
        "name": preset.name,
        "synth": preset.synth,
        "description": preset.description,
        "preset": preset.table.mapping(preset.values),
        "damping": {name: value for name, value in damping.items() if value != 1.0},
    }


def preset_from_document(document: object, default_name: str = "preset") -> Preset:
    """Preset of the content of a file; `default_name` serves where it has no name.

    Raises
    ------
    FieldError
        If a field is missing, unknown or does not fit; `field` names it.
    """
    fields = checked_object(document, "preset file")
    unknown = [name for name in fields if name not in PRESET_FIELDS]
    if unknown:
        raise FieldError("preset file", f"only the fields {', '.join(PRESET_FIELDS)}", unknown[0])
    if "preset" not in fields:
        raise FieldError("preset", "a JSON object with a value for each parameter", Told("none"))
    synth = checked_text(fields.get("synth", PUBLISHED_SYNTH), "synth", 64)
    table = get_synth(synth).table
    return Preset(
        name=checked_name(fields.get("name", default_name)),
        synth=synth,
        values=table.vector(checked_object(fields["preset"], "preset"), "preset"),
        damping=_damping_vector(table, checked_object(fields.get("damping", {}), "damping")),
        description=checked_text(fields.get("description", ""), "description", MAX_DESCRIPTION_LENGTH),
    )


def _damping_vector(table: ParameterTable, damping: Mapping[str, object]) -> NDArray[np.float64]:
    vector = np.ones(len(table))
    for name, value in damping.items():
        index = table.index(name, "damping")
        vector[index] = _checked_fraction(value, f"damping.{name}")
    return vector


def _checked_damping(table: ParameterTable, damping: object) -> NDArray[np.float64]:
    array = np.array(damping, dtype=np.float64)
    if array.shape != (len(table),):
        raise FieldError("damping", f"{len(table)} numbers", f"shape {array.shape}")
    for name, value in zip(table.names, array, strict=True):
        _checked_fraction(float(value), f"damping.{name}")
    return array


def _checked_fraction(value: object, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise FieldError(field, "a number from 0 to 1", value)
    return float(value)


def _parsed(content: bytes, path: Path) -> object:
    try:
        return parsed_json(content)
    except ValueError as error:
        raise ModelError(f"preset {str(path)!r} is no JSON text: {error}") from None
